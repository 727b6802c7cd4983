"""The log: one line per event, in text or JSON, without secrets, references or addresses."""

import json
import logging
import re
import secrets
import traceback
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from flask import Flask, g, has_request_context, request

from ..settings import settings

log = logging.getLogger("tenant_portal")

#: A request number that is accepted from our proxy.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
#: Characters of an error: short lines never mix in a pipe.
_ERROR_MAX, _FRAMES = 300, 6
#: Line breaks, escape sequences and direction marks: they could forge or hide a line.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_ADDRESS = re.compile(r"[^\s@<>'\"(),=]+@[^\s@<>'\"(),]+")
_SECRET = re.compile(r"[A-Za-z0-9_$.+/=-]{32,}")
_NUMBER = re.compile(r"[0-9]+(?=[0-9]{3})")


class LogFormatter(logging.Formatter):
    """Format one event as one line."""

    def __init__(self, form: str = "text") -> None:
        super().__init__()
        self.form = form

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; typed text cannot begin another one."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        more = {**_request_facts(), **_error_facts(record)}
        if self.form == "json":
            facts = getattr(record, "facts", None) or {"event": _without_secrets(record.getMessage())}
            return json.dumps({"time": moment, "level": record.levelname, **facts, **more}, default=str)
        text = _without_secrets(record.getMessage()) + "".join(f" {name}={value}" for name, value in more.items())
        return f"{moment} {record.levelname} {_escaped(text)}"


class _OwnHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """The handler of a standalone portal."""


class LoggedApp(Flask):
    """A Flask application that logs exceptions without the URL, which may hold a token."""

    def log_exception(self, *context: Any) -> None:
        """Log the error, the last argument in every version of Flask."""
        log.error("failed", exc_info=context[-1])


def configure(form: str) -> None:
    """Log to standard error, unless logging is configured already."""
    if not log.hasHandlers():
        log.addHandler(_OwnHandler())
        log.setLevel(log.level or logging.INFO)
    for handler in log.handlers:
        if isinstance(handler, _OwnHandler):
            handler.setFormatter(LogFormatter(form))


def request_id() -> str:
    """Return the number of this request; only a declared proxy may give it, as it stands in the log."""
    if "portal_request_id" not in g:
        given = request.headers.get("X-Request-ID", "") if settings.proxy_hops else ""
        g.portal_request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(5)
    number: str = g.portal_request_id
    return number


def _request_facts() -> dict[str, str]:
    if not has_request_context():
        return {}
    facts = {"request": request_id(), "page": f"{request.method} {request.endpoint or '-'}", "origin": _network()}
    return {name: value for name, value in facts.items() if value}


def _network() -> str:
    """Return the network of origin: it shows an attack, but no person."""
    return _network_of(request.remote_addr or "")


@lru_cache(maxsize=1024)
def _network_of(origin: str) -> str:
    try:
        return str(ip_network(f"{origin}/{48 if ':' in origin else 24}", strict=False))
    except ValueError:
        return ""


def _error_facts(record: logging.LogRecord) -> dict[str, str]:
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return {}
    text = _NUMBER.sub("…", _without_secrets(str(error)))[:_ERROR_MAX]
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames[:-1] if "site-packages" not in frame.filename][-_FRAMES:]
    places = ",".join(f"{'/'.join(Path(f.filename).parts[-2:])}:{f.lineno}" for f in [*ours, *frames[-1:]])
    return {"error": f"{type(error).__name__}: {_escaped(text)}", "at": places}


def _without_secrets(text: str) -> str:
    return _SECRET.sub("…", _ADDRESS.sub("…", text))


def _escaped(text: str) -> str:
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
