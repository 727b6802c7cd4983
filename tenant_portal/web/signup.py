"""Sign-up: the form of the notice's two numbers, « Consultez vos e-mails », and the activation page that is a login."""

from datetime import datetime
from typing import Any

from flask import Blueprint, redirect, session, url_for

from .. import accounts, audit, contracts, i18n, identity, links, mail, throttle, tokens
from ..db import begin_write, db
from ..errors import LinkExpired, LinkInvalid, TooManyMails
from ..i18n import lazy_gettext as _l
from ..models import Account, Contract
from ..rules import suggested_address
from .entry import attempt_login, enter, refuse
from .fields import ButtonForm, MailAddressField, PortalForm, page, say
from .forms import LoginForm, SignupForm

screen = Blueprint("signup", __name__)

#: After so many mismatches in one browser, the way to a person comes first (T04).
MISMATCHES_BEFORE_MESSAGE = 3


class AddressForm(PortalForm):
    """The address of a sign-up, to put right without typing the rest again (T07)."""

    email = MailAddressField(_l("Votre adresse mail"), description=_l("Exemple : nom@domaine.fr"))


@screen.route("/inscription", methods=["GET", "POST"])
def inscription():
    """Show « Formulaire d'inscription », and sign up."""
    form = SignupForm()
    if not form.validate_on_submit():
        if form.is_submitted() and not form.is_expired:
            _note_refusal(form)
        return _form_page(form)
    standing = throttle.standing(_counter(form))
    pause = throttle.origin_wait("signup", identity.origin()) or standing.wait
    if pause is not None:
        return _form_page(form, wait=pause, status=429)
    if form.contract is None:
        return _mismatch(form)
    contract = form.contract
    outcome = accounts.sign_up(
        contract,
        email=form.email.data,
        password=form.password.data,
        choices=form.choices,
        language=i18n.language(),
    )
    if outcome.is_excessive:
        db.session.commit()
        raise TooManyMails
    if not outcome.is_repeat:
        if outcome.account is not None:
            _send_activation(outcome.account, contract)
        elif outcome.existing is not None:
            _tell_registered(outcome.existing, contract, form.email.data)
    if standing.failures:
        throttle.succeed(_counter(form))
    known = {
        "contract": contract.id,
        "reference": form.reference.data,
        "key": outcome.key,
        "email": form.email.data,
        "until": tokens.expires_at("activation").isoformat(),
    }
    db.session.commit()
    session.pop("portal_mismatches", None)
    session["portal_signup"] = known
    return redirect(url_for(".courriel"))


@screen.get("/inscription/courriel")
def courriel():
    """Show « Consultez vos e-mails »: the address, what to do, the mail once more, the address put right (U35)."""
    if "portal_signup" not in session:
        return redirect(url_for("portal.login.connexion"))
    return _mail_page(AddressForm(formdata=None))


@screen.post("/inscription/courriel/renvoi")
def renvoi():
    """Send the mail of this sign-up once more; the first link stays good."""
    ButtonForm().require_fresh()
    known = _known_sign_up()
    begin_write()
    account = accounts.pending_sign_up(known["contract"], known["key"])
    contract = db.session.get(Contract, known["contract"])
    if accounts.may_resend(known["contract"]) and contract is not None:
        _send_again(account, contract, known["email"])
        session["portal_signup"] = {**known, "until": tokens.expires_at("activation").isoformat()}
        say("mail_sent_again")
    else:
        say("mail_limit")
    db.session.commit()
    return redirect(url_for(".courriel"))


@screen.post("/inscription/courriel/adresse")
def adresse():
    """Put the address right; the link goes to the new one, links to the former one are dead."""
    known = _known_sign_up()
    form = AddressForm()
    if not form.validate_on_submit():
        return _mail_page(form)
    begin_write()
    account = accounts.pending_sign_up(known["contract"], known["key"])
    contract = db.session.get(Contract, known["contract"])
    if accounts.may_resend(known["contract"]) and contract is not None:
        if account is not None:
            accounts.change_sign_up_email(account, form.email.data)
        _send_again(account, contract, form.email.data)
        until = tokens.expires_at("activation").isoformat()
        session["portal_signup"] = {**known, "email": form.email.data, "until": until}
        say("address_changed")
    else:
        say("address_kept")
    db.session.commit()
    return redirect(url_for(".courriel"))


@screen.get("/activation/<jeton>")
def lien(jeton: str):
    """Take the token out of the address at once; nothing else happens (PRODUCT 1, ASVS 14.2.1)."""
    session["portal_activation"] = jeton
    return redirect(url_for(".activation"))


@screen.route("/activation", methods=["GET", "POST"])
def activation():
    """Show the login form that finishes the account; the link by itself changes nothing (T12, S39)."""
    account = _account_of_link()
    if account is None:
        return redirect(url_for("portal.login.connexion"))
    known = session.get("portal_signup", {})
    context = {"is_activated": account.is_activated}
    form = LoginForm(reference=known.get("reference"))
    if not form.validate_on_submit():
        return page("signup/activation.html", form=form, refusal=None, **context)
    attempt = attempt_login(form)
    account = _account_of_link()  # read anew, in the same write as what follows
    if attempt.holder is None or account is None:
        return refuse(form, attempt, "signup/activation.html", **context)
    if attempt.holder.id != account.id:
        db.session.commit()
        return page("signup/activation.html", form=form, refusal="other_account", **context)
    accounts.activate(account)
    enter(attempt, attempt.holder, form)
    return redirect(url_for("portal.space.espace"))


@screen.post("/activation/ailleurs")
def ailleurs():
    """Activate without logging in, for whoever reads his mail on one device and goes on at another."""
    ButtonForm().require_fresh()
    begin_write()
    account = _account_of_link()
    if account is None:
        return redirect(url_for("portal.login.connexion"))
    accounts.activate(account)
    db.session.commit()
    session.pop("portal_activation", None)
    say("activated")
    return redirect(url_for("portal.login.connexion"))


@screen.post("/activation/nouveau-lien")
def nouveau_lien():
    """Send a fresh link in the place of an expired one, to the address of the sign-up, which is not shown (T10)."""
    ButtonForm().require_fresh()
    begin_write()
    try:
        account = _account_of_link()
    except LinkExpired as expired:
        account = db.session.get(Account, expired.account_id)
    if account is None or not account.contracts:
        raise LinkInvalid("activation")
    may_resend = accounts.may_resend(account.contracts[0].id)
    if may_resend:
        _send_activation(account, account.contracts[0])
    db.session.commit()
    session.pop("portal_activation", None)
    say("mail_sent_again" if may_resend else "mail_limit")
    return redirect(url_for("portal.login.connexion"))


def _form_page(form: SignupForm, *, status: int = 200, **context: Any) -> tuple[str, int]:
    mismatches = session.get("portal_mismatches", 0)
    return page(
        "signup/inscription.html",
        form=form,
        status=status,
        suggestion=suggested_address(form.email.data or ""),
        shows_message_first=mismatches >= MISMATCHES_BEFORE_MESSAGE,
        **{"mismatch": False, "wait": None, **context},
    )


def _mail_page(form: AddressForm) -> tuple[str, int]:
    known = _known_sign_up()
    account = accounts.pending_sign_up(known["contract"], known["key"])
    return page(
        "signup/courriel.html",
        form=form,
        email=known["email"],
        suggestion=suggested_address(known["email"]),
        has_failed=account is not None and account.email_failed_at is not None,
        until=datetime.fromisoformat(known["until"]),
    )


def _note_refusal(form: SignupForm) -> None:
    """Note at which step a sign-up was refused, so that staff see where a tenant is stuck."""
    reference = form.reference.data if not form.reference.errors else None
    begin_write()
    contract = contracts.find(reference) if reference else None
    audit.record("signup_refused", contract=contract, step=form.failed_step)
    db.session.commit()


def _counter(form: SignupForm) -> str:
    return f"signup_mismatch:{form.reference.data.lstrip('0')}"


def _mismatch(form: SignupForm) -> tuple[str, int]:
    """Answer with the one neutral sentence: which of the numbers is wrong, or why, is never told (T04, T05)."""
    begin_write()
    throttle.fail(_counter(form))
    throttle.origin_fail("signup", identity.origin())
    audit.record("signup_mismatch", contract=contracts.find(form.reference.data), step=3)
    db.session.commit()
    session["portal_mismatches"] = session.get("portal_mismatches", 0) + 1
    return _form_page(form, mismatch=True)


def _send_activation(account: Account, contract: Contract) -> None:
    link = links.public("signup.lien", jeton=tokens.issue("activation", account))
    mail.activation(account, contract, link=link, until=tokens.expires_at("activation"))


def _tell_registered(account: Account, contract: Contract, typed: str) -> None:
    """Tell the owner of a finished account, at the address on file, and whoever typed another address (T13)."""
    mail.already_registered(
        account,
        contract,
        login_link=links.public("login.connexion"),
        reset_link=links.public("password.mot_de_passe_oublie"),
    )
    if typed.lower() != account.email.lower():
        mail.contract_taken(typed, contract, message_link=links.public("messages.message"))


def _send_again(account: Account | None, contract: Contract, typed: str) -> None:
    if account is not None:
        _send_activation(account, contract)
    elif contract.account is not None and contract.account.is_finished:
        _tell_registered(contract.account, contract, typed)


def _known_sign_up() -> dict[str, Any]:
    known: dict[str, Any] | None = session.get("portal_signup")
    if known is None:
        raise LinkInvalid("signup")
    return known


def _account_of_link() -> Account | None:
    """Return the account of the link that this browser opened, or None when it opened none."""
    token = session.get("portal_activation")
    return tokens.redeem("activation", token) if token else None
