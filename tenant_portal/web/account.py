"""The tenant's home, his account, and the logout."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, request, url_for
from wtforms import ValidationError

from .. import audit, public_urls, signals
from ..accounts import consents, email_change, lifecycle, signed_links
from ..accounts.consents import Answer
from ..accounts.locks import lock_account
from ..accounts.sessions import Session
from ..contracts import lookup
from ..db import begin_write, db
from ..documents import delivery
from ..errors import FormForged, FormOutdated
from ..i18n import LANGUAGES
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..mail import notifications
from ..messages import drafts
from ..models import REOPENING, Account, ConsentPurpose, Contract
from ..operations import after_lease, retention
from . import guards, identity, languages
from .address_typos import suggested_address
from .fields import CurrentPasswordField, QuestionField
from .forms import ButtonForm, PortalForm
from .login_flow import refuse, try_own_password
from .pages import flash_once, page, pop_flash

screen = Blueprint("account", __name__)


class LanguageForm(PortalForm):
    """The language of pages and mails."""

    language = QuestionField(_l("Dans quelle langue voulez-vous lire ?"), _l("Choisissez une langue."), LANGUAGES)

    def validate_language(self, field: Any) -> None:
        """Refuse a language that we do not have."""
        if field.data not in LANGUAGES:
            raise ValidationError(_("Choisissez une langue."))


class ClosingForm(PortalForm):
    """The password: an open session alone closes no account."""

    password = CurrentPasswordField(_l("Mon mot de passe"))


@screen.get("/espace")
@guards.session_required
def home(own: Session):
    """Show the contracts and choices; welcome the tenant after his first login (step 12)."""
    contracts, leases, today = [], lookup.leases_of(own.account_id), lookup.today()
    ended = after_lease.shown_until(leases, own.account_id)
    for lease in sorted(leases, key=lambda one: one.id in ended):  # those that run first
        choices = consents.current(own.account_id, lease.id)
        answers = [consents.in_short(purpose, row.answer) for purpose, row in choices.items()]
        way, is_open = delivery.way_of(lease, own, choices), _is_open(lease, choices)
        contracts.append((lease, answers, way, is_open))
    return page(
        "account/home.html",
        email=own.email,
        has_failed=own.email_failed_at is not None,
        contracts=contracts,
        ended=ended,
        pays_rent=any(lease.is_running(today) for lease in leases),
        has_moved=not any(lease.is_running(today) or (lease.starts_on or today) > today for lease in leases),
        is_first=pop_flash("portal_first") is not None,
    )


@screen.get("/espace/compte")
@guards.account_required
def overview(account: Account):
    """Show the account and a pending change of address."""
    waiting = email_change.pending(account)
    context: dict[str, Any] = {}
    if waiting is not None:
        context = {
            "until": signed_links.expires_at("email_change", since=waiting.created_at),
            "suggestion": suggested_address(waiting.new_email),
            "has_failed": email_change.has_failed(waiting),
        }
    return page("account/overview.html", account=account, waiting=waiting, **context)


@screen.route("/espace/compte/langue", methods=["GET", "POST"])
@guards.account_required
def language(account: Account):
    """Change the account's language, at once on this browser and in every mail from now on."""
    form = LanguageForm(language=account.language)
    if not form.validate_on_submit():
        return page("account/language.html", form=form)
    begin_write()
    locked = lock_account(account.contracts[0])
    if locked is None or locked.is_closed:  # in another tab, meanwhile
        return redirect(url_for("portal.login.log_in"))
    locked.language = form.language.data
    db.session.commit()
    languages.choose(form.language.data)
    flash_once("language_changed")
    return redirect(url_for(".overview"))


@screen.route("/espace/compte/fermeture", methods=["GET", "POST"])
@guards.account_required
def close(account: Account):
    """Close the account for its password (T35, U29)."""
    form = ClosingForm()
    context: dict[str, Any] = {
        "reference": account.contracts[0].reference,
        "reopening": REOPENING,
        "journal": retention.JOURNAL,
    }
    if not form.validate_on_submit():
        return page("account/close.html", form=form, refusal=None, **context)
    attempt = try_own_password(account, form.password.data)
    if attempt.holder is None:
        return refuse(form, attempt, "account/close.html", **context)
    if account.is_closed:  # the button was pressed twice (U30)
        db.session.commit()
    else:
        _close(account, account.contracts[0])
    return _leave("account_closed")


@screen.route("/deconnexion", methods=["GET", "POST"])
def log_out() -> Any:
    """End the session; who has left already sees the same page."""
    if request.method == "GET":
        return redirect(url_for(".home"))
    form = ButtonForm()
    is_fresh = form.is_fresh()
    begin_write()
    tenant = identity.current_tenant()
    if not is_fresh and (tenant is not None or form.refusal is FormForged):
        raise FormOutdated
    if tenant is None:
        return _leave("logged_out")
    audit.record("logged_out", account=tenant.session.account_id)
    drafts.discard(tenant.session.account_id)
    identity.log_out()
    db.session.commit()
    return _leave("logged_out")


def _is_open(lease: lookup.Lease, choices: Mapping[ConsentPurpose, Answer]) -> bool:
    """Tell whether the question about e-notices was never answered for a lease that runs (T28)."""
    return ConsentPurpose.E_NOTICE not in choices and lease.is_running(lookup.today())


def _close(account: Account, contract: Contract) -> None:
    number, reference = account.id, contract.reference
    withdrawn = lifecycle.close(account)
    notifications.account_closed(
        account,
        contract,
        link=public_urls.public("login.log_in"),
        reset_link=public_urls.public("password.forgotten"),
    )
    identity.log_out()
    db.session.commit()
    signals.send_account_closed(account=number, reference=reference, withdrawn=withdrawn)


def _leave(code: str) -> Any:
    """Redirect to the login page, now and when the same form is sent again."""
    guards.note_departure(code)
    return redirect(url_for("portal.login.log_in"))
