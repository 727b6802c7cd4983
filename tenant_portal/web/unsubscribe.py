"""The way out of a mail's purpose: a link, a button, no login and no cookie (RFC 8058, L06)."""

from contextlib import suppress

from flask import Blueprint, request

from .. import signals
from ..accounts import consents, signed_links
from ..accounts.consents import Choice
from ..accounts.signed_links import Link
from ..db import begin_write, db
from ..errors import LinkError, LinkInvalid
from ..models import ConsentPurpose
from . import links
from .pages import page

screen = Blueprint("unsubscribe", __name__)

_PURPOSES = (ConsentPurpose.COMMERCIAL, ConsentPurpose.GENERAL)


@screen.route("/desabonnement/<portal_link:token>", methods=["GET", "POST"])
def confirm(token: str):
    """Show one button; a POST withdraws what the link names, whoever sends it, and answers without a redirect.

    The link is its own token: a mail provider has no page of ours.
    """
    link, purpose = _opened(token)
    if request.method == "POST":
        begin_write()
        link, purpose = _opened(token, lock=True)
        _withdraw(link, purpose)
    return page("unsubscribe/confirm.html", link=link, purpose=purpose, is_done=request.method == "POST")


def _opened(token: str, *, lock: bool = False) -> tuple[Link, ConsentPurpose]:
    """Return the link and its purpose; raise `LinkInvalid` for any other, also for one of an account that is gone."""
    for purpose in _PURPOSES:
        kind = f"unsubscribe_{purpose}"
        with suppress(LinkError):
            return signed_links.verify(kind, links.genuine(kind, token), lock=lock), purpose
    raise LinkInvalid("unsubscribe")


def _withdraw(link: Link, purpose: ConsentPurpose) -> None:
    account = link.account
    changed = consents.answer(account, {Choice(purpose): False}, channel="unsubscribe")
    number, news = account.id, consents.news(account, changed)
    db.session.commit()
    signals.send_choices_changed(account=number, news=news)
