"""Where browsers report what the content policy has stopped: some lines an hour in the log (ASVS 3.4.7)."""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, current_app, request

from ..db import utcnow
from ..settings import settings, state

screen = Blueprint("reports", __name__)

#: What a process writes down within an hour of the clock: anybody can send reports.
LINES_AN_HOUR = 20
_KINDS = {"application/csp-report", "application/reports+json"}
#: The rules that a page can break: those our policy names, with the two kinds of a script or a style, and those that
#: `default-src` stands for.
RULES = frozenset(
    [
        "default-src",
        "script-src",
        "script-src-elem",
        "script-src-attr",
        "style-src",
        "style-src-elem",
        "style-src-attr",
        "img-src",
        "font-src",
        "connect-src",
        "form-action",
        "base-uri",
        "object-src",
        "frame-ancestors",
        "frame-src",
        "child-src",
        "worker-src",
        "media-src",
        "manifest-src",
        "prefetch-src",
    ]
)
#: What stands in the place of an address that was stopped.
_KEYWORDS = frozenset(
    [
        "inline",
        "eval",
        "wasm-eval",
        "self",
        "data",
        "blob",
        "filesystem",
        "about",
        "chrome-extension",
        "moz-extension",
        "safari-web-extension",
    ]
)
_ORIGIN = re.compile(r"(?:https?|wss?)://[a-z0-9.-]{1,100}(?::[0-9]{1,5})?(?=[/?#]|\Z)")


class Hour:
    """Which lines were written in the present hour; the next one begins with none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began: datetime | None = None
        self._written: set[tuple[str, str]] = set()
        self._is_over = False

    def takes(self, pair: tuple[str, str]) -> bool:
        """Tell whether a rule and what it stopped may be written down now; each pair is once an hour."""
        with self._lock:
            hour = utcnow().replace(minute=0, second=0, microsecond=0)
            if hour != self._began:
                self._began, self._is_over = hour, False
                self._written.clear()
            if pair in self._written or len(self._written) >= LINES_AN_HOUR:
                return False
            self._written.add(pair)
            return True

    def fills(self) -> bool:
        """Tell once that the hour's last line was written."""
        with self._lock:
            was_over, self._is_over = self._is_over, len(self._written) >= LINES_AN_HOUR
            return self._is_over and not was_over


@screen.post("/rapport-de-securite")
def rapport():
    """Write down which rule stopped what on a page of ours; whatever else is sent is dropped without a word."""
    if request.mimetype not in _KINDS:  # a form of another site cannot send these without being asked first
        abort(400)
    hour: Hour = state.cache.setdefault("policy_reports", Hour())
    for rule, blocked in _reported():
        if hour.takes((rule, blocked)):
            current_app.logger.warning("content policy: %s stopped %s", rule, blocked)
        if hour.fills():
            current_app.logger.warning("content policy: no more reports are written down until the next hour")
    return "", 204


def _reported() -> Iterator[tuple[str, str]]:
    """Yield rule and what was stopped of each report about a page of ours."""
    try:
        sent = json.loads(request.get_data())
    except (ValueError, RecursionError):
        return
    for report in sent if isinstance(sent, list) else [sent]:
        body = report.get("body", report.get("csp-report")) if isinstance(report, dict) else None
        if isinstance(body, dict) and _is_ours(body):
            rule, blocked = _rule(body), _blocked(body)
            if rule and blocked:
                yield rule, blocked


def _is_ours(body: Mapping[str, Any]) -> bool:
    home = urlsplit(settings.public_url)
    return _origin(_text(body, "document-uri", "documentURL")) == f"{home.scheme}://{home.netloc}".lower()


def _rule(body: Mapping[str, Any]) -> str:
    """Return the name of the rule; older browsers give it with its sources."""
    name = _text(body, "effective-directive", "effectiveDirective", "violated-directive").partition(" ")[0]
    return name if name in RULES else ""


def _blocked(body: Mapping[str, Any]) -> str:
    """Return a keyword or an origin: the rest of an address may be personal."""
    blocked = _text(body, "blocked-uri", "blockedURL")
    return blocked if blocked in _KEYWORDS else _origin(blocked)


def _origin(address: str) -> str:
    found = _ORIGIN.match(address.lower())
    return found[0] if found else ""


def _text(body: Mapping[str, Any], *names: str) -> str:
    """Return the first of these entries that is a text."""
    return next((value for name in names if isinstance(value := body.get(name), str)), "")
