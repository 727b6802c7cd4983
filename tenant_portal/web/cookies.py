"""Our cookies: language, remembered login, mark of a known device."""

import secrets
from urllib.parse import urlsplit

from flask import (
    Response,
    after_this_request,
    request,
)

from ..accounts import sessions, signed_links
from ..settings import settings, state

YEAR = 365 * 24 * 3600


def device_mark() -> str:
    """Return the mark that we gave this browser, or an empty text; a forged mark counts as none (X12)."""
    return signed_links.unseal("device", request.cookies.get(cookie_name("device"), ""))


def remember_device() -> str:
    """Return this browser's mark; set a new one if it has none."""
    device = device_mark() or secrets.token_urlsafe(sessions.TOKEN_BYTES)
    set_cookie("device", signed_links.seal("device", device), YEAR)
    return device


def cookie_name(what: str) -> str:
    """Return a cookie's full name, with the prefix that HTTPS allows."""
    if "cookie_prefix" not in state.cache:
        is_whole_host = _cookie_path() == "/"
        state.cache["cookie_prefix"] = ("__Host-" if is_whole_host else "__Secure-") if settings.is_https else ""
    return f"{state.cache['cookie_prefix']}portal_{what}"


def _cookie_path() -> str:
    return (urlsplit(settings.public_url).path + settings.url_prefix) or "/"


def set_cookie(what: str, value: str, seconds: int | None) -> None:
    """Set a cookie on the response, for our own pages only; without seconds it goes with the browser."""

    @after_this_request
    def add(response: Response) -> Response:
        response.set_cookie(
            cookie_name(what),
            value,
            max_age=seconds,
            path=_cookie_path(),
            secure=settings.is_https,
            httponly=True,
            samesite="Lax",
        )
        return response
