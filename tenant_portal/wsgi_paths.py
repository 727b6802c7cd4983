"""Which path prefixes of a request are trusted: those that the public address confirms.

A prefix begins every URL of a page, and a visitor may have forged it.
"""

from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from .settings import Settings


def public_path(app: Flask) -> str:
    """Return the path of `PORTAL_PUBLIC_URL`."""
    frozen: Settings = app.extensions["portal"].settings
    return urlsplit(frozen.public_url).path


def trust_paths(application: Any, paths: set[str], *, otherwise: str) -> Any:
    """Replace a `SCRIPT_NAME` that is not among `paths`: some servers take it from a header."""

    def entrance(environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("SCRIPT_NAME", "").rstrip("/") not in paths:
            environ["SCRIPT_NAME"] = otherwise
        return application(environ, start_response)

    return entrance


def trust_proxies(application: Any, hops: int, paths: set[str]) -> Any:
    """Trust the headers of so many proxies, but only prefixes among `paths`: most proxies pass on a visitor's."""
    if not hops:
        return application
    fixed = ProxyFix(application, x_for=hops, x_proto=hops, x_host=hops, x_prefix=hops)

    def entrance(environ: dict[str, Any], start_response: Any) -> Any:
        if not {part.strip().rstrip("/") for part in environ.get("HTTP_X_FORWARDED_PREFIX", "").split(",")} <= paths:
            environ.pop("HTTP_X_FORWARDED_PREFIX", None)
        return fixed(environ, start_response)

    return entrance
