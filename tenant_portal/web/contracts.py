"""« Rattacher un autre contrat » (T27, T28), and the page of the owner who hands a contract over."""

from typing import Any

from flask import Blueprint, redirect, request, session, url_for

from .. import public_urls, signals
from ..accounts import consents, joining, number_pairs, signed_links
from ..accounts.joining import Outcome
from ..accounts.signed_links import Handover
from ..db import db
from ..errors import LinkReplaced, LinkUsed, TooManyMails
from ..i18n import lazy_gettext as _l
from ..mail import notifications
from ..models import Account, ConsentPurpose
from ..text import masked_reference
from . import guards, identity, links, pair_flow
from .fields import ContractReferenceField, CurrentPasswordField, ModuleField
from .forms import PortalForm
from .login_flow import refuse, try_own_password
from .pages import flash_once, page

screen = Blueprint("contracts", __name__)

#: In the session: what was asked of the owner of a contract.
_ASKED = "portal_contract_asked"


class JoinForm(PortalForm):
    """Both numbers of the other contract, and the password: an open session alone takes no contract."""

    reference = ContractReferenceField(
        _l("Référence de l'autre contrat (Chiffres uniquement)"),
        description=_l("Elle figure sur l'avis d'échéance de ce contrat. Exemple : 123456"),
        autocomplete="off",
    )
    module = ModuleField(
        _l("Numéro de module de l'autre contrat"),
        description=_l("Il figure sur le même avis d'échéance. Exemple : 12345678"),
    )
    password = CurrentPasswordField(_l("Mon mot de passe"))


class HandOverForm(PortalForm):
    """The password of the account that has the contract."""

    password = CurrentPasswordField(_l("Mon mot de passe"))


@screen.route("/espace/contrats/ajout", methods=["GET", "POST"])
@guards.account_required
def join(account: Account):
    """Join another contract, or have its owner asked."""
    form = JoinForm()
    own_reference = account.contracts[0].reference
    if not form.validate_on_submit():
        return _form_page(form, own_reference)
    attempt = try_own_password(account, form.password.data)
    if attempt.holder is None:
        return refuse(form, attempt, "contracts/join.html", own_reference=own_reference, mismatch=False)
    number, password_hash = account.id, account.password_hash
    db.session.commit()  # the contract is locked before the account
    origin = identity.origin()
    pair = number_pairs.attempt(form.reference.data, form.module.data, origin=origin)
    if pair.contract is None:
        return _form_page(form, own_reference, **pair_flow.refused(pair))
    outcome, wanted = joining.ask(pair.contract.id, number, password_hash=password_hash)
    number_pairs.clear_failures(form.reference.data, pair.failures, origin=origin)
    return _answer(outcome, wanted)


@screen.get("/espace/contrats/ajout/demande")
@guards.account_required
def asked(account: Account):
    """Tell what the owner of the contract was sent, and what comes next; never to which address (T18)."""
    if _ASKED not in session:
        return redirect(url_for(".join"))
    return page("contracts/asked.html", **session[_ASKED])


@screen.get("/rattachement/<portal_link:token>")
def open_link(token: str):
    """Move the token from the address into the session; change nothing (F22)."""
    links.keep("handover", token)
    return redirect(url_for(".hand_over"))


@screen.route("/rattachement", methods=["GET", "POST"])
def hand_over():
    """Hand a contract over to the account that asked, for the password of the account that has it."""
    if request.method == "GET" and not links.token_of("handover"):
        return links.elsewhere("handover")
    try:
        link = links.require("handover")
    except LinkUsed as used:
        if request.method == "GET":
            raise
        return _leave(used.account_id)
    receiver = link.its_handover.receiver
    form = HandOverForm()
    context: dict[str, Any] = {
        "link": link,
        "receiver_digits": [masked_reference(contract.reference) for contract in receiver.contracts],
        "is_last": len(link.account.contracts) == 1,
        "reference": links.name_of(link),
    }
    if not form.validate_on_submit():
        return page("contracts/hand_over.html", form=form, refusal=None, **context)
    standing = joining.standing_of(link.account)
    attempt = try_own_password(link.account, form.password.data)
    if attempt.holder is None:
        return refuse(form, attempt, "contracts/hand_over.html", **context)
    contract_id, receiver_id = link.contract.id, receiver.id
    password_hash = link.account.password_hash
    db.session.commit()  # the contract is locked before the accounts
    wanted = joining.lock(contract_id, receiver_id)
    if joining.may_hand_over(wanted, standing, password_hash=password_hash):
        _move(wanted)
    elif wanted.contract.account_id != receiver_id:  # else by the other of two clicks
        raise LinkReplaced("handover", link.account.id)
    db.session.rollback()
    links.forget("handover")
    return _leave(receiver_id)


def _form_page(form: JoinForm, own_reference: str, **refused: Any) -> tuple[str, int]:
    context = {**pair_flow.context(), **refused}
    return page("contracts/join.html", form=form, refusal=None, own_reference=own_reference, **context)


def _answer(outcome: Outcome, wanted: Handover) -> Any:
    """Write the mail, commit, and lead on."""
    contract, receiver = wanted
    until = signed_links.expires_at("handover")
    match outcome:
        case Outcome.LIMITED:
            db.session.commit()
            raise TooManyMails
        case Outcome.REFUSED:
            db.session.commit()
            return redirect(url_for("portal.login.log_in"))
        case Outcome.ASKED | Outcome.REPEATED:
            if outcome is Outcome.ASKED:
                link = links.address("handover", wanted, contract)
                notifications.handover(wanted, address=joining.address_of(_holder(wanted)), link=link, until=until)
            db.session.commit()
            pair_flow.forget_refusals()
            session[_ASKED] = {"digits": masked_reference(contract.reference), "until": until.isoformat()}
            return redirect(url_for(".asked"))
    if outcome is Outcome.JOINED:
        _tell_joined(wanted)
    news = _answers_of(wanted)
    db.session.commit()
    pair_flow.forget_refusals()
    if outcome is Outcome.JOINED:
        signals.send(signals.choices_changed, **news)
    flash_once("contract_joined")
    return redirect(url_for("portal.choices.overview"))


def _move(handover: Handover) -> None:
    """Hand the contract over, tell both accounts, commit."""
    holder = _holder(handover)
    number, reference = holder.id, handover.contract.reference
    withdrawn = joining.hand_over(handover)
    notifications.contract_handed_over(holder, handover.contract, is_emptied=not holder.contracts)
    notifications.contract_joined(handover.receiver, handover.contract, link=public_urls.public("choices.overview"))
    news = _answers_of(handover)
    if not holder.contracts and identity.is_logged_in(number):
        identity.log_out()
    db.session.commit()
    if withdrawn is not None:
        signals.send_account_closed(account=number, reference=reference, withdrawn=withdrawn)
    signals.send(signals.choices_changed, **news)


def _holder(handover: Handover) -> Account:
    assert handover.contract.account is not None
    return handover.contract.account


def _tell_joined(handover: Handover) -> None:
    """Tell the account, and the address that the landlord held: an owner who hands over has agreed himself (B04)."""
    link = public_urls.public("choices.overview")
    notifications.contract_joined(handover.receiver, handover.contract, link=link)
    notifications.account_created(handover.receiver, handover.contract, is_joined=True)


def _answers_of(handover: Handover) -> dict[str, Any]:
    """Return which answers count for a contract that has joined: e-notices are no until somebody says yes."""
    contract, receiver = handover
    known = {purpose: row.answer for purpose, row in consents.current(receiver.id, contract.id).items()}
    choices = {str(purpose): known.get(purpose, False) for purpose in ConsentPurpose}
    return {"account": receiver.id, "reference": contract.reference, "choices": choices}


def _leave(receiver_id: int) -> Any:
    """Lead to the question that is open, or to the next page of whoever is here."""
    if identity.is_logged_in(receiver_id):
        flash_once("contract_joined")
        return redirect(url_for("portal.choices.overview"))
    flash_once("contract_handed_over")
    if identity.current_tenant() is not None:
        return redirect(url_for("portal.account.home"))
    return redirect(url_for("portal.login.log_in"))
