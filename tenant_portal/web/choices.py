"""« Mes choix »: the three questions at any time, and the register of the answers (L05, L06)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from flask import Blueprint, redirect, session, url_for
from wtforms import HiddenField

from .. import public_urls, signals
from ..accounts import consents, written_choices
from ..accounts.consents import QUESTIONS, Answer, Choice
from ..accounts.locks import lock_account
from ..contracts import lookup
from ..db import begin_write, db
from ..documents import delivery, library
from ..documents.delivery import Way
from ..mail import notifications
from ..models import Account, ConsentPurpose, Contract
from . import guards
from .fields import YesNoField
from .forms import PortalForm
from .pages import page, pop_flash

screen = Blueprint("choices", __name__)

_SAVED = "portal_choices"
#: More are no number of a row.
ID_DIGITS_MAX = 19


class ChoicesForm(PortalForm):
    """A question for each choice; one that is left open stays open."""

    #: The newest answer that the page knew: what another tab changed since stays.
    seen = HiddenField()
    #: The choice of each question, in the order of the sign-up form.
    named: ClassVar[Mapping[str, Choice]] = {}

    @property
    def sent(self) -> dict[Choice, bool]:
        """Return the answers."""
        return {choice: self[name].data for name, choice in self.named.items() if self[name].data is not None}

    @property
    def seen_id(self) -> int:
        """Return the newest answer that the page knew, 0 for nonsense."""
        text = self.seen.data or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < ID_DIGITS_MAX else 0


@screen.route("/espace/choix", methods=["GET", "POST"])
@guards.account_required
def overview(account: Account):
    """Show the answers and change them, at once and as often as the tenant likes."""
    register = consents.register(account)
    answers = consents.newest(reversed(register))
    form = _form(account, answers, seen=register[0].id if register else 0)
    if not form.validate_on_submit():
        return page(
            "choices/overview.html",
            form=form,
            register=register,
            told=written_choices.told,
            contracts={contract.id: contract for contract in account.contracts},
            saved=_saved(account),
            month=library.next_month(),
            unanswered=_unanswered(account, form, answers),
        )
    begin_write()
    locked = lock_account(account.contracts[0])
    if locked is None or locked.is_closed:  # in another tab, meanwhile
        return redirect(url_for("portal.login.log_in"))
    told = _save(locked, form)
    session[_SAVED] = [[*choice, answer] for choice, answer in told.items()]
    return redirect(url_for(".overview"))


def _form(account: Account, answers: Mapping[Choice, Answer], *, seen: int) -> ChoicesForm:
    named = {"_".join(map(str, filter(None, choice))): choice for choice in consents.choices_of(account)}
    fields = {name: YesNoField(QUESTIONS[choice.purpose]) for name, choice in named.items()}
    own: type[ChoicesForm] = type("OwnChoicesForm", (ChoicesForm,), {**fields, "named": named})
    present: dict[str, Any] = {name: answers[choice].answer for name, choice in named.items() if choice in answers}
    return own(seen=str(seen), **present)


def _unanswered(account: Account, form: ChoicesForm, answers: Mapping[Choice, Answer]) -> list[tuple[str, Contract]]:
    """Return the fields of leases that run and were never asked about e-notices: those that joined (T28)."""
    leases = {contract.id: contract for contract in account.contracts if contract.is_running(lookup.today())}
    fields = {choice.contract_id or 0: name for name, choice in form.named.items() if choice not in answers}
    return [(fields[number], lease) for number, lease in leases.items() if number in fields]


def _saved(account: Account) -> list[tuple[str, Contract | None, Way | None]] | None:
    """Return each answer that was changed; about e-notices with its contract, and how these arrive now."""
    changed = pop_flash(_SAVED)
    if changed is None:
        return None
    contracts = {contract.id: contract for contract in account.contracts}
    saved = []
    for name, contract_id, yes in changed:
        contract = contracts.get(contract_id)
        way = delivery.way_of(contract, account, consents.current(account.id, contract.id)) if contract else None
        saved.append((consents.in_short(ConsentPurpose(name), yes), contract, way))
    return saved


def _save(account: Account, form: ChoicesForm) -> dict[Choice, bool]:
    """Append what this page changed, and tell of it; return it, even where a first click has appended it."""
    changed = consents.changed_on_page(account, form.sent, seen=form.seen_id)
    new = consents.answer(account, changed, channel="account")
    e_notices = [
        (contract, new[choice])
        for contract in account.contracts
        if (choice := Choice(ConsentPurpose.E_NOTICE, contract.id)) in new
    ]
    if e_notices:
        notifications.e_notice_changed(
            account,
            e_notices,
            month=library.next_month(),
            link=public_urls.public("choices.overview"),
        )
    number, news = account.id, consents.news(account, new)
    db.session.commit()
    signals.send_choices_changed(account=number, news=news)
    return changed
