"""Who works here: for owners."""

from typing import Any, NamedTuple

from flask import abort, redirect, request, url_for
from wtforms import HiddenField

from ...accounts import office_acts
from ...db import db
from ...i18n import gettext as _
from ...i18n import lazy_gettext as _l
from ...web.fields import MailAddressField, QuestionField
from ...web.forms import ButtonForm, PortalForm
from ...web.pages import flash_once, page
from .. import OFFICE, OWNER, has_own_accounts, sessions, staff
from ..clerks import Clerk
from ..models import Staff, StaffLogin


class InviteForm(PortalForm):
    """Somebody new, by his address."""

    email = MailAddressField(_l("Adresse mail de votre collègue"), autocomplete="off")
    role = QuestionField(
        _l("Que peut faire ce collègue ?"),
        _l("Choisissez ce que peut faire ce collègue."),
        {
            OFFICE: _l("Gestionnaire : le travail de tous les jours"),
            OWNER: _l("Responsable : aussi les collègues, les listes avec adresses et les demandes d'accès"),
        },
    )
    #: The address of which was said that one person alone reads it.
    personal = HiddenField()


class Colleague(NamedTuple):
    """A row of the list."""

    staff: Staff
    last_login: StaffLogin | None


def overview(clerk: Clerk):
    """List the colleagues, and invite another one."""
    _require_own_accounts()
    form, asks_back = InviteForm(), False
    if form.validate_on_submit() and form.role.data in (OFFICE, OWNER):
        asks_back = staff.looks_shared(form.email.data) and form.personal.data != form.email.data
        if not asks_back:
            staff.begin()
            _require_owner(clerk)
            invitation = staff.invite(form.email.data, role=form.role.data)
            if invitation is not None:
                return _done(clerk, "staff_invited", invitation.staff, said="colleague_invited")
            db.session.rollback()
            form.email.errors = [_("Ce collègue a déjà un accès. Pour le renouveler, ouvrez sa page.")]
    known = [Colleague(each, sessions.last_login(each)) for each in staff.everybody()]
    return page("office/colleagues/overview.html", clerk=clerk, form=form, colleagues=known, asks_back=asks_back)


def show(clerk: Clerk, number: int):
    """Show one colleague, and what can be changed."""
    _require_own_accounts()
    of = db.session.get(Staff, number) or abort(404)
    is_self = of.name == clerk.name
    return page(
        "office/colleagues/show.html", clerk=clerk, colleague=Colleague(of, sessions.last_login(of)), is_self=is_self
    )


def invite_again(clerk: Clerk, number: int):
    """Renew an invitation; who has an account is locked out until he uses it."""
    of = _begin(clerk, number)
    if of is None:
        return _back(number)
    was_enrolled = of.is_enrolled
    staff.reset(of)
    if was_enrolled:
        return _done(clerk, "staff_reset", of, said="colleague_reset")
    return _done(clerk, "staff_invited", of, said="colleague_invited")


def change_role(clerk: Clerk, number: int):
    """Give a colleague the role that the button names, whatever it was before."""
    of, is_owner = _begin(clerk, number), request.form.get("role") == OWNER
    if of is None or of.is_owner == is_owner:  # a double click
        return _back(number)
    try:
        staff.set_role(of, is_owner=is_owner)
    except staff.LastOwner:
        return _refuse_last_owner(number)
    return _done(clerk, "staff_role_changed", of, said="colleague_changed")


def remove(clerk: Clerk, number: int):
    """Remove a colleague; his sessions end at once."""
    of = _begin(clerk, number)
    if of is None:
        return _back(number)
    try:
        staff.remove(of)
    except staff.LastOwner:
        return _refuse_last_owner(number)
    return _done(clerk, "staff_removed", of, said="colleague_removed")


def _begin(clerk: Clerk, number: int) -> Staff | None:
    """Begin an act on a colleague; None where no button of this login was pressed, or where he is gone by now."""
    _require_own_accounts()
    if not ButtonForm().validate_on_submit():
        return None
    staff.begin()
    _require_owner(clerk)
    return db.session.get(Staff, number)


def _back(number: int) -> Any:
    """Lead back to a colleague, or to the list where he is gone."""
    db.session.rollback()
    if db.session.get(Staff, number) is None:
        return redirect(url_for("portal.office.colleagues.overview"))
    return redirect(url_for("portal.office.colleagues.show", number=number))


def _require_owner(clerk: Clerk) -> None:
    """Refuse who was removed or demoted while he waited for the lock."""
    found = db.session.get(Staff, sessions.visit().staff_id or 0, populate_existing=True)
    if found is None or not found.is_owner:
        abort(404)


def _require_own_accounts() -> None:
    if not has_own_accounts():
        abort(404)


def _done(clerk: Clerk, act: str, of: Staff, *, said: str) -> Any:
    office_acts.record(clerk.name, act, about=of.known_as)
    is_self = of.name == clerk.name
    db.session.commit()
    flash_once(said)
    if is_self:  # perhaps no owner any more
        return redirect(url_for("portal.office.todo.show"))
    return redirect(url_for("portal.office.colleagues.overview"))


def _refuse_last_owner(number: int) -> Any:
    db.session.rollback()
    flash_once("last_owner")
    return redirect(url_for("portal.office.colleagues.show", number=number))
