"""What machines ask: whether the portal is well, and its figures."""

import hmac
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

from .. import metrics as figures
from .. import outbox
from ..db import db
from ..settings import settings

screen = Blueprint("machines", __name__)

#: A mail that waits for longer is late: tenants are told to wait that long before they ask again (T08).
LATE = timedelta(minutes=15)


@screen.get("/healthz")
def healthz() -> Any:
    """Tell machines whether database and outbox are well, and nothing else that a stranger could use."""
    try:
        age = outbox.oldest_waiting_age()
    except SQLAlchemyError:
        db.session.rollback()
        return jsonify(database="unreachable", outbox="unknown"), 503
    seconds = int(age.total_seconds()) if age is not None else 0
    state = "late" if age is not None and age > LATE else "ok"
    return jsonify(database="ok", outbox=state, oldest_mail_seconds=seconds)


@screen.get("/metrics")
def metrics() -> Response:
    """Give Prometheus the figures, if it sends the token; for everybody else there is no such page."""
    given = request.headers.get("Authorization", "").encode("latin-1", "replace")
    expected = f"Bearer {settings.metrics_token}".encode()
    if not (settings.metrics_token and hmac.compare_digest(given, expected)):
        abort(404)
    return Response(figures.exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")
