"""Health and metrics."""

import hmac
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

from ..db import db
from ..mail import outbox
from ..operations import metrics as figures
from ..settings import settings

screen = Blueprint("monitoring", __name__)

#: Tenants are told to wait that long for a mail (T08).
LATE = timedelta(minutes=15)


@screen.get("/healthz")
def healthz() -> Any:
    """Report whether database and outbox are well, in words only.

    The age of a mail would tell a stranger whether one was written for the reference he gave.
    """
    try:
        age = outbox.oldest_waiting_age()
    except SQLAlchemyError:
        db.session.rollback()
        return jsonify(database="unreachable", outbox="unknown"), 503
    return jsonify(database="ok", outbox="late" if age is not None and age > LATE else "ok")


@screen.get("/metrics")
def metrics() -> Response:
    """Return the metrics to who sends the token; everyone else gets 404."""
    given = request.headers.get("Authorization", "").encode("latin-1", "replace")
    expected = f"Bearer {settings.metrics_token}".encode()
    if not (settings.metrics_token and hmac.compare_digest(given, expected)):
        abort(404)
    return Response(figures.exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")
