"""Login: reference and password, and what becomes of it: home, the activation mail once more, or a clear refusal."""

from flask import Blueprint, redirect, request, session, url_for

from .. import accounts, identity, tokens
from ..db import db
from .entry import attempt_login, enter, refuse
from .fields import page
from .forms import LoginForm

screen = Blueprint("login", __name__)


@screen.route("/", methods=["GET", "POST"], endpoint="accueil")
@screen.route("/connexion", methods=["GET", "POST"])
def connexion():
    """Show « Identifiez-vous », and log in."""
    if request.method == "GET" and identity.current_tenant():
        return redirect(url_for("portal.space.espace"))
    known = session.get("portal_signup", {})
    form = LoginForm(suite=request.args.get("suite"), reference=known.get("reference"))
    if not form.validate_on_submit():
        return page("login/connexion.html", form=form, refusal=None)
    attempt = attempt_login(form)
    account = attempt.account
    if account is None:
        return refuse(form, attempt, "login/connexion.html")
    if not account.is_activated:
        # The password proves who this is: he may see his address, have the mail again or put it right (T16).
        session["portal_signup"] = {
            "contract": account.contracts[0].id,
            "reference": form.reference.data,
            "key": account.signup_key,
            "email": account.email,
            "until": tokens.expires_at("activation", since=accounts.last_activation_mail(account)).isoformat(),
        }
        db.session.commit()
        return redirect(url_for("portal.signup.courriel"))
    if enter(account, form):
        return redirect(url_for("portal.space.espace"))
    return redirect(identity.next_page(form.suite.data))
