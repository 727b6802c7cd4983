"""The three choices and their proof: a register to which answers are only appended."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple, cast

from sqlalchemy import Table, bindparam, insert, select

from .. import audit
from ..contracts import ending
from ..db import db
from ..i18n import gettext as _
from ..i18n import language
from ..i18n import lazy_gettext as _l
from ..models import Account, Consent, ConsentPurpose, Contract

#: The questions of the form, in the words of the help page (S20 to S22).
QUESTIONS = {
    ConsentPurpose.E_NOTICE: _l(
        "Vous acceptez de recevoir votre avis d'échéance par voie électronique"
        " (Réservé aux contrats en prélèvement automatique)"
    ),
    ConsentPurpose.COMMERCIAL: _l("Vous acceptez de recevoir des informations commerciales par e-mail"),
    ConsentPurpose.GENERAL: _l("Vous acceptez de recevoir des informations générales (non commerciales) par e-mail"),
}
#: Changes with the sentence of a question: a yes holds for the question that was asked (L07).
WORDING_VERSION = "2026-11"
#: What a question is about, where its answer stands without it.
SUBJECTS = {
    ConsentPurpose.E_NOTICE: _l("Avis d'échéance par e-mail"),
    ConsentPurpose.COMMERCIAL: _l("Informations commerciales par e-mail"),
    ConsentPurpose.GENERAL: _l("Informations générales par e-mail"),
}
#: The ways in which an answer is given (L05).
CHANNELS = {
    "form": _l("formulaire"),
    "account": _l("espace"),
    "unsubscribe": _l("lien d'un e-mail"),
    "staff": _l("bailleur à votre demande"),
    "closing": _l("fermeture"),
    "handover": _l("contrat transféré"),
    "release": _l("contrat retiré du compte"),
}


class Choice(NamedTuple):
    """What is answered: e-notices for one contract, the other purposes for the account (L16)."""

    purpose: ConsentPurpose
    contract_id: int | None = None


class Answer(NamedTuple):
    """One answer of the register, with the question as it was asked."""

    id: int
    purpose: ConsentPurpose
    answer: bool
    contract_id: int
    wording: str
    language: str
    channel: str
    reason: str
    created_at: datetime

    @property
    def choice(self) -> Choice:
        """Return what it answers."""
        return Choice(self.purpose, self.contract_id if self.purpose is ConsentPurpose.E_NOTICE else None)

    @property
    def way(self) -> str:
        """Return the way in which it was given."""
        return str(CHANNELS.get(self.channel, self.channel))


_columns = cast(Table, Consent.__table__).c
#: Without objects, which nobody would read.
_INSERT = insert(cast(Table, Consent.__table__))
#: Each login runs this: built once, plain columns, which are the fields of an answer in their order.
_OF_ACCOUNT = (
    select(*(_columns[name] for name in Answer._fields))
    .where(_columns.account_id == bindparam("account_id"))
    .order_by(_columns.id)
)


def wording(purpose: ConsentPurpose) -> str:
    """Return a question in the reader's language."""
    return str(QUESTIONS[purpose])


def in_short(purpose: ConsentPurpose, yes: bool) -> str:
    """Return an answer as it reads without its question."""
    no = _("Non (papier)") if purpose == ConsentPurpose.E_NOTICE else _("Non")
    return _("%(subject)s : %(answer)s", subject=SUBJECTS[purpose], answer=_("Oui") if yes else no)


def choices_of(account: Account) -> list[Choice]:
    """Return what an account is asked, in the order of the form; an ended lease has no notices to come."""
    present = (contract for contract in account.contracts if ending.ended_on(contract) is None)
    e_notices = [Choice(ConsentPurpose.E_NOTICE, contract.id) for contract in present]
    return [*e_notices, Choice(ConsentPurpose.COMMERCIAL), Choice(ConsentPurpose.GENERAL)]


def register(account: Account) -> list[Answer]:
    """Return the answers since the sign-up that stands, newest first; one that it replaced is somebody else's."""
    return [answer for answer in reversed(_answers(account.id)) if answer.created_at >= account.created_at]


def newest(answers: Iterable[Answer]) -> dict[Choice, Answer]:
    """Return the answer that counts for each choice, of answers in their order."""
    return {answer.choice: answer for answer in answers}


def current(account_id: int, contract_id: int) -> dict[ConsentPurpose, Answer]:
    """Return the answers that count for a contract, in the order of the form."""
    answers = newest(_answers(account_id))
    asked = (Choice(purpose, contract_id if purpose is ConsentPurpose.E_NOTICE else None) for purpose in ConsentPurpose)
    return {choice.purpose: answers[choice] for choice in asked if choice in answers}


def record(
    account: Account, contract: Contract, answers: Mapping[ConsentPurpose, bool], *, channel: str, reason: str = ""
) -> None:
    """Append the answers to the register (L05)."""
    known = {
        "account_id": account.id,
        "contract_id": contract.id,
        "language": language(),
        "wording_version": WORDING_VERSION,
        "channel": channel,
        "reason": reason,
    }
    rows = [
        {**known, "purpose": purpose, "answer": answer, "wording": wording(purpose)}
        for purpose, answer in answers.items()
    ]
    if rows:
        db.session.execute(_INSERT, rows)


def answer(
    account: Account, wanted: Mapping[Choice, bool], *, channel: str, reason: str = "", actor: str = "tenant"
) -> dict[Choice, bool]:
    """Append the answers that do not stand already; return them. The caller holds the lock of the account."""
    standing = newest(_answers(account.id))
    new = {c: yes for c, yes in wanted.items() if c not in standing or standing[c].answer is not yes}
    for contract in account.contracts:
        is_first = contract is account.contracts[0]
        own = {c.purpose: yes for c, yes in new.items() if c.contract_id == contract.id or (is_first and not c[1])}
        record(account, contract, own, channel=channel, reason=reason)
    if new:
        detail = ", ".join(sorted({str(choice.purpose) for choice in new}))
        audit.record("choices_changed", account=account, contract=account.contracts[0], actor=actor, detail=detail)
    return new


def changed_on_page(account: Account, sent: Mapping[Choice, bool], *, seen: int) -> dict[Choice, bool]:
    """Return the answers that differ from those shown: what another page changed since stays.

    `seen` is the newest answer that the page knew.
    """
    shown = newest(answer for answer in _answers(account.id) if answer.id <= seen)
    return {c: yes for c, yes in sent.items() if c not in shown or shown[c].answer is not yes}


def withdraw(account: Account, *, channel: str, actor: str = "tenant", only: Choice | None = None) -> list[Contract]:
    """Append a no wherever a yes stands (L06), or for one choice; return the contracts whose answers changed."""
    standing = newest(_answers(account.id))
    accepted = {choice: False for choice, row in standing.items() if row.answer and only in (None, choice)}
    return touched(account, answer(account, accepted, channel=channel, actor=actor))


def news(account: Account, changed: Iterable[Choice]) -> list[tuple[str, dict[str, bool]]]:
    """Return reference and present answers of each contract for which other answers count now, for the signal."""
    return [
        (contract.reference, {str(name): row.answer for name, row in current(account.id, contract.id).items()})
        for contract in touched(account, changed)
    ]


def touched(account: Account, changed: Iterable[Choice]) -> list[Contract]:
    """Return the contracts for which other answers count now."""
    numbers = {choice.contract_id for choice in changed}
    return [contract for contract in account.contracts if numbers & {None, contract.id}]


def _answers(account_id: int) -> list[Answer]:
    return [Answer._make(row) for row in db.session.execute(_OF_ACCOUNT, {"account_id": account_id})]


def accepted_e_notices(contract_ids: Collection[int]) -> set[tuple[int, int]]:
    """Return account and contract wherever the newest answer about e-notices is a yes."""
    answers = (
        select(_columns.account_id, _columns.contract_id, _columns.answer)
        .where(_columns.purpose == ConsentPurpose.E_NOTICE, _columns.contract_id.in_(contract_ids))
        .order_by(_columns.id)
    )
    newest = {(account_id, contract_id): answer for account_id, contract_id, answer in db.session.execute(answers)}
    return {key for key, answer in newest.items() if answer}


def awaits_direct_debit(choices: Mapping[ConsentPurpose, Answer], *, is_direct_debit: bool) -> bool:
    """Tell whether an accepted e-notice waits for direct debit (T22)."""
    answer = choices.get(ConsentPurpose.E_NOTICE)
    return answer is not None and answer.answer and not is_direct_debit
