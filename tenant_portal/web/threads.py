"""« Mes messages »: what a tenant wrote, what was answered, and what he writes."""

from typing import Any

from flask import Blueprint, abort, redirect, request, url_for

from .. import i18n
from ..accounts.sessions import Session
from ..contracts import lookup
from ..db import db
from ..messages import conversation, drafts, ownership
from ..messages.conversation import Topic, WriteResult
from ..messages.models import Author, Draft, Message
from ..models import Account
from . import guards, identity
from .forms import ButtonForm
from .message_forms import RETRY_AFTER, STATE_LABELS, TOPIC_TITLES, TOPICS_OF_LINKS, EntryForm, OwnMessageForm, send
from .pages import flash_once, page

screen = Blueprint("threads", __name__)


@screen.get("/espace/messages")
@guards.account_required
def overview(account: Account):
    """List the messages, the one with the newest entry first."""
    messages = ownership.messages_of(account)
    return page("threads/overview.html", messages=messages, draft=drafts.find(account.id), **_words())


@screen.route("/espace/messages/nouveau", methods=["GET", "POST"])
@guards.session_required
def write(own: Session):
    """Send a new message."""
    draft = _draft(own.account_id, "")
    form = OwnMessageForm(**_known(own.account, draft))
    if not form.validate_on_submit():
        return _write_page(form, draft=draft)
    written = conversation.write(
        Topic(form.topic.data),
        email=own.email,
        body=form.body.data,
        reference=form.reference.data or "",
        language=i18n.language(),
        origin=identity.origin(),
        account_id=own.account_id,
    )
    number = _send(written, own.account_id)
    if number is None:
        return (*_write_page(form, status=429), {"Retry-After": str(RETRY_AFTER)})
    flash_once("message_sent")
    return redirect(url_for(".show", number=number))


@screen.route("/espace/messages/<portal_message:number>", methods=["GET", "POST"])
@guards.account_required
def show(account: Account, number: str):
    """Show a message with what followed, and send what the tenant adds."""
    message = ownership.find(account, number)
    if message is None:
        abort(404)
    draft = _draft(account.id, number)
    form = EntryForm(body=draft.body if draft is not None else None)
    if not form.validate_on_submit():
        return _thread_page(message, form, draft=draft)
    written = conversation.reply(account, number, form.body.data, origin=identity.origin())
    if written is None:  # his contract went to another account meanwhile
        abort(404)
    if _send(written, account.id) is None:
        return (*_thread_page(message, form, status=429), {"Retry-After": str(RETRY_AFTER)})
    flash_once("message_sent")
    return redirect(url_for(".show", number=number))


@screen.route("/espace/messages/<portal_message:number>/regle", methods=["GET", "POST"])
@guards.account_required
def settle(account: Account, number: str):
    """Close a message that is settled; writing in it opens it again."""
    if request.method == "GET":
        return redirect(url_for(".show", number=number))
    if not ButtonForm().is_fresh():
        flash_once("page_renewed")
        return redirect(url_for(".show", number=number))
    if conversation.settle(account, number) is None:
        abort(404)
    db.session.commit()
    flash_once("message_settled")
    return redirect(url_for(".show", number=number))


def _send(written: WriteResult, account_id: int) -> str | None:
    """Send what was written, and forget the draft of it; return the number, None after too many."""
    if written.message is None:
        send(written)
        return None
    number = written.message.number
    drafts.discard(account_id)
    send(written)
    return number


def _draft(account_id: int, number: str) -> Draft | None:
    """Return what the tenant was writing on this page when his session ended."""
    draft = drafts.find(account_id) if request.method == "GET" else None
    return draft if draft is not None and draft.number == number else None


def _words() -> dict[str, Any]:
    return {"topics": TOPIC_TITLES, "states": STATE_LABELS, "today": lookup.today()}


def _write_page(form: OwnMessageForm, *, status: int = 200, draft: Draft | None = None) -> tuple[str, int]:
    is_excessive = status == 429
    return page(
        "threads/write.html", form=form, status=status, draft=draft, is_excessive=is_excessive, is_refused=is_excessive
    )


def _thread_page(
    message: Message, form: EntryForm, *, status: int = 200, draft: Draft | None = None
) -> tuple[str, int]:
    is_excessive = status == 429
    return page(
        "threads/show.html",
        form=form,
        status=status,
        message=message,
        draft=draft,
        office=Author.OFFICE,
        is_excessive=is_excessive,
        is_refused=is_excessive,
        **_words(),
    )


def _known(account: Account, draft: Draft | None) -> dict[str, Any]:
    """Return initial values: what he was writing, else the topic of the link."""
    reference = account.contracts[0].reference
    if draft is not None and "sujet" not in request.args:
        return {"topic": draft.topic or None, "body": draft.body, "reference": reference}
    return {"topic": TOPICS_OF_LINKS.get(request.args.get("sujet", "")), "reference": reference}
