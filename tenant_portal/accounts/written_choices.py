"""A choice that a tenant asked for in writing, which the office notes in the register (G05).

The register is proof and stays with the account; that the office noted it stands in its journal, for twelve months.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

from .. import formats
from ..contracts import lookup
from ..i18n import lazy_gettext as _l
from ..models import Account
from ..settings import settings
from . import consents
from .consents import Answer, Choice

#: In which form the tenant asked; the keys stand in the register.
KINDS = {"lettre": _l("lettre"), "e-mail": _l("e-mail"), "formulaire": _l("formulaire au guichet")}
#: An older request may no longer be what its tenant wants.
OLDEST = timedelta(days=365)


class Request(NamedTuple):
    """What a tenant asked for, in which form, and the date on it."""

    choice: Choice
    yes: bool
    kind: str
    asked_on: date

    @property
    def reason(self) -> str:
        """Return what the register keeps of it."""
        return f"{self.kind} {self.asked_on.isoformat()}"


def told(reason: str) -> str:
    """Return what the register keeps of a request, in the reader's language."""
    kind, _, asked_on = reason.partition(" ")
    return f"{KINDS[kind]}, {formats.day(asked_on)}" if kind in KINDS else reason


def standing(account: Account) -> Mapping[Choice, Answer | None]:
    """Return what an account is asked, with the answer that counts."""
    answers = consents.newest(reversed(consents.register(account)))
    return {choice: answers.get(choice) for choice in consents.choices_of(account)}


def obstacle(account: Account, wanted: Request, *, by_owner: bool) -> str:
    """Return why a request cannot be noted, or an empty text. A new yes is an owner's act: it permits mails."""
    answers, today = standing(account), lookup.today()
    if wanted.choice not in answers or wanted.kind not in KINDS:
        return "unknown"
    before = answers[wanted.choice]
    if before is not None and before.answer is wanted.yes:
        return "stands"
    if wanted.yes and not by_owner:
        return "owner"
    if wanted.asked_on > today:
        return "future"
    if wanted.asked_on < today - OLDEST:
        return "old"
    is_late = before is not None and before.created_at.astimezone(settings.timezone).date() > wanted.asked_on
    return "answered_since" if is_late else ""


def note(account: Account, wanted: Request, *, by_owner: bool) -> dict[Choice, bool]:
    """Append the answer to the register; the caller holds the lock of the account."""
    code = obstacle(account, wanted, by_owner=by_owner)
    if code:
        raise ValueError(f"this choice cannot be noted: {code}")
    return consents.answer(account, {wanted.choice: wanted.yes}, channel="staff", reason=wanted.reason, actor="staff")
