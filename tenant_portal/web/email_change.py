"""A new mail address (F3)."""

from typing import Any

from flask import Blueprint, redirect, request, url_for
from wtforms import ValidationError

from ..accounts import email_change, signed_links
from ..accounts.email_change import EmailChange
from ..accounts.locks import lock_account
from ..accounts.signed_links import Link
from ..db import begin_write, db
from ..errors import LinkUsed
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..mail import notifications
from ..models import Account, Contract
from . import guards, identity, links
from .address_typos import suggested_address
from .fields import CurrentPasswordField, MailAddressField
from .forms import ButtonForm, PortalForm
from .login_flow import refuse, try_own_password
from .pages import flash_once, page

screen = Blueprint("email_change", __name__)


class ChangeForm(PortalForm):
    """The new address and the password: an open session alone must not take over the account."""

    email = MailAddressField(
        _l("Ma nouvelle adresse mail"),
        description=_l("Nous y envoyons un lien à confirmer. Exemple : nom@domaine.fr"),
    )
    password = CurrentPasswordField(_l("Mon mot de passe"))

    def __init__(self, account: Account, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.account = account

    def validate_email(self, field: Any) -> None:
        """Refuse the present address, unless it failed or is in doubt."""
        if not email_change.is_new(self.account, field.data):
            raise ValidationError(_("Cette adresse est déjà celle de votre compte. Saisissez la nouvelle."))


class ConfirmForm(PortalForm):
    """The password: a link to a mistyped address must not make a stranger the owner."""

    password = CurrentPasswordField(_l("Mon mot de passe"))


@screen.route("/espace/compte/adresse", methods=["GET", "POST"])
@guards.account_required
def ask(account: Account):
    """Ask for a new address: it gets a link, the present one is told."""
    form = ChangeForm(account)
    context: dict[str, Any] = {
        "account": account,
        "reference": account.contracts[0].reference,
        "suggestion": suggested_address(form.email.data or ""),
    }
    if not form.validate_on_submit():
        return page("email_change/ask.html", form=form, refusal=None, **context)
    attempt = try_own_password(account, form.password.data)
    if attempt.holder is None:
        return refuse(form, attempt, "email_change/ask.html", **context)
    change = email_change.ask(account, form.email.data)
    if change is not None:
        _tell_asked(change, account.contracts[0])
    db.session.commit()
    flash_once("email_change_asked")
    return redirect(url_for("portal.account.overview"))


@screen.route("/espace/compte/adresse/arret", methods=["GET", "POST"])
@guards.account_required
def stop(account: Account):
    """Drop a pending change."""
    if request.method == "GET":
        return redirect(url_for("portal.account.overview"))
    if ButtonForm().is_fresh():
        begin_write()
        if lock_account(account.contracts[0]) is not None:
            email_change.drop(account)
        db.session.commit()
        flash_once("email_change_dropped")
    else:
        flash_once("page_renewed")
    return redirect(url_for("portal.account.overview"))


@screen.get("/adresse/<portal_link:token>")
def open_link(token: str):
    """Move the token from the address into the session; change nothing (F2)."""
    links.keep("email_change", token)
    return redirect(url_for(".confirm"))


@screen.route("/adresse", methods=["GET", "POST"])
def confirm():
    """Confirm the new address, with the password where the account is not logged in."""
    if request.method == "GET" and not links.token_of("email_change"):
        return links.elsewhere("email_change")
    try:
        link = links.require("email_change")
    except LinkUsed as used:
        if request.method == "GET":
            raise
        return _leave_confirmed(is_own=identity.is_logged_in(used.account_id))
    is_own = identity.is_logged_in(link.account.id)
    form = ButtonForm() if is_own else ConfirmForm()
    context: dict[str, Any] = {
        "link": link,
        "change": link.its_change,
        "is_own": is_own,
        "reference": links.name_of(link),
    }
    if not form.validate_on_submit():
        return page("email_change/confirm.html", form=form, refusal=None, **context)
    if is_own:
        begin_write()
    else:
        attempt = try_own_password(link.account, form["password"].data)
        if attempt.holder is None:
            return refuse(form, attempt, "email_change/confirm.html", **context)
    try:
        link = links.require("email_change", lock=True)
    except LinkUsed:  # by the other of two clicks
        db.session.rollback()
        return _leave_confirmed(is_own=is_own)
    must_choose = email_change.confirm(link.its_change)
    _tell_changed(link)
    if must_choose:
        return _choose_password(link)
    db.session.commit()
    links.forget("email_change")
    return _leave_confirmed(is_own=is_own)


def _leave_confirmed(*, is_own: bool) -> Any:
    if is_own:
        flash_once("email_changed")
        return redirect(url_for("portal.account.overview"))
    flash_once("email_changed_elsewhere")
    return redirect(url_for("portal.login.log_in"))


def _choose_password(link: Link) -> Any:
    """Commit, and lead the reader of the first address to a new password."""
    identity.log_out()
    db.session.commit()
    links.forget("email_change")
    links.keep("reset", signed_links.issue("reset", link.account, link.contract))
    flash_once("email_put_back")
    return redirect(url_for("portal.password.reset"))


def _tell_asked(change: EmailChange, contract: Contract) -> None:
    link = links.address("email_change", change, contract)
    notifications.email_change(change, contract, link=link, until=signed_links.expires_at("email_change"))
    if change.new_email != change.old_email:
        notifications.email_change_asked(change, contract)


def _tell_changed(link: Link) -> None:
    change = link.its_change
    notifications.email_changed(change, link.contract, address=change.new_email)
    if change.new_email != change.old_email:
        notifications.email_changed(change, link.contract, address=change.old_email)
