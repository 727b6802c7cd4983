"""Links of mails: their addresses, and what an opened one leaves with its page (F20).

The token leaves the address bar at once and travels on in the form of its page. What a form acts on stands in the form.
The session keeps the link opened last, so that its page can be shown again.
"""

from flask import request, session

from .. import public_urls
from ..accounts import signed_links
from ..errors import FormExpired, LinkInvalid
from ..models import Account, Contract, EmailChange
from .pages import flash_once

#: The field in which a page carries its link.
FIELD = "lien"
_KEPT = "portal_links"
#: The page that each link of a mail opens.
_PAGES = {
    "activation": "signup.open_link",
    "reset": "password.open_link",
    "email_change": "email_change.open_link",
    "email_objection": "email_change.open_objection",
}


def address(purpose: str, subject: Account | EmailChange, contract: Contract | None) -> str:
    """Return the full address of a new link, for a mail."""
    token = signed_links.issue(purpose, subject, contract)
    return public_urls.public(_PAGES[purpose], token=token)


def keep(purpose: str, token: str) -> None:
    """Keep a link for its page; raise `LinkInvalid` for what we never signed, which fills no cookie (X09)."""
    signed_links.check_signature(purpose, token)
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


def require(purpose: str, *, lock: bool = False, even_late: bool = False) -> signed_links.Link:
    """Return the link of this page as it stands now; raise as `signed_links.verify` does.

    That of a sent form is kept again: its page may have to be shown, and a login in another tab empties the session.
    """
    token = token_of(purpose)
    if not token:
        raise LinkInvalid(purpose)
    link = signed_links.verify(purpose, token, lock=lock, even_late=even_late)
    if request.method == "POST":
        keep(purpose, token)
    return link


def put_back(purpose: str, *, say_so: bool = True) -> None:
    """Have the page of a button shown again for its own link: a login in another tab took its token away.

    Raises `FormExpired` where the form carries none. The page of a problem tells nothing of what was said before.
    """
    if not token_of(purpose):
        raise FormExpired
    keep(purpose, token_of(purpose))
    if say_so:
        flash_once("page_renewed")
