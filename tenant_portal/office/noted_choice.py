"""A choice asked for in writing, noted at the desk (G05)."""

from collections.abc import Callable
from functools import partial

from .. import public_urls, signals
from ..accounts import consents, written_choices
from ..accounts.consents import Choice
from ..documents import library
from ..i18n import gettext as _
from ..mail import notifications
from ..models import Account, ConsentPurpose, Contract
from ..web import links
from .deeds import Noted


def labels(account: Account) -> dict[str, str]:
    """Return each choice, by the name of its field, with the present answer."""
    references = {contract.id: contract.reference for contract in account.contracts}
    found = {}
    for choice, standing in written_choices.standing(account).items():
        subject = str(consents.SUBJECTS[choice.purpose])
        answer = _("sans réponse") if standing is None else _("Oui") if standing.answer else _("Non")
        told = _("%(subject)s : %(answer)s", subject=subject, answer=answer)
        reference = references.get(choice.contract_id or 0, "")
        found[name_of(choice)] = f"{told} ({reference})" if reference and len(references) > 1 else told
    return found


def name_of(choice: Choice) -> str:
    """Return the name of a choice in a form."""
    return ".".join(map(str, filter(None, choice)))


def choice_of(account: Account, name: str | None) -> Choice | None:
    """Return the choice of a form, if the account is asked it."""
    return next((choice for choice in consents.choices_of(account) if name_of(choice) == name), None)


def note(contract: Contract, account: Account, noted: Noted) -> Callable[[], None]:
    """Append the answer to the register and tell the tenant, with a way back."""
    wanted = noted.written
    assert wanted is not None
    new = written_choices.note(account, wanted, by_owner=noted.by_owner)
    about = next((lease for lease in account.contracts if lease.id == wanted.choice.contract_id), contract)
    facts = {"purpose": str(wanted.choice.purpose), "answer": "yes" if wanted.yes else ""}
    if wanted.choice.purpose is ConsentPurpose.E_NOTICE:
        facts |= {"month": library.next_month().isoformat(), "waits": "" if about.is_direct_debit else "yes"}
    elif wanted.yes:
        facts["unsubscribe"] = links.address(f"unsubscribe_{wanted.choice.purpose}", account, about)
    notifications.office_acted(
        account, about, by_office=noted.word, link=public_urls.public("choices.overview"), **facts
    )
    return partial(signals.send_choices_changed, account=account.id, news=consents.news(account, new))
