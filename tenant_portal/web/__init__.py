"""The portal's blueprint: its screens, and what runs before and after each request."""

from flask import Blueprint, Flask, Response, abort, current_app, redirect, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WerkzeugResponse

from .. import i18n, resources
from ..mail import courier
from ..settings import state
from . import (
    account,
    address_proof,
    choices,
    contracts,
    csp_reports,
    documents,
    email_change,
    errors,
    help,
    host_checks,
    languages,
    login,
    messages,
    monitoring,
    not_me,
    own_data,
    password,
    security_headers,
    sessions,
    signup,
    stylesheet,
    template_context,
    threads,
    unsubscribe,
    visits,
)
from .identity import check_loaders, uncount_request
from .redirects import same_page
from .request_guards import read_body, refuse_malformed_form, repair_query
from .url_converters import MailedLink, MessageNumber, RowNumber

SCREENS = (
    login.screen,
    signup.screen,
    password.screen,
    messages.screen,
    help.screen,
    account.screen,
    choices.screen,
    contracts.screen,
    threads.screen,
    address_proof.screen,
    email_change.screen,
    not_me.screen,
    sessions.screen,
    documents.screen,
    own_data.screen,
    unsubscribe.screen,
    csp_reports.screen,
    monitoring.screen,
)


#: Nobody has looked at a page by asking for them.
_FILES = {"portal.static", "portal.style", "portal.csp_reports.receive", "portal.monitoring.healthz"}


def register(app: Flask, *screens: Blueprint, prefix: str) -> None:
    """Register the pages, and more screens if given."""
    portal = Blueprint(
        "portal",
        __name__,
        static_folder=str(resources.PACKAGE / "static"),
        static_url_path="/assets",
        template_folder=str(resources.folder("templates")),
    )
    for screen in (*SCREENS, *screens):
        portal.register_blueprint(screen)
        if "csrf" in app.extensions:  # our forms check their tokens themselves, and keep what was typed
            for each in (screen, *(child for child, _ in screen._blueprints)):
                app.extensions["csrf"].exempt(each)
    portal.add_url_rule("/assets/<version>/portal.css", "style", stylesheet.style)
    portal.context_processor(template_context.names)
    portal.before_request(_prepare_request)
    portal.after_request(_finish_response)
    portal.teardown_request(_reset_language)
    errors.register(portal)
    app.url_map.converters.update(portal_number=RowNumber, portal_message=MessageNumber, portal_link=MailedLink)
    app.register_blueprint(portal, url_prefix=prefix or None)


def complete(app: Flask) -> None:
    """Let our own application answer for unknown addresses."""
    app.add_url_rule("/.well-known/change-password", "portal_change_password", _change_password)
    app.register_error_handler(HTTPException, errors.http_error)
    app.register_error_handler(500, errors.http_error)


def _change_password() -> Response:
    """Redirect to the change of password (W3C change-password-url, U21)."""
    answer = redirect(url_for("portal.password.change"), 302)
    return security_headers.add(current_app.make_response(answer))


def _prepare_request() -> WerkzeugResponse | None:
    """Check the request, and set its language."""
    _check_host()
    if not template_context.is_below_expected_path():  # possible in a host only
        return errors.wrong_address("below a path that is not the one of PORTAL_PUBLIC_URL")
    repair_query()
    if request.endpoint == "portal.csp_reports.receive":  # judges what it gets itself, and never answers an error
        return None
    read_body()
    _refuse_other_sites()
    refuse_malformed_form()
    if request.endpoint not in _FILES:
        visits.end_if_idle()  # before a language is chosen, which it would forget
    wanted = request.args.get("langue", "")
    if wanted in i18n.LANGUAGES and request.method == "GET" and request.endpoint:
        languages.choose(wanted)
        return redirect(same_page(without="langue"))
    i18n.choose_language(languages.spoken())
    return None


def _check_host() -> None:
    check_loaders()
    if "host_checked" not in state.cache:
        host_checks.check_rules(current_app)
        state.cache["host_checked"] = True


def _refuse_other_sites() -> None:
    """Refuse what another site loads or sends in a tenant's name, except links (ASVS 3.5.8)."""
    asked = request.headers
    is_link = asked.get("Sec-Fetch-Mode") == "navigate" and asked.get("Sec-Fetch-Dest") == "document"
    if asked.get("Sec-Fetch-Site") == "cross-site" and not (is_link and request.method in {"GET", "HEAD"}):
        abort(403)


def _reset_language(error: BaseException | None) -> None:
    uncount_request()
    i18n.leave_language(error)


def _finish_response(response: Response) -> Response:
    security_headers.add(response)
    courier.deliver_after(response)
    return response
