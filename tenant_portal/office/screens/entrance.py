"""The way in: mail address and password, then a code; another password by mail."""

from typing import Any

from flask import redirect, request, url_for
from wtforms import HiddenField, StringField

from ... import public_urls
from ...accounts import passwords, registration
from ...db import begin_write, db, utcnow
from ...i18n import lazy_gettext as _l
from ...mail import landlord_mails
from ...web import cookies, identity
from ...web.fields import ConfirmationField, CurrentPasswordField, MailAddressField, NewPasswordField, Required
from ...web.forms import ButtonForm, PortalForm, judge_new_password
from ...web.pages import flash_once, page
from .. import authentication, links, opened_links, sessions, staff, way_in
from ..authentication import Attempt
from ..models import Staff


class StaffLoginForm(PortalForm):
    """The first of two steps."""

    email = MailAddressField(_l("Mon adresse mail"), autocomplete="username")
    password = CurrentPasswordField(_l("Mon mot de passe"))
    suite = HiddenField()


class CodeForm(PortalForm):
    """The second one."""

    code = StringField(
        _l("Mon code à 6 chiffres"),
        [Required(_l("Tapez le code que montre votre téléphone."))],
        description=_l("L'application de votre téléphone le montre. Chaque code sert une fois."),
        render_kw={"autocomplete": "one-time-code", "spellcheck": "false", "autocapitalize": "off"},
    )
    suite = HiddenField()


class ForgottenForm(PortalForm):
    """The address only."""

    email = MailAddressField(_l("Mon adresse mail"), autocomplete="username")


class PasswordForm(PortalForm):
    """The new password, twice."""

    password = NewPasswordField(_l("Créez un mot de passe"))
    confirmation = ConfirmationField(_l("Confirmez votre mot de passe"))

    def judge(self, of: Staff, *more: str) -> bool:
        """Tell whether the password is strong; it may hold nothing that a guesser knows of him."""
        return judge_new_password(self.password, registration.guessable_words(None, of.email, of.name, *more))


def log_in():
    """Ask for address and password."""
    if sessions.visit().is_proved:
        return redirect(url_for("portal.office.todo.show"))
    form = StaffLoginForm(suite=request.args.get("suite"))
    if not form.validate_on_submit():
        return page("office/entrance/log_in.html", form=form, refusal=None)
    device, origin = cookies.device_mark(), identity.origin()
    attempt = authentication.check_password(form.email.data, form.password.data, device=device, origin=origin)
    if attempt.staff is None:
        return _refuse(form, attempt, "office/entrance/log_in.html")
    sessions.start(attempt.staff, is_proved=False)
    db.session.commit()
    return redirect(url_for("portal.office.entrance.give_code", suite=form.suite.data or None))


def give_code():
    """Ask for the code of the telephone, or a recovery code."""
    visit = sessions.visit()
    if visit.staff_id is None:
        return redirect(url_for("portal.office.entrance.log_in"))
    form = CodeForm(suite=request.args.get("suite"))
    if visit.is_proved:
        return redirect(way_in.next_page(form.suite.data))
    if not form.validate_on_submit():
        return page("office/entrance/give_code.html", form=form, refusal=None)
    attempt = authentication.check_code(visit.staff_id, form.code.data)
    if attempt.staff is None:
        return _refuse(form, attempt, "office/entrance/give_code.html")
    sessions.start(attempt.staff, is_proved=True)
    db.session.commit()
    return redirect(way_in.next_page(form.suite.data))


def log_out():
    """End this login; a tenant who is logged in here too stays so."""
    is_fresh = ButtonForm().validate_on_submit()
    if not is_fresh and sessions.visit().is_proved:
        return redirect(url_for("portal.office.todo.show"))
    begin_write()
    sessions.end()
    db.session.commit()
    flash_once("logged_out")
    return redirect(url_for("portal.office.entrance.log_in"))


def forgotten():
    """Send a link to another password; the page is the same for an address that nobody has."""
    form = ForgottenForm()
    if not form.validate_on_submit():
        return page("office/entrance/forgotten.html", form=form)
    device, origin = cookies.device_mark(), identity.origin()
    whose, may_leave = authentication.may_send_link(form.email.data, device=device, origin=origin)
    if may_leave:
        # A link of nobody takes the same time.
        token = links.issue("password", whose or Staff(id=0, email="", password_hash="", enrolled_at=utcnow()))
        link = public_urls.public("office.entrance.open_link", token=token)
        address = whose.email if whose is not None else ""
        landlord_mails.staff_reset(address, link=link, until=links.expires_at("password"))
    db.session.commit()
    return redirect(url_for("portal.office.entrance.link_sent"))


def link_sent():
    """Show the next step, the same for everybody."""
    return page("office/entrance/link_sent.html")


def open_link(token: str):
    """Move the token from the address into the session; change nothing."""
    opened_links.keep("password", token)
    return redirect(url_for("portal.office.entrance.choose_password"))


def choose_password():
    """Set another password; the login asks for the code as ever."""
    token = opened_links.token_of("password")
    of = links.verify("password", token)
    if of is None:
        return opened_links.over("password")
    form = PasswordForm()
    if not form.validate_on_submit() or not form.judge(of):
        return page("office/entrance/choose_password.html", form=form, email=of.email, link=token)
    db.session.rollback()  # release the connection while hashing
    password_hash = passwords.hash(form.password.data)
    begin_write()
    of = links.verify("password", token, lock=True)
    if of is None:
        return opened_links.over("password")
    staff.choose_password(of, password_hash)
    db.session.commit()
    opened_links.forget("password")
    flash_once("staff_password_changed")
    return redirect(url_for("portal.office.entrance.log_in"))


def _refuse(form: PortalForm, attempt: Attempt, template: str) -> Any:
    db.session.commit()
    if isinstance(form, CodeForm):
        form.code.data = ""
    if attempt.wait is None:
        return page(template, form=form, refusal="wrong", wait=None)
    answer = page(template, form=form, refusal="wait", wait=attempt.wait, status=429)
    return (*answer, {"Retry-After": str(int(attempt.wait.total_seconds()) + 1)})
