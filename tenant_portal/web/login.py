"""Login: reference and password, and what becomes of it: home, the activation mail once more, or a clear refusal."""

from typing import Any

from flask import Blueprint, redirect, request, session, url_for

from .. import accounts, audit, identity, mail, tokens
from ..db import begin_write, db
from ..errors import LinkError
from . import opened
from .entry import attempt_login, contract_of, enter, refuse
from .fields import ButtonForm, page, say
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
    holder = attempt.holder
    if holder is None:
        return refuse(form, attempt, "login/connexion.html")
    if not holder.is_activated:
        account = holder.account
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
    if holder.is_closed:
        opened.keep("reopening", tokens.issue("reopening", holder.account, contract_of(attempt)))
        db.session.commit()
        return redirect(url_for(".reouverture"))
    if enter(attempt, holder, form):
        return redirect(url_for("portal.space.espace"))
    return redirect(identity.next_page(form.suite.data))


@screen.get("/reouverture")
def reouverture() -> Any:
    """Ask whoever has just typed the password of a closed account whether to open it again (T35)."""
    link = _link()
    return page("login/reouverture.html", link=link, account=link.account) if link else redirect(url_for(".connexion"))


@screen.post("/reouverture/oui")
def oui() -> Any:
    """Open the account again and log in; the owner is told by mail."""
    if not ButtonForm().is_fresh():
        opened.put_back("reopening")
        return redirect(url_for(".reouverture"))
    begin_write()
    link = _link(lock=True)
    if link is None:
        return redirect(url_for(".connexion"))
    accounts.reopen(link.account)
    mail.account_reopened(link.account, link.contract)
    audit.record("logged_in", account=link.account, step=12)
    identity.log_in(link.account.id, remember=False)
    db.session.commit()
    say("account_reopened")
    return redirect(url_for("portal.space.espace"))


def _link(*, lock: bool = False) -> tokens.Link | None:
    """Return the closed account whose password was typed in this browser, unless too much time has passed since."""
    try:
        return opened.require("reopening", lock=lock)
    except LinkError:  # reopened meanwhile, too (tokens._fingerprint)
        return None
