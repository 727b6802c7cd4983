"""The guide in twelve steps, and the legal pages."""

from copy import copy
from typing import Any

from flask import Blueprint, current_app
from wtforms.widgets import html_params

from ..accounts import consents
from ..accounts.passwords import PASSWORD_MIN
from ..models import REOPENING, ConsentPurpose
from ..operations import retention
from . import cookies
from .forms import LoginForm, PortalForm, SignupForm
from .pages import page

screen = Blueprint("help", __name__)


@screen.get("/aide")
def guide():
    """Show the twelve steps; its figures are the real forms, so both say the same."""
    numbers = {"reference": "123456", "module": "12345678"}
    typed = {"password": "X" * 10, "confirmation": "X" * 10, "email": "xxx@xxx"}
    signup = SignupForm(formdata=None, prefix="figure", data={**numbers, **typed})
    login = LoginForm(formdata=None, prefix="figure-login", data={**numbers, "password": "X" * 12})
    return page("help/guide.html", signup=_dead(signup), login=_dead(login), password_min=PASSWORD_MIN)


@screen.get("/mentions-legales")
def legal_notice():
    """Show who publishes and hosts the portal (LCEN)."""
    return page("help/legal_notice.html")


@screen.get("/donnees-personnelles")
def personal_data():
    """Show the privacy notice of RGPD article 13, with the periods from the settings."""
    return page(
        "help/personal_data.html",
        questions=[consents.wording(purpose) for purpose in ConsentPurpose],
        wording_version=consents.WORDING_VERSION,
        reopening=REOPENING,
        journal=retention.JOURNAL,
        counters=retention.COUNTERS,
        email_changes=retention.EMAIL_CHANGES,
        session_cookie=current_app.config["SESSION_COOKIE_NAME"],
        cookie_name=cookies.cookie_name,
    )


@screen.get("/accessibilite")
def accessibility():
    """Show the declaration of accessibility in the state that the landlord declares (L41)."""
    return page("help/accessibility.html")


@screen.get("/plan-du-site")
def site_map():
    """Show every page that a tenant may open (L42)."""
    return page("help/site_map.html")


def _dead(form: PortalForm) -> PortalForm:
    """Return a form as a figure shows it: disabled controls without names, even passwords with their sample."""
    for field in form:
        for kind in ("widget", "option_widget"):
            if hasattr(field, kind):
                widget = copy(getattr(field, kind))
                widget.html_params, widget.hide_value = _dead_params, False
                setattr(field, kind, widget)
    return form


def _dead_params(**params: Any) -> Any:
    return html_params(**{**params, "name": False, "required": False, "disabled": True})
