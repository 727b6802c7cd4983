"""The guide and the legal pages."""

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
    """Show the twelve steps, with the real forms as figures."""
    numbers = {"reference": "123456", "module": "12345678"}
    typed = {"password": "X" * 10, "confirmation": "X" * 10, "email": "xxx@xxx"}
    signup = SignupForm(formdata=None, prefix="figure", data={**numbers, **typed})
    login = LoginForm(formdata=None, prefix="figure-login", data={**numbers, "password": "X" * 12})
    return page("help/guide.html", signup=_as_figure(signup), login=_as_figure(login), password_min=PASSWORD_MIN)


@screen.get("/mentions-legales")
def legal_notice():
    """Show who publishes and hosts the portal (LCEN)."""
    return page("help/legal_notice.html")


@screen.get("/donnees-personnelles")
def personal_data():
    """Show the privacy notice (RGPD article 13)."""
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
    """Show the declaration of accessibility (L41)."""
    return page("help/accessibility.html")


@screen.get("/plan-du-site")
def site_map():
    """List every page that a tenant may open (L42)."""
    return page("help/site_map.html")


def _as_figure(form: PortalForm) -> PortalForm:
    """Disable a form for a figure: its controls have no names, its passwords show their samples."""
    for field in form:
        for kind in ("widget", "option_widget"):
            if hasattr(field, kind):
                widget = copy(getattr(field, kind))
                widget.html_params, widget.hide_value = _dead_params, False
                setattr(field, kind, widget)
    return form


def _dead_params(**params: Any) -> Any:
    return html_params(**{**params, "name": False, "required": False, "disabled": True})
