"""« Mes connexions »: devices, logins, and what the office did (T31, T39, G05)."""

from typing import Any

from flask import Blueprint, redirect, url_for
from wtforms import RadioField, ValidationError

from .. import audit
from ..accounts import office_acts, sessions
from ..db import db
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..models import Login
from . import guards
from .fields import CurrentPasswordField, Required
from .forms import PortalForm
from .login_flow import refuse, try_own_password
from .pages import flash_once, page

screen = Blueprint("sessions", __name__)

#: Shown logins (CNIL, guide on the security of personal data, fiche 16).
LATEST = 3
#: The answer « Tous mes autres appareils ».
ALL = "tous"


class EndForm(PortalForm):
    """One device, or all others; with the password, or a thief would lock the owner out (ASVS 7.5.2)."""

    device = RadioField(
        _l("Quel appareil voulez-vous déconnecter ?"),
        [Required(_l("Choisissez un appareil dans la liste."))],
        validate_choice=False,
    )
    password = CurrentPasswordField(_l("Mon mot de passe"))

    def __init__(self, own: sessions.Session, others: list[Login], **kwargs: Any) -> None:
        numbers = [str(login.id) for login in others]
        answers = numbers if len(numbers) == 1 else [*numbers, ALL]
        super().__init__(device=answers[-1], **kwargs)
        self.own = own
        self.device.choices = answers

    def validate_device(self, field: Any) -> None:
        """Refuse what is none of the tenant's devices; one that is logged out already may be logged out again."""
        if field.data != ALL and not sessions.is_another(self.own, field.data):
            raise ValidationError(_("Choisissez un appareil dans la liste."))


@screen.route("/espace/connexions", methods=["GET", "POST"])
@guards.session_required
def overview(own: sessions.Session):
    """List devices and last logins; log out other devices for the password."""
    account = own.account
    others = [login for login in sessions.running(account) if login.id != own.id]
    form = EndForm(own, others)
    context: dict[str, Any] = {
        "reference": account.contracts[0].reference,
        "own": db.session.get_one(Login, own.id),
        "others": {str(login.id): login for login in others},
        "latest": sessions.latest(account, LATEST),
        "office_acts": office_acts.told_to(account),
        "words": office_acts.ACTS,
        "reasons": office_acts.REASONS,
    }
    if not form.validate_on_submit():
        return page("sessions/overview.html", form=form, refusal=None, **context)
    attempt = try_own_password(account, form.password.data)
    if attempt.holder is None:
        return refuse(form, attempt, "sessions/overview.html", **context)
    chosen = form.device.data
    ended = sessions.end_others(account, own, only=None if chosen == ALL else int(chosen))
    audit.record("sessions_ended", account=account, detail=str(ended))
    db.session.commit()
    flash_once("devices_ended")
    return redirect(url_for(".overview"))
