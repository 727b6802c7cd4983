"""Error pages."""

import logging
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, SecurityError

from .. import audit, i18n
from ..db import cause, db, is_away
from ..errors import ConfigError, PortalError
from ..i18n import gettext as _
from ..operations import log_format
from ..settings import settings
from . import languages, security_headers, template_context
from .forms import why_refused
from .identity import use_anonymous_user
from .request_guards import discard_rest, repair_query

#: Pages with advice of their own; any other status shows that of 400 or 500.
KIND_STATUSES = (400, 403, 404, 405, 413, 429, 500)
#: Retry-After when the database is away.
AWAY_SECONDS = 60

log = logging.getLogger("tenant_portal")


def register(blueprint: Blueprint) -> None:
    """Handle the errors of our pages; a host's handlers stay for its own."""
    blueprint.register_error_handler(PortalError, _portal_error)
    blueprint.register_error_handler(DBAPIError, _database_away)
    blueprint.register_error_handler(PoolTimeout, _database_away)
    blueprint.register_error_handler(CSRFError, _csrf_error)
    blueprint.register_error_handler(HTTPException, http_error)
    for status in KIND_STATUSES:  # a host's handler of one status wins against ours of all
        blueprint.register_error_handler(status, http_error)


def _portal_error(error: PortalError) -> tuple[str, int]:
    if isinstance(error, ConfigError):
        raise error
    db.session.rollback()
    audit.note("refused", status=error.status, code=error.code, purpose=getattr(error, "purpose", ""))
    return _problem(code=error.code, error=error), error.status


def _database_away(error: SQLAlchemyError) -> Response:
    """Answer 503 without asking the database anything (T41)."""
    if not is_away(error):
        raise error
    audit.note("database_away", level=logging.WARNING, error=cause(error))
    _leave_database()
    # After a connection lost during COMMIT nobody knows whether it was committed.
    is_unsure = isinstance(error, DBAPIError) and error.statement is None and error.connection_invalidated
    with i18n.speaking(languages.spoken()):
        text = _problem(code="away", error=error, is_sent=request.method == "POST", is_unsure=is_unsure)
    return Response(text, 503, {"Retry-After": str(AWAY_SECONDS)}, mimetype="text/html")


def _csrf_error(error: CSRFError) -> tuple[str, int]:
    """Answer a host's own CSRF check, which runs before our pages set their language."""
    code = why_refused(error.description).code
    audit.note("refused", status=400, code=code)
    with i18n.speaking(languages.spoken()):
        return _problem(code=code, error=error), 400


def http_error(error: HTTPException) -> Any:
    """Answer an HTTP error, with the request's number in the log."""
    status = error.code or 500
    if status < 400:
        return error.get_response()
    if status >= 500:
        db.session.rollback()
    if status == 413:
        discard_rest()
    if isinstance(error, SecurityError):
        return security_headers.add(wrong_address("for a name that is not in TRUSTED_HOSTS"))
    if getattr(error, "original_exception", None) is None:  # else the application has logged it
        audit.note("refused", status=status, level=logging.ERROR if status >= 500 else logging.INFO)
    number = log_format.request_id()
    code = f"status_{status if status in KIND_STATUSES else (500 if status >= 500 else 400)}"
    with i18n.speaking(languages.spoken()):  # an unknown address has no language yet
        text = _problem(code=code, error=error, number=number)
    response = current_app.make_response((text, status))
    for header, value in error.get_response().headers:
        if header in {"Allow", "Retry-After"}:
            response.headers[header] = value
    return response if request.blueprint else security_headers.add(response)


def _problem(**context: Any) -> str:
    """Render the page of a problem, at worst as for an anonymous visitor and without a host's layout."""
    repair_query()
    for _try in range(2):
        try:  # an unknown address has no context processor of ours
            return render_template(
                "portal/problem.html", **({} if request.blueprint else template_context.names()), **context
            )
        except SQLAlchemyError as trouble:
            log.warning("the database cannot be used for a page of a problem: %s", cause(trouble))
            _leave_database()
        except HTTPException:  # too many running requests: now as anonymous
            continue
    plain = current_app.jinja_env.get_template("portal/problem_plain.html")
    return plain.render(**template_context.names(), **context)


def _leave_database() -> None:
    """Drop a connection that may be broken."""
    db.session().invalidate()
    use_anonymous_user()


def wrong_address(which: str) -> Response:
    """Answer a request for a host name or path that is not ours; build no address from it."""
    log.warning("refused a request %s", which)
    with i18n.speaking("fr"):
        text = _("Votre espace locataire s'ouvre à cette adresse : %(address)s", address=settings.public_url)
    return Response(text, 400, mimetype="text/plain")
