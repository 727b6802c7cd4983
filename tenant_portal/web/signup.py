"""Sign-up and activation."""

import json
from datetime import datetime
from typing import Any

from flask import Blueprint, redirect, request, session, url_for

from .. import i18n, public_urls
from ..accounts import number_pairs, registration, signed_links
from ..accounts.registration import Outcome, Submission
from ..db import begin_write, db
from ..errors import FormForged, FormOutdated, LinkInvalid, LinkUsed, TooManyMails
from ..i18n import lazy_gettext as _l
from ..mail import notifications
from ..messages import drafts
from ..models import Account, Contract
from ..text import masked_reference
from . import activation_mail, identity, links, pair_flow, session_over, signup_refusals, visits
from .address_typos import suggested_address
from .fields import MailAddressField
from .forms import ButtonForm, LoginForm, PortalForm, SignupForm
from .login_flow import attempt_login, enter, refuse
from .pages import flash_once, page

screen = Blueprint("signup", __name__)

#: The form field with the signed sign-up.
SIGN_UP_FIELD = "inscription"


class AddressForm(PortalForm):
    """A corrected address (T07)."""

    email = MailAddressField(_l("Votre adresse mail"), description=_l("Exemple : nom@domaine.fr"))


@screen.route("/inscription", methods=["GET", "POST"])
def sign_up():
    """Show « Formulaire d'inscription », and sign up."""
    form = SignupForm()
    if not form.is_submitted():
        return signup_refusals.form_page(form)
    signup_refusals.restore_password(form)
    is_fine = form.validate()
    if form.refusal:
        return signup_refusals.form_page(form)
    if form.reference.errors or form.module.errors:
        return signup_refusals.refuse(form)
    origin = identity.origin()
    attempt = number_pairs.attempt(form.reference.data, form.module.data, origin=origin)
    if attempt.contract is None:
        return signup_refusals.refuse_pair(form, attempt)
    if not form.password.errors:  # after the pair, no more often (X01)
        is_fine = form.judge_password(registration.guessable_words(attempt.contract)) and is_fine
    if not is_fine:
        return signup_refusals.refuse_rest(form, origin)
    known = _take(form, attempt.contract)
    number_pairs.clear_failures(form.reference.data, attempt.failures, origin=origin)
    db.session.commit()
    pair_flow.forget_refusals()
    session["portal_signup"] = known
    return redirect(url_for(".check_mail"))


@screen.get("/inscription/courriel")
def check_mail():
    """Show « Consultez vos e-mails » (U35)."""
    if "portal_signup" not in session:
        return redirect(url_for("portal.account.home")) if identity.current_tenant() else links.elsewhere("signup")
    return _mail_page(AddressForm(formdata=None), session["portal_signup"])


@screen.route("/inscription/fini", methods=["GET", "POST"])
def leave():
    """Forget at once what this browser keeps of a sign-up or message, for the next person."""
    if request.method == "GET":
        return redirect(url_for("portal.login.log_in"))
    form = ButtonForm()
    if not form.is_fresh() and form.refusal is FormForged:
        raise FormOutdated
    if session_over.DRAFT_OF in session:
        begin_write()
        drafts.discard(session[session_over.DRAFT_OF])
        identity.log_out()
        db.session.commit()
    visits.forget()
    flash_once("visit_forgotten")
    return redirect(url_for("portal.login.log_in"))


@screen.route("/inscription/courriel/renvoi", methods=["GET", "POST"])
def resend():
    """Send the mail again; the first link stays valid."""
    if request.method == "GET":
        return redirect(url_for(".check_mail"))
    known = _sign_up_of_page()
    if not ButtonForm().is_fresh():
        session["portal_signup"] = known
        flash_once("page_renewed")
        return redirect(url_for(".check_mail"))
    begin_write()
    account, contract = _account_of(known)
    if contract is None:
        flash_once("signup_replaced")
    elif registration.count_resend(contract.id):
        _send_again(account, contract, known["email"])
        known["until"] = signed_links.expires_at("activation").isoformat()
        flash_once("mail_sent_again")
    else:
        flash_once("mail_limit")
    db.session.commit()
    session["portal_signup"] = known
    return redirect(url_for(".check_mail"))


@screen.route("/inscription/courriel/adresse", methods=["GET", "POST"])
def change_address():
    """Correct the address; links to the former one end."""
    if request.method == "GET":
        return redirect(url_for(".check_mail"))
    known = _sign_up_of_page()
    form = AddressForm()
    if not form.validate_on_submit():
        session["portal_signup"] = known  # the page of this address, once it is asked for again
        return _mail_page(form, known)
    begin_write()
    account, contract = _account_of(known)
    if contract is None:
        flash_once("signup_replaced")
    elif registration.count_resend(contract.id):
        if account is not None:
            registration.change_sign_up_email(account, form.email.data)
        _send_again(account, contract, form.email.data)
        known |= {"email": form.email.data, "until": signed_links.expires_at("activation").isoformat()}
        flash_once("address_changed")
    else:
        flash_once("address_kept")
    db.session.commit()
    session["portal_signup"] = known
    return redirect(url_for(".check_mail"))


@screen.get("/activation/<portal_link:token>")
def open_link(token: str):
    """Move the token from the address into the session; change nothing (ASVS 14.2.1)."""
    links.keep("activation", token)
    return redirect(url_for(".activation"))


@screen.route("/activation", methods=["GET", "POST"])
def activation():
    """Show the login that finishes the account; the link alone changes nothing (T12, S39)."""
    if request.method == "GET" and not links.token_of("activation"):
        return redirect(url_for("portal.account.home")) if identity.current_tenant() else links.elsewhere("activation")
    try:
        link = links.require("activation")
    except LinkUsed as used:
        if request.method == "GET" or not identity.is_logged_in(used.account_id):
            raise
        return redirect(url_for("portal.account.home"))
    known = session.get("portal_signup", {})
    context: dict[str, Any] = {"link": link, "is_activated": link.account.is_activated}
    form = LoginForm(reference=known["reference"] if known.get("contract") == link.contract.id else None)
    if not form.validate_on_submit():
        return page("signup/activation.html", form=form, refusal=None, **context)
    attempt = attempt_login(form, link_of=link.account.id)
    if attempt.holder is None:
        return refuse(form, attempt, "signup/activation.html", **context)
    account = links.require("activation").account  # read again, in the write transaction
    if attempt.holder.id != account.id:
        db.session.commit()
        return page("signup/activation.html", form=form, refusal="other_account", **context)
    registration.activate(account)
    enter(attempt, attempt.holder, form)
    return redirect(url_for("portal.account.home"))


@screen.route("/activation/ailleurs", methods=["GET", "POST"])
def activate_elsewhere():
    """Activate without a login, for who continues on another device."""
    if request.method == "GET":
        return redirect(url_for(".activation"))
    if not ButtonForm().is_fresh():
        links.put_back("activation")
        return redirect(url_for(".activation"))
    begin_write()
    registration.activate(links.require("activation", lock=True).account)
    db.session.commit()
    links.forget("activation")
    flash_once("activated")
    return redirect(url_for("portal.login.log_in"))


@screen.route("/activation/nouveau-lien", methods=["GET", "POST"])
def new_link():
    """Replace an expired link, without showing the address that it goes to (T10)."""
    if request.method == "GET":
        return redirect(url_for(".activation"))
    if not ButtonForm().is_fresh():
        links.put_back("activation", say_so=False)  # the page of an expired link shows no message
        return redirect(url_for(".activation"))
    begin_write()
    link = links.require("activation", lock=True, even_late=True)
    may_leave = registration.count_resend(link.contract.id)
    if may_leave:
        activation_mail.send(link.account, link.contract)
    db.session.commit()
    links.forget("activation")
    flash_once("mail_sent_again" if may_leave else "mail_limit")
    return redirect(url_for("portal.login.log_in"))


def _take(form: SignupForm, contract: Contract) -> dict[str, Any]:
    """Sign up and write the mail; return what the next page needs."""
    result = registration.sign_up(
        contract,
        Submission(email=form.email.data, choices=form.choices),
        password=form.password.data,
        language=i18n.language(),
    )
    match result.outcome, result.account:
        case Outcome.CREATED, Account() as account:
            activation_mail.send(account, contract)
        case Outcome.ALREADY_REGISTERED, Account() as account:
            _tell_registered(account, contract, form.email.data)
        case Outcome.REPEATED, _:
            pass  # the first of the two has written the mail
        case Outcome.LIMITED, _:
            db.session.commit()
            raise TooManyMails
    return {
        "contract": contract.id,
        "reference": form.reference.data,
        "key": result.key,
        "email": form.email.data,
        "until": signed_links.expires_at("activation").isoformat(),
    }


def _mail_page(form: AddressForm, known: dict[str, Any]) -> tuple[str, int]:
    account = registration.pending_sign_up(known["contract"], known["key"])
    return page(
        "signup/check_mail.html",
        form=form,
        email=known["email"],
        digits=masked_reference(known["reference"]),
        carried={SIGN_UP_FIELD: signed_links.seal("signup", json.dumps(known))},
        suggestion=suggested_address(known["email"]),
        has_failed=account is not None and account.email_failed_at is not None,
        until=datetime.fromisoformat(known["until"]),
    )


def _sign_up_of_page() -> dict[str, Any]:
    """Return the sign-up of the sent page, whichever this browser made since (F20)."""
    text = signed_links.unseal("signup", request.form.get(SIGN_UP_FIELD, ""))
    if not text:
        raise LinkInvalid("signup")
    known: dict[str, Any] = json.loads(text)
    return known


def _account_of(known: dict[str, Any]) -> tuple[Account | None, Contract | None]:
    """Return account and contract of a sign-up, locked; the account is None where a finished one exists (T13).

    The contract is None where a newer sign-up replaced this one.
    """
    account = registration.pending_sign_up(known["contract"], known["key"], lock=True)
    contract = db.session.get(Contract, known["contract"])
    standing = contract.account if contract is not None else None
    return account, contract if account is not None or (standing is not None and standing.is_finished) else None


def _tell_registered(account: Account, contract: Contract, typed: str) -> None:
    """Tell the owner at the address on file, and whoever typed another one (T13)."""
    registration.has_other_account(typed, besides=account)  # the same work as for a new account (F9)
    notifications.already_registered(
        account,
        contract,
        login_link=public_urls.public("login.log_in"),
        reset_link=public_urls.public("password.forgotten"),
    )
    if typed.lower() != account.email.lower():
        notifications.contract_taken(typed, contract, message_link=public_urls.public("messages.write"))


def _send_again(account: Account | None, contract: Contract, typed: str) -> None:
    if account is not None:
        activation_mail.send(account, contract)
    elif contract.account is not None and contract.account.is_finished:
        _tell_registered(contract.account, contract, typed)
