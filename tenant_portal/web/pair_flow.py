"""What a page shows once both numbers of a contract were refused."""

from typing import Any

from flask import session

from ..accounts.number_pairs import PairAttempt
from ..db import db

#: In the session: how many pairs did not match.
_MISMATCHES = "portal_mismatches"
#: From then on the message form is offered first (T04).
_BEFORE_MESSAGE = 3


def refused(attempt: PairAttempt) -> dict[str, Any]:
    """Commit, and return what the page shows: one neutral sentence, or the wait.

    The sentence never tells which number is wrong (T04, T05).
    """
    db.session.commit()
    if attempt.wait is not None:
        return {"wait": attempt.wait, "status": 429}
    session[_MISMATCHES] = session.get(_MISMATCHES, 0) + 1
    return {"mismatch": True}


def forget_refusals() -> None:
    """Start anew after the right numbers."""
    session.pop(_MISMATCHES, None)


def context() -> dict[str, Any]:
    """Return what `signup/refusal.html` needs where nothing was refused."""
    is_often = session.get(_MISMATCHES, 0) >= _BEFORE_MESSAGE
    return {"shows_message_first": is_often, "mismatch": False, "wait": None, "half": ""}
