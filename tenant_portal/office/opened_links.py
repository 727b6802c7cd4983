"""The link of a mail that this browser has opened: out of the address at once, then in the form of its page (F20)."""

from typing import Any

from flask import request, session

from ..web.links import FIELD, spellings
from ..web.pages import page
from . import links

#: In the session, by purpose.
_KEPT = "portal_staff_links"


def keep(purpose: str, token: str) -> None:
    """Store a link that holds; any other is forgotten, and its page says so."""
    genuine = next((text for text in spellings(token) if links.verify(purpose, text) is not None), "")
    session[_KEPT] = {**session.get(_KEPT, {}), purpose: genuine}


def token_of(purpose: str) -> str:
    """Return the token of the sent form, or that of the link opened last."""
    return request.form.get(FIELD, "") if request.method == "POST" else session.get(_KEPT, {}).get(purpose, "")


def forget(purpose: str) -> None:
    """Forget a used link."""
    if _KEPT in session:
        session[_KEPT] = {kept: token for kept, token in session[_KEPT].items() if kept != purpose}


def over(purpose: str) -> Any:
    """Return the page of a link that holds no more: used, replaced or too old."""
    return page("office/entrance/link_over.html", purpose=purpose, status=410)
