"""The messages of tenants: the queue, one message, and what the office answers."""

from datetime import timedelta
from typing import Any

from flask import abort, redirect, request, url_for

from ... import public_urls
from ...accounts import office_acts, progress
from ...contracts import lookup
from ...db import begin_write, db, utcnow
from ...mail import notifications
from ...messages import answers, conversation, ownership
from ...messages.models import Author, Channel, Message, MessageEntry, MessageState
from ...settings import settings
from ...text import masked_address
from ...web.forms import ButtonForm, PortalForm
from ...web.message_forms import TOPIC_TITLES
from ...web.pages import flash_once, page
from .. import kept_forms, message_queue, ready_answers
from ..clerks import Clerk
from ..message_forms import AnswerForm, ElsewhereForm

#: The field that names the newest entry of the page, and the one that names an entry to recall.
SHOWN, RECALLED = "dernier", "reponse"


def queue(clerk: Clerk):
    """Show what waits for an answer, or another view."""
    turned = message_queue.page_of(request.args.get("vue", ""), request.args.get("page", 1, type=int), clerk=clerk.name)
    due, overdue = message_queue.counts()
    return page(
        "office/messages/queue.html",
        clerk=clerk,
        turned=turned,
        topics=TOPIC_TITLES,
        due=due,
        overdue=overdue,
        today=lookup.today(),
    )


def show(clerk: Clerk, number: str):
    """Show a message; looking is noted."""
    return _message_page(clerk, ownership.find_any(number) or abort(404))


def answer(clerk: Clerk, number: str):
    """Answer a message, unless something new stands in it; or put a ready-made text into the form."""
    if request.method == "GET":
        return _to_message(number)
    form, message = AnswerForm(), _locked(number)
    is_fine = form.validate_on_submit()
    if ready := request.form.get("texte"):
        form.body.data = "\n\n".join(filter(None, (form.body.data, _ready_text(message, ready))))
        form.body.errors = []
        return _message_page(clerk, message, form)
    if not is_fine:
        return _message_page(clerk, message, form)
    if not answers.is_repeat(message, form.body.data):
        if answers.newer_than(message, request.form.get(SHOWN, "")):
            return _message_page(clerk, message, form)
        answers.answer(message, form.body.data, waits=True)
        notifications.message_answered(message, link=public_urls.public("threads.show", number=number))
        _record(clerk, "message_answered", message)
    db.session.commit()
    return _to_message(number)


def recall(clerk: Clerk, number: str):
    """Take an answer back before it leaves; its text returns into the form."""
    if not _is_pressed(number):
        return _to_message(number)
    taken = answers.recall(number, request.form.get(RECALLED, ""))
    if taken is None:
        db.session.rollback()
        flash_once("answer_has_left")
        return _to_message(number)
    message, body = taken
    _record(clerk, "message_recalled", message)
    db.session.commit()
    flash_once("answer_recalled")
    return _message_page(clerk, message, AnswerForm(formdata=None, body=body), is_noted=True)


def mark(clerk: Clerk, number: str):
    """Note that the message was answered otherwise."""
    if request.method == "GET":
        return _to_message(number)
    form, message = ElsewhereForm(), _locked(number)
    form.since = message.created_at.astimezone(settings.timezone).date()
    if not form.validate_on_submit():
        return _message_page(clerk, message, form)
    channel, day, line = Channel(form.channel.data), form.day.data, form.line.data
    if not answers.is_repeat(message, line, channel=channel, day=day):
        if answers.newer_than(message, request.form.get(SHOWN, "")):
            return _message_page(clerk, message, form)
        answers.note_elsewhere(message, channel, day, line)
        _record(clerk, "message_answered_elsewhere", message)
    db.session.commit()
    flash_once("message_marked")
    return _to_message(number)


def close(clerk: Clerk, number: str):
    """Close a message that needs no answer, unless something new stands in it."""
    if not _is_pressed(number):
        return _to_message(number)
    message = _locked(number)
    if answers.newer_than(message, request.form.get(SHOWN, "")):
        flash_once("page_renewed")
        return _to_message(number)
    if conversation.close(message):
        _record(clerk, "message_closed", message)
    db.session.commit()
    flash_once("message_closed")
    return _to_message(number)


def _is_pressed(number: str) -> bool:
    """Tell whether a button was pressed on a page that still counts; 404 for an unknown message."""
    if request.method == "GET":
        return False
    if ownership.find_any(number) is None:
        abort(404)
    is_fresh = ButtonForm().is_fresh()
    if not is_fresh:
        flash_once("page_renewed")
    return is_fresh


def _locked(number: str) -> Message:
    begin_write()
    return ownership.find_any(number, lock=True) or abort(404)


def _to_message(number: str):
    return redirect(url_for(".show", number=number), 303)


def _record(clerk: Clerk, act: str, message: Message) -> None:
    owner = ownership.owner_of(message)
    office_acts.record(clerk.name, act, contract=message.contract_id, account=owner, about=message.number)


def _message_page(clerk: Clerk, message: Message, form: PortalForm | None = None, *, is_noted: bool = False) -> Any:
    """Show a message with a form as it was typed; what it did not show yet stands beside."""
    sent = request.form if request.method == "POST" else kept_forms.shown_again()
    newer = answers.newer_than(message, sent[SHOWN]) if SHOWN in sent else []
    answer_form = form if isinstance(form, AnswerForm) else _unsent(AnswerForm)
    elsewhere_form = form if isinstance(form, ElsewhereForm) else _unsent(ElsewhereForm, day=lookup.today())
    standing = progress.onboarding_status(message.contract) if message.contract is not None else None
    shown = page(
        "office/messages/show.html",
        form=form or answer_form,
        clerk=clerk,
        message=message,
        standing=standing,
        answer_form=answer_form,
        elsewhere_form=elsewhere_form,
        newer=newer,
        is_kept=bool(newer),
        is_typed=bool(answer_form.body.data),
        mark_of=answers.mark_of,
        fates={entry.id: _fate(entry) for entry in message.entries},
        seconds={entry.id: _seconds_left(entry) for entry in message.entries if entry.is_waiting},
        ready=_fitting(message, standing),
        looker=message_queue.last_lookers([message.number], besides=clerk.name).get(message.number),
        topics=TOPIC_TITLES,
        office=Author.OFFICE,
        is_closed=message.state is MessageState.CLOSED,
        today=lookup.today(),
        **_recipient(message),
    )
    begin_write()
    if not is_noted:
        _record(clerk, "message_viewed", message)
    db.session.commit()
    return shown


def _unsent(form_class: type[PortalForm], **values: Any) -> PortalForm:
    """Return a form beside the one that was sent, if one was; it may hold what was kept from a session that ran out."""
    return form_class(**values) if request.method == "GET" else form_class(formdata=None, **values)


def _recipient(message: Message) -> dict[str, Any]:
    """Return where an answer goes, which the page says before the click."""
    owner, address = ownership.owner_of(message), ownership.address_of(message)
    return {
        "owner": owner,
        "is_disputed": ownership.is_disputed(message),
        "address": masked_address(address) if address else "",
        "is_read_at_home": ownership.reader_of(message) is not None,
        "language_of_tenant": owner.language if owner is not None else message.language,
    }


def _fate(entry: MessageEntry) -> str:
    """Return what became of the mail of an answer: a word of the page; empty for what has none."""
    if entry.mail is None or entry.is_waiting:
        return ""
    if entry.mail.state.value in {"refused", "bounced"}:
        return f"lost_{entry.mail.error.partition(':')[0].partition(',')[0].replace(' ', '_')}"
    return entry.mail.state.value


def _seconds_left(entry: MessageEntry) -> int:
    left = entry.leaves_at - utcnow() if entry.leaves_at is not None else timedelta()
    return max(1, round(left.total_seconds()))


def _fitting(message: Message, standing: progress.OnboardingStatus | None) -> dict[str, ready_answers.ReadyAnswer]:
    """Return the ready-made answers; those that tell of a finished account are for its owner alone."""
    may_know = standing is not None and (standing.step <= 12 or ownership.owner_of(message) is not None)
    return ready_answers.fitting(message.topic, standing.situation if standing is not None and may_know else "")


def _ready_text(message: Message, name: str) -> str:
    return ready_answers.text_of(name, _recipient(message)["language_of_tenant"])
