"""All that helps with one tenant on the telephone, in a bounded number of queries, each by an index."""

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import select

from ..accounts import consents, email_change, office_acts, progress
from ..accounts.consents import Answer
from ..accounts.email_change import EmailChange
from ..accounts.office_acts import OfficeAct
from ..accounts.progress import OnboardingStatus
from ..contracts import ending
from ..db import db
from ..documents import delivery, library
from ..documents.delivery import Paper
from ..documents.library import Item
from ..mail import fates, rendering
from ..mail.rendering import Letter
from ..messages.models import Message
from ..models import Account, Contract, Mail
from ..operations import after_lease

#: Of each list; what is older helps nobody on the telephone.
MAILS_MAX, MESSAGES_MAX, ACTS_MAX = 30, 5, 10


class MailRow(NamedTuple):
    """A mail with its fate, and as its tenant saw it, links blacked out."""

    name: str
    recipient: str
    created_at: datetime
    language: str
    fate: str
    letter: Letter | None


class Choices(NamedTuple):
    """The answers that count, and how notices arrive by them."""

    answers: list[Answer]
    paper: Paper | None

    @property
    def why_paper(self) -> str:
        """Return the reason for paper, in the office's words."""
        return str(delivery.REASONS[self.paper].for_staff) if self.paper is not None else ""


class ContractFile(NamedTuple):
    """What the page of a contract shows."""

    contract: Contract
    standing: OnboardingStatus
    #: Another address that waits, asked for by the office or by the tenant himself.
    new_address: EmailChange | None
    #: None before the first login: what an unfinished sign-up answered is nobody's to see.
    choices: Choices | None
    #: The end of the lease, and the last day of its documents, which only an account reads.
    ended_on: date | None
    kept_until: date | None
    documents: list[Item]
    mails: list[MailRow]
    messages: list[Message]
    office_acts: list[OfficeAct]
    #: Who opened it last, but for whoever asks.
    looked: OfficeAct | None


def gather(contract: Contract, *, reader: str) -> ContractFile:
    """Return what the page of a contract shows to a clerk."""
    standing = progress.onboarding_status(contract, most=MAILS_MAX)
    account = standing.account
    finished = account if account is not None and account.is_finished else None
    end = ending.ended_on(contract)
    shown = after_lease.shown_until([contract], finished.id) if finished is not None else {}
    return ContractFile(
        contract,
        standing,
        email_change.pending(finished) if finished is not None else None,
        _choices(contract, finished) if finished is not None else None,
        ended_on=end,
        kept_until=shown[contract.id][1] if contract.id in shown else None,
        documents=library.of_contracts([contract.id]),
        mails=[_mail_row(mail, standing) for mail in standing.mails],
        messages=_messages(contract, account),
        office_acts=office_acts.done_to(contract.id, most=ACTS_MAX),
        looked=office_acts.last_look(contract.id, but=reader),
    )


def _choices(contract: Contract, account: Account) -> Choices:
    answers = consents.current(account.id, contract.id)
    return Choices(list(answers.values()), delivery.way_of(contract, account, answers).paper)


def _mail_row(mail: Mail, standing: OnboardingStatus) -> MailRow:
    about = standing.mail_name(mail), mail.recipient, mail.created_at, mail.language
    return MailRow(*about, fates.fate_of(mail), rendering.as_seen(mail))


def _messages(contract: Contract, account: Account | None) -> list[Message]:
    """Return the newest messages about a contract, and those that its account wrote; each by its index."""
    rows = select(Message).order_by(Message.id.desc()).limit(MESSAGES_MAX)
    found = {one.id: one for one in db.session.scalars(rows.where(Message.contract_id == contract.id))}
    if account is not None:
        found |= {one.id: one for one in db.session.scalars(rows.where(Message.account_id == account.id))}
    return sorted(found.values(), key=lambda one: one.last_entry_at, reverse=True)[:MESSAGES_MAX]
