"""The three choices and their proof: a register to which answers are only appended."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple, cast

from sqlalchemy import Table, bindparam, insert, select

from ..db import db
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


#: Without objects, which nobody would read.
_INSERT = insert(cast(Table, Consent.__table__))


class Answer(NamedTuple):
    """One answer of the register, with the question as it was asked."""

    purpose: ConsentPurpose
    answer: bool
    contract_id: int
    wording: str
    language: str
    created_at: datetime


_columns = cast(Table, Consent.__table__).c
#: Each login runs this: built once, plain columns, which are the fields of an answer in their order.
_OF_ACCOUNT = (
    select(*(_columns[name] for name in Answer._fields))
    .where(_columns.account_id == bindparam("account_id"))
    .order_by(_columns.id)
)


def wording(purpose: ConsentPurpose) -> str:
    """Return a question in the reader's language."""
    return str(QUESTIONS[purpose])


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


def withdraw(account: Account, *, channel: str, reason: str = "") -> list[Contract]:
    """Append a no wherever a yes stands (L06); return the contracts whose answers changed."""
    changed = []
    for contract in account.contracts:
        accepted = [purpose for purpose, row in current(account.id, contract.id).items() if row.answer]
        record(account, contract, dict.fromkeys(accepted, False), channel=channel, reason=reason)
        changed += [contract] if accepted else []
    return changed


def current(account_id: int, contract_id: int) -> dict[ConsentPurpose, Answer]:
    """Return the newest answer of each purpose; e-notice is chosen per contract, the others per account (L16)."""
    newest: dict[ConsentPurpose, Answer] = {}
    for answer in map(Answer._make, db.session.execute(_OF_ACCOUNT, {"account_id": account_id})):
        if answer.purpose is not ConsentPurpose.E_NOTICE or answer.contract_id == contract_id:
            newest[answer.purpose] = answer
    return newest


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
