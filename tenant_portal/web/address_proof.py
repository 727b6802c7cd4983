"""The address that the office was told proves itself: its tenant has lost password and mailbox (F27)."""

from typing import Any

from flask import Blueprint, redirect, request, url_for

from ..accounts import office_email_change
from ..db import begin_write, db
from ..errors import LinkUsed
from ..mail import new_addresses
from . import links
from .forms import ButtonForm
from .pages import flash_once, page

screen = Blueprint("address_proof", __name__)

PURPOSE = "office_email_change"


@screen.get("/nouvelle-adresse/<portal_link:token>")
def open_link(token: str):
    """Move the token from the address into the session; change nothing."""
    links.keep(PURPOSE, token)
    return redirect(url_for(".confirm"))


@screen.route("/nouvelle-adresse", methods=["GET", "POST"])
def confirm() -> Any:
    """Ask for one button; it gives nobody access, and what counts can still be undone by the address on file."""
    if request.method == "GET":
        if not links.token_of(PURPOSE):
            return links.elsewhere(PURPOSE)
        link = links.require(PURPOSE)
        return page("address_proof/confirm.html", link=link, change=link.its_change)
    if not ButtonForm().is_fresh():
        links.put_back(PURPOSE)
        return redirect(url_for(".confirm"))
    begin_write()
    try:
        change = links.require(PURPOSE, lock=True).its_change
    except LinkUsed:  # by the other of two clicks
        db.session.rollback()
        return _leave()
    counts = office_email_change.prove(change)
    if counts:
        new_addresses.tell(change)
    db.session.commit()
    return _leave() if counts else redirect(url_for(".confirm"))


def _leave() -> Any:
    flash_once("address_counts")
    return redirect(url_for("portal.password.forgotten"))
