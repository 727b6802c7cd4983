"""« Laisser un message », for who is not logged in."""

from typing import Any

from flask import Blueprint, redirect, request, session, url_for

from .. import i18n
from ..db import db
from ..errors import FormForged
from ..messages import conversation, drafts
from ..messages.conversation import Topic
from . import identity
from .address_typos import suggested_address
from .message_forms import RETRY_AFTER, TOPICS_OF_LINKS, MessageForm, send
from .pages import page

screen = Blueprint("messages", __name__)


@screen.route("/message", methods=["GET", "POST"])
def write():
    """Show the form, and send the message; a tenant has a page of his own, which also keeps his text."""
    form = MessageForm(**_known())
    tenant = identity.current_tenant()
    if tenant is not None:
        return _to_own_page(form, tenant.session.account_id)
    if not form.validate_on_submit():
        return _form_page(form)
    topic = Topic(form.topic.data)
    written = conversation.write(
        topic,
        email=form.email.data,
        body=form.body.data,
        reference=form.reference.data or "",
        language=i18n.language(),
        origin=identity.origin(),
    )
    kept = _kept(written, form.email.data)
    send(written)
    if kept is None:
        return (*_form_page(form, status=429, is_excessive=True), {"Retry-After": str(RETRY_AFTER)})
    session["portal_message"] = kept
    return redirect(url_for(".sent"))


@screen.get("/message/envoye")
def sent():
    """Show the number of the message."""
    sent = session.get("portal_message")
    if sent is None:
        return redirect(url_for(".write"))
    suggestion = suggested_address(sent["email"])
    return page("messages/sent.html", suggestion=suggestion, **{"due_on": "", **sent})


def _to_own_page(form: MessageForm, account_id: int) -> Any:
    """Redirect a tenant to the page of his own; it shows what he wrote before he logged in elsewhere."""
    if form.is_submitted() and not form.validate() and form.refusal is not FormForged and form.body.data:
        drafts.keep(account_id, form.body.data, topic=form.topic.data or "")
        db.session.commit()
    return redirect(url_for("portal.threads.write", sujet=request.args.get("sujet")))


def _kept(written: conversation.WriteResult, email: str) -> dict[str, Any] | None:
    """Return what the next page shows of the message."""
    message = written.message
    if message is None:
        return None
    due_on = message.due_on.isoformat() if message.due_on is not None else ""
    return {"number": message.number, "due_on": due_on, "email": email, "has_receipt": written.has_receipt}


def _form_page(form: MessageForm, *, status: int = 200, is_excessive: bool = False) -> tuple[str, int]:
    return page(
        "messages/write.html",
        form=form,
        status=status,
        is_excessive=is_excessive,
        is_refused=is_excessive,
        suggestion=suggested_address(form.email.data or ""),
    )


def _known() -> dict[str, Any]:
    """Return initial values: the topic of the link, and what we know of the visitor."""
    topic = TOPICS_OF_LINKS.get(request.args.get("sujet", ""))
    known: dict[str, Any] = {"topic": topic}
    if signup := session.get("portal_signup", {}):
        known |= {"email": signup["email"], "reference": signup["reference"]}
    if topic is Topic.ADDRESS:
        known.pop("email", None)  # that address is the wrong one
    return known
