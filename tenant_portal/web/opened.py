"""Links that this browser opened: the token leaves the address bar, and travels on in the form of its page (F20).

The session keeps what was opened last, so that the page can be shown again. What a form acts on stands in the form.
"""

from flask import request, session

from .. import tokens
from ..errors import LinkInvalid

#: The field in which a page carries its link.
FIELD = "lien"
_KEPT = "portal_links"


def keep(purpose: str, token: str) -> None:
    """Keep a link for its page; raise `LinkInvalid` for what we never signed, which fills no cookie (X09)."""
    tokens.check_signature(purpose, token)
    session[_KEPT] = {**session.get(_KEPT, {}), purpose: token}


def token_of(purpose: str) -> str:
    """Return the token that a sent form carries, or, for a page to show, that of the link opened last."""
    if request.method == "POST":
        return request.form.get(FIELD, "")
    token: str = session.get(_KEPT, {}).get(purpose, "")
    return token


def forget(purpose: str) -> None:
    """Forget a link that has done its work."""
    session[_KEPT] = {kept: token for kept, token in session.get(_KEPT, {}).items() if kept != purpose}


def require(purpose: str, *, lock: bool = False, even_late: bool = False) -> tokens.Link:
    """Return the link of this page as it stands now; raise as `tokens.verify` does."""
    token = token_of(purpose)
    if not token:
        raise LinkInvalid(purpose)
    return tokens.verify(purpose, token, lock=lock, even_late=even_late)
