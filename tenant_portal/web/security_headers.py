"""The security and cache headers of every response."""

from flask import Response

from .. import public_urls
from ..operations import log_format
from ..settings import settings, state
from . import stylesheet

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data: {images}; font-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none';"
        " report-uri {reports}; report-to portal"
    ),
    "Reporting-Endpoints": 'portal="{reports}"',
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def add(response: Response) -> Response:
    """Add the headers that a response lacks."""
    headers = response.headers
    own = {name.lower() for name in headers.keys()}  # noqa: SIM118 (one look at each header, not one for each of ours)
    headers.extend([(name, value) for name, value in _security_headers().items() if name.lower() not in own])
    if stylesheet.is_for_ever(response):
        headers["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        headers.setdefault("Cache-Control", "no-store")
        response.vary.add("Accept-Language")
    headers.setdefault("X-Request-ID", log_format.request_id())
    return response


def _security_headers() -> dict[str, str]:
    if "security_headers" not in state.cache:
        values = {"images": stylesheet.logo_origin(), "reports": public_urls.public("csp_reports.receive")}
        headers = {name: value.format(**values) for name, value in SECURITY_HEADERS.items()}
        if settings.is_https:
            headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
        state.cache["security_headers"] = headers
    known: dict[str, str] = state.cache["security_headers"]
    return known
