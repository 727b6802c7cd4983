"""Another mail address: asked for with the password, confirmed from there, and objected to from the former one (F3)."""

from typing import Any

from flask import Blueprint, redirect, session, url_for
from wtforms import ValidationError

from .. import addresses, identity, links, mail, passwords, tokens
from ..db import begin_write, db
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..models import Account, Contract, EmailChange
from ..rules import masked_reference, suggested_address
from .entry import refuse, try_own_password
from .fields import ButtonForm, CurrentPasswordField, MailAddressField, PortalForm, page, say

screen = Blueprint("address", __name__)


class ChangeForm(PortalForm):
    """The new address, and the password: whoever finds a session open must not take the account with it."""

    email = MailAddressField(
        _l("Ma nouvelle adresse mail"),
        description=_l("Nous y envoyons un lien à confirmer. Exemple : nom@domaine.fr"),
    )
    password = CurrentPasswordField(_l("Mon mot de passe"))

    def __init__(self, account: Account, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.account = account

    def validate_email(self, field: Any) -> None:
        """Refuse the present address, unless a mail server refused it: its owner may know better by now."""
        if field.data.lower() == self.account.email.lower() and self.account.email_failed_at is None:
            raise ValidationError(_("Cette adresse est déjà celle de votre compte. Saisissez la nouvelle."))


class ConfirmForm(PortalForm):
    """The password of the account, for who opens the link where he is not logged in.

    Whoever receives the link because the address was mistyped must not become the account's owner by one click.
    """

    password = CurrentPasswordField(_l("Mon mot de passe"))


@screen.route("/espace/compte/adresse", methods=["GET", "POST"])
@identity.account_required
def adresse(account: Account):
    """Ask for another address: a link goes to the new one, the present one is told at once."""
    form = ChangeForm(account)
    context: dict[str, Any] = {"account": account, "suggestion": suggested_address(form.email.data or "")}
    if not form.validate_on_submit():
        return page("address/adresse.html", form=form, refusal=None, **context)
    attempt = try_own_password(account, form.password.data)
    if attempt.holder is None:
        return refuse(form, attempt, "address/adresse.html", **context)
    change = addresses.ask(account, form.email.data)
    if change is not None:
        _tell_asked(change)
    db.session.commit()
    say("email_change_asked")
    return redirect(url_for("portal.space.compte"))


@screen.post("/espace/compte/adresse/arret")
@identity.account_required
def arret(account: Account):
    """Let go of a change that waits."""
    ButtonForm().require_fresh()
    begin_write()
    addresses.drop(account)
    db.session.commit()
    say("email_change_dropped")
    return redirect(url_for("portal.space.compte"))


@screen.get("/adresse/<jeton>")
def lien(jeton: str):
    """Take the token out of the address at once; nothing else happens (F2)."""
    session["portal_email_change"] = jeton
    return redirect(url_for(".confirmation"))


@screen.route("/adresse", methods=["GET", "POST"])
def confirmation():
    """Confirm the new address by a button, and with the password where the account is not logged in."""
    token = session.get("portal_email_change")
    if token is None:
        return redirect(url_for("portal.space.compte"))
    change = tokens.redeem_change("email_change", token)
    is_own = _is_logged_in(change.account)
    form = ButtonForm() if is_own else ConfirmForm()
    context: dict[str, Any] = {"change": change, "is_own": is_own, "digits": _digits(change)}
    if not form.validate_on_submit():
        return page("address/confirmation.html", form=form, refusal=None, **context)
    if is_own:
        begin_write()
    else:
        attempt = try_own_password(change.account, form["password"].data)
        if attempt.holder is None:
            return refuse(form, attempt, "address/confirmation.html", **context)
    change = tokens.redeem_change("email_change", token, lock=True)
    addresses.confirm(change)
    _tell_changed(change)
    db.session.commit()
    session.pop("portal_email_change", None)
    if is_own:
        say("email_changed")
        return redirect(url_for("portal.space.compte"))
    say("email_changed_elsewhere")
    return redirect(url_for("portal.login.connexion"))


@screen.get("/adresse/objection/<jeton>")
def refus(jeton: str):
    """Take the token out of the address at once; nothing else happens."""
    session["portal_objection"] = jeton
    return redirect(url_for(".objection"))


@screen.route("/adresse/objection", methods=["GET", "POST"])
def objection():
    """Let the owner of the former address stop the change or undo it, and choose another password (F3)."""
    token = session.get("portal_objection")
    if token is None:
        return redirect(url_for("portal.login.connexion"))
    change = tokens.redeem_change("email_objection", token)
    form = ButtonForm()
    if not form.validate_on_submit():
        return page("address/objection.html", form=form, change=change, digits=_digits(change))
    db.session.rollback()  # no connection is kept busy while the hash is computed
    unknown_hash = passwords.unknown()
    begin_write()
    change = tokens.redeem_change("email_objection", token, lock=True)
    _tell_stopped(change, addresses.object_to(change, unknown_hash=unknown_hash))
    identity.log_out()
    db.session.commit()
    # Whoever reads the former address could have the password chosen anew by mail: it is done at once.
    session["portal_reset"] = tokens.issue("reset", change.account)
    say("email_change_objected")
    return redirect(url_for("portal.password.mot_de_passe"))


def _is_logged_in(account: Account) -> bool:
    tenant = identity.current_tenant()
    return tenant is not None and tenant.session.account_id == account.id


def _contract(change: EmailChange) -> Contract | None:
    return change.account.contracts[0] if change.account.contracts else None


def _digits(change: EmailChange) -> str:
    contract = _contract(change)
    return masked_reference(contract.reference) if contract is not None else ""


def _objection(change: EmailChange) -> dict[str, Any]:
    link = links.public("address.refus", jeton=tokens.issue("email_objection", change))
    return {"objection": link, "until": tokens.expires_at("email_objection")}


def _tell_asked(change: EmailChange) -> None:
    link = links.public("address.lien", jeton=tokens.issue("email_change", change))
    mail.email_change(change, _contract(change), link=link, until=tokens.expires_at("email_change"))
    if change.new_email != change.old_email:
        mail.email_change_asked(change, _contract(change), **_objection(change))


def _tell_changed(change: EmailChange) -> None:
    mail.email_changed(change, _contract(change), address=change.new_email)
    if change.new_email != change.old_email:
        mail.email_changed(change, _contract(change), address=change.old_email, **_objection(change))


def _tell_stopped(change: EmailChange, put_in: str | None) -> None:
    reset_link = links.public("password.mot_de_passe_oublie")
    addressees = {change.old_email: True} if put_in is None else {put_in: False, change.old_email: True}
    for address, is_owner in addressees.items():
        mail.email_change_stopped(change, _contract(change), address=address, reset_link=reset_link, is_owner=is_owner)
