"""The route table: the portal's blueprint and its children, what every page gets, headers, and kind error pages."""

import logging
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.wrappers import Response as WerkzeugResponse

from .. import audit, i18n, public_urls, resources
from ..db import cause, db, is_away
from ..errors import ConfigError, PortalError
from ..i18n import gettext as _
from ..mail import outbox
from ..office import screens
from ..operations import log_format
from ..settings import settings, state
from . import (
    account,
    csp_reports,
    documents,
    email_change,
    help,
    host_checks,
    login,
    messages,
    monitoring,
    password,
    sessions,
    signup,
    stylesheet,
    template_context,
)
from .identity import be_stranger, check_loaders, cookie_name, leave_account, same_page, set_cookie
from .request_guards import discard_rest, mend_query, read_whole, refuse_odd_form
from .url_converters import RowNumber

#: Blueprints in the order of the tenant's way; endpoint, function and template of a page share one name.
SCREENS = (
    login.screen,
    signup.screen,
    password.screen,
    messages.screen,
    help.screen,
    account.screen,
    email_change.screen,
    sessions.screen,
    documents.screen,
    screens.screen,
    csp_reports.screen,
    monitoring.screen,
)
#: Answered kindly, with what to do next; anything else that werkzeug raises gets its own status and the same page.
KIND_STATUSES = (400, 403, 404, 405, 413, 429, 500)
#: After so many seconds a page that met a database out of reach may be asked for again.
AWAY_SECONDS = 60

log = logging.getLogger("tenant_portal")

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data: {images}; font-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none';"
        " report-uri {reports}; report-to portal"
    ),
    "Reporting-Endpoints": 'portal="{reports}"',
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for scanners and browsers that do not know frame-ancestors
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

portal = Blueprint("portal", __name__, static_folder=str(resources.PACKAGE / "static"), static_url_path="/assets")
for _screen in SCREENS:
    portal.register_blueprint(_screen)
portal.add_url_rule("/assets/<version>/portal.css", "style", stylesheet.style)
portal.context_processor(template_context.names)


def register(app: Flask, *, prefix: str) -> None:
    """Put the pages into an application, with templates found beside the package or inside it."""
    portal.template_folder = str(resources.folder("templates"))
    app.url_map.converters["portal_number"] = RowNumber
    app.register_blueprint(portal, url_prefix=prefix or None)
    if "csrf" in app.extensions:
        app.extensions["csrf"].exempt(csp_reports.screen)  # a browser's own report has no form, and changes nothing


def complete(app: Flask) -> None:
    """Let an application of our own answer for the addresses that belong to no page; a host keeps its own answers."""
    app.add_url_rule("/.well-known/change-password", "portal_change_password", _change_password)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(500, _refused)


def _change_password() -> Response:
    """Lead to the page where a password is changed, after a login (W3C change-password-url, U21)."""
    answer = redirect(url_for("portal.password.changement"), 302)
    return _headers(current_app.make_response(answer))


@portal.before_request
def _speak() -> WerkzeugResponse | None:
    """Speak the language that was chosen, French first; `?langue=en` chooses, and the address is clean again."""
    _check_host()
    if (
        not template_context.is_below_expected_path()
    ):  # in a host: an application of our own never believes another path
        return _wrong_address("below a path that is not the one of PORTAL_PUBLIC_URL")
    mend_query()
    read_whole()
    _refuse_other_sites()
    refuse_odd_form()
    wanted = request.args.get("langue", "")
    if wanted in i18n.LANGUAGES and request.method == "GET" and request.endpoint:
        answer = redirect(same_page(without="langue"))
        set_cookie("lang", wanted, 365 * 86400)
        return answer
    i18n.choose_language(_chosen_language())
    return None


def _check_host() -> None:
    """Refuse to show a page in a host that broke a condition after we moved in."""
    check_loaders()
    if "host_checked" not in state.cache:
        host_checks.check_rules(current_app)
        state.cache["host_checked"] = True


def _refuse_other_sites() -> None:
    """Refuse what a page of another site loads or sends in a tenant's name; he may follow its links (ASVS 3.5.8)."""
    asked = request.headers
    is_link = asked.get("Sec-Fetch-Mode") == "navigate" and asked.get("Sec-Fetch-Dest") == "document"
    if asked.get("Sec-Fetch-Site") == "cross-site" and not (is_link and request.method in {"GET", "HEAD"}):
        abort(403)


def _chosen_language() -> str:
    chosen = request.cookies.get(cookie_name("lang"), "")
    return chosen if chosen in i18n.LANGUAGES else "fr"


@portal.teardown_request
def _fall_silent(error: BaseException | None) -> None:
    leave_account()
    i18n.leave_language(error)


@portal.after_request
def _headers(response: Response) -> Response:
    headers = response.headers
    own = {name.lower() for name in headers.keys()}  # noqa: SIM118 (one look at each header, not one for each of ours)
    headers.extend([(name, value) for name, value in _security_headers().items() if name.lower() not in own])
    if stylesheet.is_for_ever(response):
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Request-ID", log_format.request_id())
    outbox.deliver_after(response)
    return response


def _security_headers() -> dict[str, str]:
    """Return the headers of every page; they follow from the settings alone."""
    if "security_headers" not in state.cache:
        values = {"images": stylesheet.logo_origin(), "reports": public_urls.public("reports.rapport")}
        headers = {name: value.format(**values) for name, value in SECURITY_HEADERS.items()}
        if settings.is_https:
            headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
        state.cache["security_headers"] = headers
    known: dict[str, str] = state.cache["security_headers"]
    return known


@portal.errorhandler(PortalError)
def _foreseen(error: PortalError) -> tuple[str, int]:
    if isinstance(error, ConfigError):
        raise error
    db.session.rollback()
    audit.note("refused", status=error.status, code=error.code, purpose=getattr(error, "purpose", ""))
    return _problem(code=error.code, error=error), error.status


@portal.errorhandler(DBAPIError)
@portal.errorhandler(PoolTimeout)
def _away(error: SQLAlchemyError) -> Response:
    """Say what is saved and what is not while the database cannot do its work, and ask it nothing for that (T41)."""
    if not is_away(error):
        raise error
    audit.note("database_away", level=logging.WARNING, error=cause(error))
    _leave_database()
    # A connection that is lost over a COMMIT leaves open whether that has come to pass.
    is_unsure = isinstance(error, DBAPIError) and error.statement is None and error.connection_invalidated
    with i18n.speaking(_chosen_language()):
        text = _problem(code="away", error=error, is_sent=request.method == "POST", is_unsure=is_unsure)
    return Response(text, 503, {"Retry-After": str(AWAY_SECONDS)}, mimetype="text/html")


@portal.errorhandler(CSRFError)
def _expired(error: CSRFError) -> tuple[str, int]:
    """Answer a host's own CSRF check as kindly as ours; it comes before our pages could choose their language."""
    audit.note("refused", status=400, code="form_expired")
    with i18n.speaking(_chosen_language()):
        return _problem(code="form_expired", error=error), 400


@portal.errorhandler(HTTPException)
def _refused(error: HTTPException) -> Any:
    status = error.code or 500
    if status < 400:
        return error.get_response()
    if status >= 500:
        db.session.rollback()
    if status == 413:
        discard_rest()
    if isinstance(error, SecurityError):
        return _headers(_wrong_address("for a name that is not in TRUSTED_HOSTS"))
    if getattr(error, "original_exception", None) is None:  # else the application has told of it
        audit.note("refused", status=status, level=logging.ERROR if status >= 500 else logging.INFO)
    number = log_format.request_id()
    code = f"status_{status if status in KIND_STATUSES else (500 if status >= 500 else 400)}"
    with i18n.speaking(_chosen_language()):  # an address of no page has no language yet
        text = _problem(code=code, error=error, number=number)
    response = current_app.make_response((text, status))
    for header, value in error.get_response().headers:
        if header in {"Allow", "Retry-After"}:
            response.headers[header] = value
    return response if request.blueprint else _headers(response)


def _problem(**context: Any) -> str:
    """Return the page of a problem; with the database away as for a stranger, at worst without a host's layout."""
    mend_query()
    for _try in range(2):
        try:  # an address of no page has no blueprint yet, and so no context of ours
            return render_template(
                "portal/problem.html", **({} if request.blueprint else template_context.names()), **context
            )
        except SQLAlchemyError as trouble:
            log.warning("the database cannot be used for a page of a problem: %s", cause(trouble))
            _leave_database()
        except HTTPException:  # the tenant has too many requests in progress: this page is drawn as for a stranger
            continue
    plain = current_app.jinja_env.get_template("portal/problem_plain.html")
    return plain.render(**template_context.names(), **context)


def _leave_database() -> None:
    """Let go of a connection that may be broken, and of whoever is logged in as far as this answer goes."""
    db.session().invalidate()
    be_stranger()


def _wrong_address(which: str) -> Response:
    """Answer who asked for a name or a path that is not ours; no address is built from what he asked for."""
    log.warning("refused a request %s", which)
    with i18n.speaking("fr"):
        text = _("Votre espace locataire s'ouvre à cette adresse : %(address)s", address=settings.public_url)
    return Response(text, 400, mimetype="text/plain")


for _status in KIND_STATUSES:  # a host's own handler of a status would win against ours of all statuses
    portal.register_error_handler(_status, _refused)
