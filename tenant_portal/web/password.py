"""A new password."""

from typing import Any

from flask import Blueprint, redirect, request, session, url_for
from wtforms import ValidationError

from .. import public_urls
from ..accounts import email_change, freezing, lifecycle, passwords, registration, sessions, signed_links
from ..accounts.email_change import EmailChange
from ..accounts.lifecycle import Reset
from ..accounts.sessions import Session
from ..db import begin_write, db
from ..errors import LinkReplaced
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..mail import new_addresses, notifications
from ..models import Account, Contract
from . import cookies, guards, identity, links
from .fields import ConfirmationField, ContractReferenceField, CurrentPasswordField, NewPasswordField
from .forms import PortalForm, judge_new_password
from .login_flow import refuse, try_own_password
from .pages import flash_once, page

screen = Blueprint("password", __name__)


#: In the session: the digest of the link that this browser has used.
_CHOSEN = "portal_chosen"


class ForgottenForm(PortalForm):
    """The reference only."""

    reference = ContractReferenceField(
        _l("Ma référence contrat (Chiffres uniquement)"),
        description=_l("Elle figure sur votre avis d'échéance. Ne tapez pas le « L/ » du début. Exemple : 123456"),
    )


class NewPasswordForm(PortalForm):
    """The rules of a new password; subclasses add its fields."""

    def __init__(self, account: Account, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.account = account

    def validate(self, extra_validators: Any = None) -> bool:
        """Validate; the password is judged last (X03)."""
        fine = super().validate(extra_validators)
        password = self["password"]
        if password.errors or self.refusal:
            return fine
        words = [word for contract in self.account.contracts for word in registration.guessable_words(contract)]
        return judge_new_password(password, [*words, self.account.email]) and fine


class ResetForm(NewPasswordForm):
    """The new password, twice."""

    password = NewPasswordField(_l("Créez un mot de passe"))
    confirmation = ConfirmationField(_l("Confirmez votre mot de passe"))


class ChangeForm(NewPasswordForm):
    """The current password, and the new one twice (ASVS 6.2.3)."""

    current = CurrentPasswordField(_l("Mon mot de passe actuel"))
    password = NewPasswordField(_l("Mon nouveau mot de passe"))
    confirmation = ConfirmationField(_l("Confirmez votre nouveau mot de passe"))

    def validate_password(self, field: Any) -> None:
        """Refuse a password that changes nothing."""
        if field.data == self.current.data:
            raise ValidationError(_("Le nouveau mot de passe est le même que l'ancien. Choisissez-en un autre."))


@screen.route("/mot-de-passe-oublie", methods=["GET", "POST"])
def forgotten():
    """Send a link to the address on file, if there is one (T17)."""
    form = ForgottenForm(reference=session.get("portal_signup", {}).get("reference"))
    if not form.validate_on_submit():
        return page("password/forgotten.html", form=form)
    new_addresses.settle_due()  # or the link would go to the address that the tenant has lost
    reset = lifecycle.request_reset(form.reference.data, device=cookies.device_mark(), origin=identity.origin())
    if reset.turn is not None:
        _send_link(reset, reset.turn)
    db.session.commit()
    links.note_reference(form.reference.data)
    return redirect(url_for(".reset_sent"))


@screen.get("/mot-de-passe-oublie/envoye")
def reset_sent():
    """Show the next step, the same with and without an account (T17)."""
    return page("password/reset_sent.html")


@screen.get("/mot-de-passe/<portal_link:token>")
def open_link(token: str):
    """Move the token from the address into the session; change nothing."""
    links.keep("reset", token)
    return redirect(url_for(".reset"))


@screen.route("/mot-de-passe", methods=["GET", "POST"])
def reset():
    """Set a new password; every session and every other link ends."""
    if request.method == "GET" and not links.token_of("reset"):
        return links.elsewhere("reset")
    try:
        link = links.require("reset")
    except LinkReplaced as replaced:
        if _is_chosen_already(replaced):
            return _leave_changed()
        raise
    form = ResetForm(link.account)
    if not form.validate_on_submit():
        return page("password/reset.html", form=form, link=link, reference=links.name_of(link))
    known_hash = link.account.password_hash if link.account.is_frozen else None
    db.session.rollback()  # release the connection while hashing
    if known_hash is not None and passwords.verify(known_hash, form.password.data):  # perhaps a thief's as well (H07)
        form.password.errors = [_("Choisissez un autre mot de passe que l'ancien : quelqu'un le connaît peut-être.")]
        return page("password/reset.html", form=form, link=link, reference=links.name_of(link))
    password_hash = passwords.hash(form.password.data)
    begin_write()
    link = links.require("reset", lock=True)
    lifecycle.reset_password(link.account, password_hash, device=cookies.remember_device())
    _tell_changed(link.account, link.contract)
    identity.log_out()
    db.session.commit()
    links.forget("reset")
    session[_CHOSEN] = sessions.digest(link.token)
    return _leave_changed()


def _leave_changed() -> Any:
    flash_once("password_changed")
    return redirect(url_for("portal.login.log_in"))


def _is_chosen_already(replaced: LinkReplaced) -> bool:
    """Tell whether this browser used the link for that very password; nobody else learns whether it is right."""
    token, password = links.token_of("reset"), request.form.get("password", "")
    account = db.session.get(Account, replaced.account_id)
    if account is None or session.get(_CHOSEN) != sessions.digest(token):
        return False
    password_hash = account.password_hash
    db.session.rollback()  # release the connection while hashing
    return bool(passwords.verify(password_hash, password))


@screen.route("/espace/compte/mot-de-passe", methods=["GET", "POST"])
@guards.session_required
def change(own: Session):
    """Change the password; this browser gets a new session, all others end."""
    account = own.account
    form = ChangeForm(account)
    context: dict[str, Any] = {"reference": account.contracts[0].reference}
    if not form.validate_on_submit():
        return page("password/change.html", form=form, refusal=None, **context)
    db.session.rollback()  # release the connection while hashing
    password_hash = passwords.hash(form.password.data)
    attempt = try_own_password(account, form.current.data)
    if attempt.holder is None:
        return refuse(form, attempt, "password/change.html", **context)
    to_confirm = lifecycle.change_password(account, password_hash)
    contract = account.contracts[0]
    _tell_changed(account, contract)
    if to_confirm is not None:
        _ask_for_proof(to_confirm, contract)
    identity.log_in(account.id, language=account.language, remember=own.is_remembered)
    db.session.commit()
    flash_once("own_password_changed")
    return redirect(url_for("portal.account.overview"))


def _tell_changed(account: Account, contract: Contract) -> None:
    """Tell the address on file, and the first address while it can undo a change (docs/security.md)."""
    notifications.password_changed(account, contract)
    change = email_change.oldest_open(account)
    if change is not None:
        notifications.password_changed(account, contract, address=change.old_email)


def _ask_for_proof(change: EmailChange, contract: Contract) -> None:
    link = links.address("email_change", change, contract)
    notifications.email_change(
        change, contract, link=link, until=signed_links.expires_at("email_change"), is_doubt=True
    )


def _send_link(reset: Reset, turn: int) -> None:
    """Send the link that helps: to a new password, to the first login, or to the first address.

    Before the first login the password is the tenant's only proof, so a reader of the address must not choose it.
    Neither must a reader of an address in doubt. Of a disputed account the office decides (T14).
    """
    account, contract = reset.account, reset.contract
    if account is not None and contract is not None and not account.is_finished:
        link = links.address("activation", account, contract)
        signup_link = public_urls.public("signup.sign_up")
        notifications.activation(
            account,
            contract,
            link=link,
            until=signed_links.expires_at("activation"),
            signup_link=signup_link,
            turn=turn,
        )
        return
    if account is not None and freezing.is_disputed(account):
        notifications.account_frozen(account, contract, turn=turn)
        return
    change = email_change.oldest_open(account) if account is not None and account.email_doubted_at is not None else None
    if change is not None:
        notifications.email_changed(change, contract, address=change.old_email, turn=turn)
        return
    # Make a useless link without an account, so that the time reveals nothing (F9).
    is_somebody = account is not None and account.email_doubted_at is None
    whose = account if account is not None and is_somebody else Account(id=0, email="", password_hash="")
    link = links.address("reset", whose, contract)
    until = signed_links.expires_at("reset")
    notifications.reset(account if is_somebody else None, contract, link=link, until=until, turn=turn)
