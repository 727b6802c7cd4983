"""« Ce n'est pas moi »: the owner of an account freezes it from a mail (H07)."""

from typing import Any

from flask import Blueprint, redirect, request, url_for

from ..accounts import email_change, freezing
from ..accounts.freezing import Freezer, Undone
from ..accounts.signed_links import Link
from ..db import begin_write, db
from ..mail import landlord_mails, notifications, rendering
from . import identity, links
from .forms import ButtonForm
from .pages import flash_once, page

screen = Blueprint("not_me", __name__)


@screen.get("/ce-nest-pas-moi/<portal_link:token>")
def open_link(token: str):
    """Move the token from the address into the session; change nothing."""
    links.keep("not_me", token)
    return redirect(url_for(".ask"))


@screen.route("/ce-nest-pas-moi", methods=["GET", "POST"])
def ask() -> Any:
    """Say what will happen; the button leads to a second question, as programs that check mails press one (F22)."""
    if request.method == "GET":
        return _question("not_me/ask.html")
    is_fresh = ButtonForm().is_fresh()
    links.put_back("not_me", say_so=not is_fresh)
    if is_fresh and "retour" not in request.form:
        return redirect(url_for(".confirm"))
    return redirect(url_for(".ask"))


@screen.route("/ce-nest-pas-moi/confirmation", methods=["GET", "POST"])
def confirm() -> Any:
    """Ask once more, then freeze the account."""
    if request.method == "GET":
        return _question("not_me/confirm.html")
    if not ButtonForm().is_fresh():
        links.put_back("not_me")
        return redirect(url_for(".confirm"))
    begin_write()
    link = links.require("not_me", lock=True)
    by = freezing.readers(link.account)[link.reader]
    undone = freezing.freeze(link.account, by)
    if undone is not None:
        _tell(link, undone, by)
        if identity.is_logged_in(link.account.id):
            identity.log_out()
    db.session.commit()
    return _leave(link)


def _question(template: str) -> Any:
    if not links.token_of("not_me"):
        return links.elsewhere("not_me")
    link = links.require("not_me")
    by = freezing.readers(link.account)[link.reader]
    if freezing.has_frozen(link.account, by):
        return _leave(link)
    change = email_change.oldest_open(link.account)
    return page(template, link=link, change=change, is_disputed=by != Freezer.TENANT)


def _leave(link: Link) -> Any:
    """Lead to what comes next, also when the button is pressed again."""
    if freezing.is_disputed(link.account):
        flash_once("account_disputed")
        return redirect(url_for("portal.login.log_in"))
    flash_once("account_frozen")
    return redirect(url_for("portal.password.forgotten"))


def _tell(link: Link, undone: Undone, by: Freezer) -> None:
    notifications.account_frozen(link.account, link.contract, undone=undone)
    standing = rendering.onboarding_text(link.contract)
    landlord_mails.account_disputed(link.account, link.contract, undone, by=by, standing_text=standing)
