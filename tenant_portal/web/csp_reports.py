"""Reports of browsers about what the content policy blocked (ASVS 3.4.7)."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, current_app, request
from werkzeug.exceptions import HTTPException

from ..accounts import rate_limits
from ..accounts.limited_acts import Per
from ..settings import settings

screen = Blueprint("csp_reports", __name__)

_KINDS = {"application/csp-report", "application/reports+json"}
#: Our rules, and those that `default-src` stands for.
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
#: What browsers report in place of a blocked address.
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


@screen.post("/rapport-de-securite")
def receive():
    """Log which rule blocked what on our pages; drop everything else without a word."""
    for rule, blocked in _reported():
        if rate_limits.count_once("report", Per.CAUSE, f"{rule}/{blocked}", otherwise=False):
            current_app.logger.warning("content policy: %s stopped %s", rule, blocked)
            if rate_limits.is_quota_used_up("report"):
                current_app.logger.warning("content policy: no more reports are written down for an hour")
    return "", 204


def _reported() -> Iterator[tuple[str, str]]:
    """Yield rule and blocked origin of each report about our pages."""
    # Another site cannot send these types without a preflight.
    if request.mimetype not in _KINDS or request.headers.get("Sec-Fetch-Site") == "cross-site":
        return
    try:
        sent = json.loads(request.get_data())
    except (ValueError, RecursionError, HTTPException):
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
    name = _text(body, "effective-directive", "effectiveDirective", "violated-directive").partition(" ")[0]
    return name if name in RULES else ""


def _blocked(body: Mapping[str, Any]) -> str:
    """Return a keyword or an origin. The rest of an address may be personal."""
    blocked = _text(body, "blocked-uri", "blockedURL")
    return blocked if blocked in _KEYWORDS else _origin(blocked)


def _origin(address: str) -> str:
    found = _ORIGIN.match(address.lower())
    return found[0] if found else ""


def _text(body: Mapping[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := body.get(name), str)), "")
