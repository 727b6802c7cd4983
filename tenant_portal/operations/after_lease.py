"""After the lease (H08, T34): documents stay for some months, their tenant is warned twice, then all of it is erased.

Who was warned is read from the outbox: a mail that could not leave because of us warned nobody.
"""

import enum
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import Table, and_, delete, exists, func, not_, or_, select, update

from .. import audit, public_urls
from ..accounts import lifecycle
from ..contracts import ending, lookup
from ..contracts.sought import SOUGHT, SearchWord
from ..db import db
from ..documents import publishing, storage
from ..mail import notifications
from ..mail.verdicts import Verdict
from ..models import Account, Consent, ConsentPurpose, Contract, Document, Mail, MailState
from ..settings import settings
from . import retention

#: Before the end: when the first mail leaves, and the last.
WARNINGS = (timedelta(days=60), timedelta(days=15))
#: Contracts of one transaction.
BATCH = 200
_mails = cast(Table, Mail.__table__).c
#: What the server refused because of us is written anew.
_TOLD = and_(
    _mails.kind == "documents_ending",
    not_(and_(_mails.state == MailState.REFUSED, _mails.error.startswith(Verdict.ABOUT_US))),
)


class Act(enum.Enum):
    """What is to be done about an ended lease."""

    WARN = "warned"
    ERASE = "leases"


class Warned(NamedTuple):
    """A mail that told a tenant of the end."""

    on: date
    #: Whether its days count: it has left.
    is_sent: bool


@dataclass
class Done:
    """What was done about some leases."""

    counts: dict[str, int] = field(default_factory=lambda: {act.value: 0 for act in Act})
    #: Accounts that ended with their last lease, in the words of their signal.
    closed: list[dict[str, Any]] = field(default_factory=list)


def kept_until(end: date, warned: list[Warned]) -> date:
    """Return the last day of what belongs to an ended lease, never before the mails have announced it."""
    announced = [mail.on + before for mail, before in zip(warned, WARNINGS, strict=False)]
    return max([ending.due_on(end), *announced])


def shown_until(leases: Iterable[lookup.Lease | Contract], account_id: int) -> dict[int, tuple[date, date]]:
    """Return for each ended lease of an account its end, and the last day of its documents."""
    ends = {lease.id: end for lease in leases if (end := ending.ended_on(lease)) is not None}
    warned = _warned({number: account_id for number in ends}, ends)
    return {number: (end, kept_until(end, warned[number])) for number, end in ends.items()}


def batches() -> Iterator[list[int]]:
    """Yield the numbers of contracts that something may be done about."""
    last = 0
    may_be_due = select(Contract.id).where(ending.may_be_due(WARNINGS[0])).order_by(Contract.id).limit(BATCH)
    while batch := list(db.session.scalars(may_be_due.where(Contract.id > last))):
        yield batch
        last = batch[-1]


def settle(contract_ids: Collection[int], *, dry_run: bool = False) -> Done:
    """Write the mails that are due about these contracts, and erase those whose time is over; the caller commits.

    They are locked, then read: a lease that a roster brings back to life meanwhile stays.
    """
    if not dry_run:
        publishing.exclude_others()
    done, contracts = Done(), _locked(contract_ids)
    ends = {one.id: end for one in contracts if (end := ending.ended_on(one)) is not None}
    warned = _warned({one.id: one.account_id or 0 for one in contracts}, ends)
    acts = {one: act for one in contracts if one.id in ends and (act := _decide(one, ends[one.id], warned[one.id]))}
    for act in acts.values():
        done.counts[act.value] += 1
    if not dry_run:
        for contract in (one for one, act in acts.items() if act is Act.WARN):
            _warn(contract, ends[contract.id], warned[contract.id])
        _erase([one for one, act in acts.items() if act is Act.ERASE], done)
    return done


def _locked(contract_ids: Collection[int]) -> list[Contract]:
    """Lock contracts, then their accounts, in the order used everywhere."""
    numbers = select(Contract).where(Contract.id.in_(contract_ids)).order_by(Contract.id)
    fresh = {"populate_existing": True}
    contracts = list(db.session.scalars(numbers.with_for_update(key_share=True).execution_options(**fresh)))
    owners = select(Account).where(Account.id.in_({one.account_id for one in contracts})).order_by(Account.id)
    db.session.scalars(owners.with_for_update(key_share=True).execution_options(**fresh)).all()
    return contracts


def _decide(contract: Contract, end: date, warned: list[Warned]) -> Act | None:
    account, today = contract.account, lookup.today()
    until = kept_until(end, warned)
    if account is None:
        return Act.ERASE if today > until else None
    if account.is_frozen or not all(mail.is_sent for mail in warned):
        return None  # to a disputed address nothing is announced
    if not account.is_finished or account.is_closed:
        return None  # an account that is being erased has rules of its own
    if len(warned) < len(WARNINGS):
        return Act.WARN if today >= until - WARNINGS[len(warned)] else None
    return Act.ERASE if today > until else None


def _warned(owners: dict[int, int], ends: dict[int, date]) -> dict[int, list[Warned]]:
    """Return by contract the mails that announced the present end to its present owner, the oldest first.

    What was sent before the office thawed his account may have reached somebody else (H07).
    """
    found: dict[int, list[Warned]] = {number: [] for number in ends}
    columns = _mails.contract_id, _mails.account_id, _mails.created_at, _mails.sent_at, _mails.state
    is_settled = or_(Account.thawed_at.is_(None), Account.thawed_at < _mails.created_at)
    rows = select(*columns).join(Account, Account.id == _mails.account_id).order_by(_mails.id)
    rows = rows.where(_TOLD, _mails.contract_id.in_(ends), is_settled)
    for number, account_id, created_at, sent_at, state in db.session.execute(rows) if ends else ():
        on = (sent_at or created_at).astimezone(settings.timezone).date()
        is_of_this_end = on >= ending.due_on(ends[number]) - WARNINGS[0]
        if account_id == owners[number] and is_of_this_end:
            found[number].append(Warned(on, state is not MailState.WAITING))
    return found


def _warn(contract: Contract, end: date, warned: list[Warned]) -> None:
    account = contract.account
    assert account is not None
    until = kept_until(end, [*warned, Warned(lookup.today(), is_sent=False)])
    link = public_urls.public("documents.notices")
    is_last_contract = all(one is contract or ending.ended_on(one) is not None for one in account.contracts)
    notifications.documents_ending(
        account, contract, ended_on=end, kept_until=until, link=link, ends_account=is_last_contract
    )


def _erase(contracts: list[Contract], done: Done) -> None:
    """Erase leases with all that is theirs; an account without any other ends with them.

    Files go before the commit: who is interrupted here does it again.
    """
    numbers = [contract.id for contract in contracts]
    sought = {value for row in db.session.execute(select(*SOUGHT).where(Contract.id.in_(numbers))) for value in row}
    for account in {one.account for one in contracts if one.account is not None}:
        _close_emptied(account, numbers, done)
    _keep_answers(numbers)
    digests = set(db.session.scalars(select(Document.digest).where(Document.contract_id.in_(numbers))))
    for contract in (one for one in contracts if one.account is not None):
        audit.record("lease_erased", actor="purge", account=contract.account, contract=contract)
    db.session.flush()
    ended = {closed["account"] for closed in done.closed}
    retention.delete_rows(Account, Account.id.in_(ended))
    retention.delete_rows(Contract, Contract.id.in_(numbers))
    db.session.expire_all()
    named = set(db.session.scalars(select(Document.digest).where(Document.digest.in_(digests))))
    for digest in digests - named:
        storage.erase(digest)
    _forget_words(sought)


def _close_emptied(account: Account, numbers: list[int], done: Done) -> None:
    """Close the account if these are its last contracts."""
    if all(one.id in numbers for one in account.contracts):
        number, reference = account.id, account.contracts[0].reference
        withdrawn = lifecycle.close(account, actor="purge")
        done.closed.append({"account": number, "reference": reference, "withdrawn": withdrawn})


def _keep_answers(numbers: list[int]) -> None:
    """Have answers for a whole account name another contract of it, even if it handed these over before (L05)."""
    others = Contract.account_id == Consent.account_id, Contract.id.not_in(numbers)
    other = select(func.min(Contract.id)).where(*others).scalar_subquery()
    of_accounts = Consent.contract_id.in_(numbers), Consent.purpose != ConsentPurpose.E_NOTICE
    keep = update(Consent).where(*of_accounts, other.is_not(None)).values(contract_id=other)
    db.session.execute(keep.execution_options(synchronize_session=False))


def _forget_words(values: set[str]) -> None:
    """Take what no contract has any more out of the search."""
    is_borne = or_(*(exists().where(column == SearchWord.value) for column in SOUGHT))
    db.session.execute(delete(SearchWord).where(SearchWord.value.in_(values), not_(is_borne)))
