"""The guide in twelve steps, and the legal pages."""

from flask import Blueprint, current_app

from ..accounts import consents
from ..models import REOPENING, Purpose
from ..operations import retention
from . import identity
from .fields import page
from .forms import LoginForm, SignupForm

screen = Blueprint("help", __name__)


@screen.get("/aide")
def aide():
    """Show the twelve steps; the figures are the forms of the real pages, so they say what those say."""
    return page("help/aide.html", signup=SignupForm(formdata=None), login=LoginForm(formdata=None))


@screen.get("/mentions-legales")
def mentions_legales():
    """Show who publishes and who hosts the portal, as far as the settings tell (LCEN)."""
    return page("help/mentions_legales.html")


@screen.get("/donnees-personnelles")
def donnees_personnelles():
    """Show what becomes of personal data: the notice of RGPD article 13, with the periods that the settings give."""
    return page(
        "help/donnees_personnelles.html",
        questions=[consents.wording(purpose) for purpose in Purpose],
        wording_version=consents.WORDING_VERSION,
        reopening=REOPENING,
        journal=retention.JOURNAL,
        counters=retention.COUNTERS,
        email_changes=retention.EMAIL_CHANGES,
        session_cookie=current_app.config["SESSION_COOKIE_NAME"],
        cookie_name=identity.cookie_name,
    )


@screen.get("/accessibilite")
def accessibilite():
    """Show the declaration of accessibility in the state that the landlord declares (L41)."""
    return page("help/accessibilite.html")


@screen.get("/plan-du-site")
def plan_du_site():
    """Show every page that a tenant may open (L42)."""
    return page("help/plan_du_site.html")
