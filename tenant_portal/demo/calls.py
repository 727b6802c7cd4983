"""Three tenants who call because they cannot get in, and whether they were helped."""

import secrets
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import select

from .. import public_urls
from ..accounts import authentication, rate_limits, signed_links
from ..accounts.limited_acts import DAILY_FAILURES, Per
from ..db import begin_write, db
from ..mail import notifications, outbox
from ..messages import conversation
from ..messages.conversation import Topic
from ..messages.models import Message, MessageState
from ..models import Mail
from ..web import links
from . import people
from .people import PASSWORD, Sample

#: He has found his password again, and lost his mailbox.
LOCKED_OUT = Sample("locked_out", "102233", "30114501", PASSWORD, "yves.delmas@example.org")
#: She has typed one « s » too few.
BOUNCED = Sample("bounced", "102349", "30114512", PASSWORD, "chloe.vaseur@example.org")
#: She has typed two digits in the wrong order.
NOT_FOUND = Sample("not_found", "102325", "30114510", email="giulia.santoro@example.net")
TYPED, STUCK_DAYS = "102352", 3

_WRITTEN = "Bonjour,\nle site ne trouve pas mon numéro. Prévenez-moi quand mon contrat sera dans la liste."
_REPORT = """\
From: Mail Delivery System <mailer-daemon@example.org>
To: contact@habitat-du-val.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="part"

--part
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; {address}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <{address}>: Recipient address rejected: User unknown

--part
Content-Type: text/rfc822-headers

Message-ID: {message_id}

--part--
"""


class Call(NamedTuple):
    """One of the three: who calls, and whether the office has helped."""

    caller: Sample
    is_solved: bool


def leave() -> None:
    """Bring the three into their trouble."""
    _lock_out()
    _let_bounce()
    conversation.write(
        Topic.WAITING, email=NOT_FOUND.email, body=_WRITTEN, reference=TYPED, language="fr", origin="demo"
    )
    db.session.commit()


def current() -> Iterator[Call]:
    """Yield the three as they stand now."""
    account = people.contract_of(LOCKED_OUT).account
    is_waiting = account is not None and rate_limits.state_of("login", Per.ACCOUNT, account.id).wait is not None
    yield Call(LOCKED_OUT, not is_waiting)
    account = people.contract_of(BOUNCED).account
    yield Call(BOUNCED, account is not None and account.email_failed_at is None)
    written = select(Message.state).where(Message.reference == TYPED, Message.email == NOT_FOUND.email)
    yield Call(NOT_FOUND, MessageState.RECEIVED not in db.session.scalars(written).all())


def _lock_out() -> None:
    account = people.register(LOCKED_OUT)
    people.set_back(account, 200)
    db.session.commit()
    number, contract = account.id, account.contracts[0]
    is_alarm, origin = False, secrets.token_hex()
    while not is_alarm:
        tried = authentication.authenticate(contract.reference, "un autre mot de passe", device="", origin=origin)
        is_alarm = tried.is_alarm
        if is_alarm:
            notifications.attempts(account, contract, link=public_urls.public("password.forgotten"))
        db.session.commit()
    begin_write()
    while rate_limits.count_failure("login", Per.ACCOUNT, number) < DAILY_FAILURES:
        """Try again and again, without the waits between."""
    db.session.commit()


def _let_bounce() -> None:
    account = people.sign_up(BOUNCED)
    contract = account.contracts[0]
    link = links.address("activation", account, contract)
    notifications.activation(account, contract, link=link, until=signed_links.expires_at("activation"))
    db.session.commit()
    outbox.deliver_due(now=True)
    mail = db.session.scalars(select(Mail).where(Mail.account_id == account.id)).one()
    report = _REPORT.format(address=mail.recipient, message_id=mail.message_id)
    assert outbox.note_report(report.encode()) == 1
    begin_write()
    db.session.refresh(account)
    people.set_back(account, STUCK_DAYS)
    db.session.commit()
