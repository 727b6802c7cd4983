"""What the session keeps of a visitor who is not logged in: it ends with the idle time, or when he says so.

On a shared computer the next person must find nothing of his sign-up, message or links.
"""

from flask import session

from ..db import utcnow
from ..settings import settings

#: When the visitor was last here, in minutes.
_SEEN = "portal_here"
#: Of a login, whose own idle time `identity` knows.
_OF_LOGIN = "portal_seen"


def end_if_idle() -> None:
    """Forget what is kept when nobody was here for the idle time; else note that somebody is."""
    now = int(utcnow().timestamp() // 60)
    if not _kept():
        return
    if (now - session.get(_SEEN, now)) * 60 > settings.session_idle_minutes.total_seconds():
        forget()
    elif session.get(_SEEN) != now:
        session[_SEEN] = now


def forget() -> None:
    """Forget what is kept; the token of forms stays."""
    for key in _kept():
        session.pop(key)


def _kept() -> list[str]:
    return [key for key in session if key.startswith("portal_") and key != _OF_LOGIN]
