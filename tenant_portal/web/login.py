"""The login page, and the reopening of an account."""

from typing import Any

from flask import Blueprint, redirect, request, session, url_for

from .. import audit
from ..accounts import lifecycle, registration, signed_links
from ..contracts import lookup
from ..db import begin_write, db
from ..errors import LinkError
from ..mail import notifications
from . import identity, links, redirects
from .forms import ButtonForm, LoginForm
from .login_flow import attempt_login, contract_of, enter, refuse, refuse_frozen
from .pages import flash_once, page

screen = Blueprint("login", __name__)


@screen.route("/", methods=["GET", "POST"], endpoint="home")
@screen.route("/connexion", methods=["GET", "POST"])
def log_in():
    """Show « Identifiez-vous », and log in."""
    if request.method == "GET" and identity.current_tenant():
        return redirect(url_for("portal.account.home"))
    known = session.get("portal_signup", {})
    form = LoginForm(suite=request.args.get("suite"), reference=known.get("reference"))
    if not form.validate_on_submit():
        if form.refusal and _is_logged_in(form.reference.data):  # in another page
            return redirect(url_for("portal.account.home"))
        return page("login/log_in.html", form=form, refusal=None)
    attempt = attempt_login(form)
    holder = attempt.holder
    if holder is None:
        return refuse(form, attempt, "login/log_in.html")
    if holder.is_frozen:
        return refuse_frozen(form, holder, "login/log_in.html")
    if not holder.is_activated:
        account = holder.account
        # The password proves who he is: he may see and correct his address (T16).
        session["portal_signup"] = {
            "contract": account.contracts[0].id,
            "reference": form.reference.data,
            "key": account.signup_key,
            "email": account.email,
            "until": signed_links.expires_at(
                "activation", since=registration.last_activation_mail(account)
            ).isoformat(),
        }
        db.session.commit()
        return redirect(url_for("portal.signup.check_mail"))
    if holder.is_closed:
        links.keep("reopening", signed_links.issue("reopening", holder.account, contract_of(attempt)))
        db.session.commit()
        return redirect(url_for(".reopen"))
    if enter(attempt, holder, form):
        return redirect(url_for("portal.account.home"))
    return redirect(redirects.next_page(form.suite.data, holder.id))


@screen.get("/reouverture")
def reopen() -> Any:
    """Offer to reopen the closed account whose password was just typed (T35)."""
    link = _link()
    return page("login/reopen.html", link=link, account=link.account) if link else redirect(url_for(".log_in"))


@screen.route("/reouverture/oui", methods=["GET", "POST"])
def confirm_reopening() -> Any:
    """Reopen the account and log in."""
    if request.method == "GET":
        return redirect(url_for(".reopen"))
    if not ButtonForm().is_fresh():
        links.put_back("reopening")
        return redirect(url_for(".reopen"))
    begin_write()
    link = _link(lock=True)
    if link is None:
        return redirect(url_for(".log_in"))
    lifecycle.reopen(link.account, link.contract)
    notifications.account_reopened(link.account, link.contract)
    audit.record("logged_in", account=link.account, step=12)
    identity.log_in(link.account.id, language=link.account.language, remember=False)
    db.session.commit()
    flash_once("account_reopened")
    return redirect(url_for("portal.account.home"))


def _is_logged_in(reference: str | None) -> bool:
    typed = lookup.find(reference) if reference and identity.current_tenant() else None
    return typed is not None and typed.account_id is not None and identity.is_logged_in(typed.account_id)


def _link(*, lock: bool = False) -> signed_links.Link | None:
    """Return the link of the closed account, or None when it expired or the account is open again."""
    try:
        return links.require("reopening", lock=lock)
    except LinkError:
        return None
