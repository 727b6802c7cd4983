"""A new password: by a link to the address on file, asked for with the reference only, or in the account."""

from typing import Any

from flask import Blueprint, redirect, session, url_for
from wtforms import ValidationError

from .. import accounts, identity, links, mail, passwords, tokens
from ..db import begin_write, db
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..models import Account, Contract
from ..sessions import Session
from .entry import refuse, try_own_password
from .fields import (
    ContractReferenceField,
    CurrentPasswordField,
    NewPasswordField,
    PortalForm,
    check_new_password,
    page,
    say,
)

screen = Blueprint("password", __name__)


class ForgottenForm(PortalForm):
    """The reference, and nothing that tells who has an account."""

    reference = ContractReferenceField(
        _l("Ma référence contrat (Chiffres uniquement)"),
        description=_l("Elle figure sur votre avis d'échéance. Ne tapez pas le « L/ » du début. Exemple : 123456"),
    )


class NewPasswordForm(PortalForm):
    """What holds of a new password wherever it is chosen; its fields stand in the forms."""

    def __init__(self, account: Account, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.account = account

    def validate_password(self, field: Any) -> None:
        """Refuse a password that who knows this tenant would guess."""
        words = [word for contract in self.account.contracts for word in accounts.known_words(contract)]
        check_new_password(field, [*words, self.account.email])

    def validate_confirmation(self, field: Any) -> None:
        """Refuse two passwords that differ."""
        if field.data != self["password"].data:
            raise ValidationError(_("Les deux mots de passe ne sont pas identiques. Saisissez-les à nouveau."))


class ResetForm(NewPasswordForm):
    """The new password, twice."""

    password = NewPasswordField(
        _l("Créez un mot de passe"),
        _l("Saisissez un mot de passe d'au moins 12 caractères."),
        description=_l(
            "12 caractères minimum. Choisissez celui que vous voulez et notez-le : nous n'y avons pas accès."
        ),
    )
    confirmation = NewPasswordField(
        _l("Confirmez votre mot de passe"), _l("Saisissez votre mot de passe une seconde fois.")
    )


class ChangeForm(NewPasswordForm):
    """The present password, and the new one twice (ASVS 6.2.3)."""

    current = CurrentPasswordField(_l("Mon mot de passe actuel"))
    password = NewPasswordField(
        _l("Mon nouveau mot de passe"),
        _l("Saisissez un mot de passe d'au moins 12 caractères."),
        description=_l(
            "12 caractères minimum. Choisissez celui que vous voulez et notez-le : nous n'y avons pas accès."
        ),
    )
    confirmation = NewPasswordField(
        _l("Confirmez votre nouveau mot de passe"), _l("Saisissez votre mot de passe une seconde fois.")
    )

    def validate_password(self, field: Any) -> None:
        """Refuse a weak password, and one that changes nothing."""
        super().validate_password(field)
        if field.data == self.current.data:
            raise ValidationError(_("Le nouveau mot de passe est le même que l'ancien. Choisissez-en un autre."))


@screen.route("/mot-de-passe-oublie", methods=["GET", "POST"])
def mot_de_passe_oublie():
    """Ask the reference; send a link to the address on file, if there is one (T17)."""
    form = ForgottenForm(reference=session.get("portal_signup", {}).get("reference"))
    if not form.validate_on_submit():
        return page("password/mot_de_passe_oublie.html", form=form)
    account, contract, may_mail = accounts.request_reset(form.reference.data)
    if may_mail:
        _send_link(account, contract)
    db.session.commit()
    return redirect(url_for(".envoye"))


@screen.get("/mot-de-passe-oublie/envoye")
def envoye():
    """Show what happens now, the same whether or not there is an account (T17)."""
    return page("password/envoye.html")


@screen.get("/mot-de-passe/<jeton>")
def lien(jeton: str):
    """Take the token out of the address at once; nothing else happens."""
    session["portal_reset"] = jeton
    return redirect(url_for(".mot_de_passe"))


@screen.route("/mot-de-passe", methods=["GET", "POST"])
def mot_de_passe():
    """Choose a new password: every session ends, every other link dies, the owner is told by mail."""
    token = session.get("portal_reset")
    if token is None:
        return redirect(url_for(".mot_de_passe_oublie"))
    account = tokens.redeem("reset", token)
    form = ResetForm(account)
    if not form.validate_on_submit():
        return page("password/mot_de_passe.html", form=form)
    db.session.rollback()  # no connection is kept busy while the hash is computed
    password_hash = passwords.hash(form.password.data)
    begin_write()
    account = tokens.redeem("reset", token, lock=True)
    accounts.reset_password(account, password_hash, device=identity.mark_device())
    _tell_changed(account)
    identity.log_out()
    db.session.commit()
    session.pop("portal_reset", None)
    say("password_changed")
    return redirect(url_for("portal.login.connexion"))


@screen.route("/espace/compte/mot-de-passe", methods=["GET", "POST"])
@identity.session_required
def changement(own: Session):
    """Change the password in the account; this browser stays, with a session of its own, every other one ends."""
    account = own.account
    form = ChangeForm(account)
    context: dict[str, Any] = {"reference": account.contracts[0].reference}
    if not form.validate_on_submit():
        return page("password/changement.html", form=form, refusal=None, **context)
    db.session.rollback()  # no connection is kept busy while the hash is computed
    password_hash = passwords.hash(form.password.data)
    attempt = try_own_password(account, form.current.data)
    if attempt.holder is None:
        return refuse(form, attempt, "password/changement.html", **context)
    accounts.change_password(account, password_hash)
    _tell_changed(account)
    identity.log_in(account.id, remember=own.is_remembered)
    db.session.commit()
    say("own_password_changed")
    return redirect(url_for("portal.space.compte"))


def _tell_changed(account: Account) -> None:
    contract = account.contracts[0] if account.contracts else None
    mail.password_changed(account, contract, reset_link=links.public("password.mot_de_passe_oublie"))


def _send_link(account: Account | None, contract: Contract | None) -> None:
    """Have the link leave; an account that was never activated is sent its activation mail instead.

    Its address was never proved, so a stranger who got that mail must not be able to choose the password.
    """
    if account is not None and contract is not None and not account.is_activated:
        link = links.public("signup.lien", jeton=tokens.issue("activation", account))
        mail.activation(
            account,
            contract,
            link=link,
            until=tokens.expires_at("activation"),
            signup_link=links.public("signup.inscription"),
        )
        return
    # For nobody a link is made too, which opens nothing: the answer takes as long (F9).
    whose = account if account is not None else Account(id=0, email="", password_hash="")
    link = links.public("password.lien", jeton=tokens.issue("reset", whose))
    mail.reset(account, contract, link=link, until=tokens.expires_at("reset"))
