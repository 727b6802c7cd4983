"""The log: one line an event, in words or JSON, with the number of its request; no secret, no reference, no address."""

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

#: What a proxy of ours may send as the number of a request; anything else is replaced.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
#: Longest text of an error: with the rest it stays below what a pipe takes in one piece, so lines never mix.
_ERROR_MAX, _FRAMES = 300, 6
#: LogFormatter breaks, escape sequences and marks that turn the direction of writing: they could forge or hide a line.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_ADDRESS = re.compile(r"[^\s@<>'\"(),=]+@[^\s@<>'\"(),]+")
_SECRET = re.compile(r"[A-Za-z0-9_$.+/=-]{32,}")
_NUMBER = re.compile(r"[0-9]+(?=[0-9]{3})")


class LogFormatter(logging.Formatter):
    """One event as one line; a host that wants its log so gives it to a handler of its own."""

    def __init__(self, form: str = "text") -> None:
        super().__init__()
        self.form = form

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, in which nothing that was typed can begin another one."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        more = {**_request_facts(), **_error_facts(record)}
        if self.form == "json":
            facts = getattr(record, "facts", None) or {"event": _without_secrets(record.getMessage())}
            return json.dumps({"time": moment, "level": record.levelname, **facts, **more}, default=str)
        text = _without_secrets(record.getMessage()) + "".join(f" {name}={value}" for name, value in more.items())
        return f"{moment} {record.levelname} {_escaped(text)}"


class _Standard(logging.StreamHandler):  # type: ignore[type-arg]
    """The handler of a portal on its own."""


class LoggedApp(Flask):
    """A Flask application that tells of its failures without the address asked for: a link's token stands in it."""

    def log_exception(self, *context: Any) -> None:
        """Write what went wrong, in one line; the error comes last, whatever the version of Flask."""
        log.error("failed", exc_info=context[-1])


def configure(form: str) -> None:
    """Write our log to the standard error stream, unless whoever runs the process has arranged for it already."""
    if not log.hasHandlers():
        log.addHandler(_Standard())
        log.setLevel(log.level or logging.INFO)
    for handler in log.handlers:
        if isinstance(handler, _Standard):
            handler.setFormatter(LogFormatter(form))


def request_id() -> str:
    """Return the number of this request: in the log, in the answer, on a page of ours that tells of trouble.

    A proxy's own number is taken where a proxy is declared; a stranger's would let him write into the log.
    """
    if "portal_request_id" not in g:
        given = request.headers.get("X-Request-ID", "") if settings.proxy_hops else ""
        g.portal_request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(5)
    number: str = g.portal_request_id
    return number


def _request_facts() -> dict[str, str]:
    if not has_request_context():
        return {}
    told = {"request": request_id(), "page": f"{request.method} {request.endpoint or '-'}", "origin": _network()}
    return {name: value for name, value in told.items() if value}


def _network() -> str:
    """Return the network that the request comes from: enough to see an attack, too little to name a person."""
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
