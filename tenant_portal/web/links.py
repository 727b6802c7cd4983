"""Links of mails (F20).

The token leaves the address bar at once and travels in the form of its page, so a form acts on its own link. The
session keeps the last opened link, so that its page can be shown again.
"""

import re
from contextlib import suppress

from flask import request, session

from .. import public_urls
from ..accounts import sessions, signed_links
from ..accounts.signed_links import Subject
from ..errors import FormOutdated, LinkInvalid
from ..models import Contract
from ..text import pasted
from .cookies import device_mark
from .pages import flash_once, page

#: A token ends with 32 bytes in base64; what follows is no part of it.
_TOKEN = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}(?![A-Za-z0-9])")
#: The form field with the link's token.
FIELD = "lien"
_KEPT = "portal_links"
_ASKED = "portal_asked"
_PAGES = {
    "activation": "signup.open_link",
    "reset": "password.open_link",
    "email_change": "email_change.open_link",
    "office_email_change": "address_proof.open_link",
    "handover": "contracts.open_link",
    "unsubscribe_commercial": "unsubscribe.confirm",
    "unsubscribe_general": "unsubscribe.confirm",
}


def address(purpose: str, subject: Subject, contract: Contract | None) -> str:
    """Return the full address of a new link."""
    token = signed_links.issue(purpose, subject, contract)
    return public_urls.public(_PAGES[purpose], token=token)


def keep(purpose: str, token: str) -> None:
    """Store a link in the session; raise `LinkInvalid` for one that we never signed (X09)."""
    token = genuine(purpose, token)
    session[_KEPT] = {**session.get(_KEPT, {}), purpose: token}


def token_of(purpose: str) -> str:
    """Return the token of the sent form, or on GET that of the last opened link."""
    return request.form.get(FIELD, "") if request.method == "POST" else kept(purpose)


def kept(purpose: str) -> str:
    """Return the token of the link that this browser opened last."""
    token: str = session.get(_KEPT, {}).get(purpose, "")
    return token


def elsewhere(purpose: str) -> tuple[str, int]:
    """Return the page of a link that this browser has not opened: mail apps hand the clean address to another one."""
    return page("link_elsewhere.html", code="link_elsewhere", purpose=purpose)


def note_reference(reference: str) -> None:
    """Remember the reference for which this browser asked a link."""
    session[_ASKED] = reference


def name_of(link: signed_links.Link) -> str:
    """Return the name for a password manager: the reference where this browser knows it, else its last digits.

    A reader of the mailbox alone must not learn the reference, which a login asks for.
    """
    reference = link.contract.reference
    is_known = session.get(_ASKED, "").lstrip("0") == reference.lstrip("0")
    is_known = is_known or sessions.knows_device(link.account, device_mark())
    return reference if is_known else f"•••{link.digits}"


def forget(purpose: str) -> None:
    """Remove a used link from the session."""
    session[_KEPT] = {kept: token for kept, token in session.get(_KEPT, {}).items() if kept != purpose}


def require(purpose: str, *, lock: bool = False, even_late: bool = False) -> signed_links.Link:
    """Return the verified link of this page; raises as `signed_links.verify` does.

    The link of a sent form is stored again, because a login in another tab empties the session.
    """
    token = token_of(purpose)
    if not token:
        raise LinkInvalid(purpose)
    link = signed_links.verify(purpose, token, lock=lock, even_late=even_late)
    if request.method == "POST":
        keep(purpose, token)
    return link


def genuine(purpose: str, token: str) -> str:
    """Return a token without what mail programs take for a part of the link, or break it with."""
    *others, last = spellings(token)
    for candidate in others:
        with suppress(LinkInvalid):
            signed_links.check_signature(purpose, candidate)
            return candidate
    signed_links.check_signature(purpose, last)
    return last


def spellings(token: str) -> list[str]:
    """Return what may be the token of an opened address, without what mail programs stick to it."""
    return list(dict.fromkeys(found[0] if (found := _TOKEN.search(text)) else text for text in (pasted(token), token)))


def put_back(purpose: str, *, say_so: bool = True) -> None:
    """Store the link of a button with an expired token, so that its page can be shown again.

    Raises `FormOutdated` when the form carries no link.
    """
    if not token_of(purpose):
        raise FormOutdated
    keep(purpose, token_of(purpose))
    if say_so:
        flash_once("page_renewed")
