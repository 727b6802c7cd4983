"""Below which path the portal lives: what servers and proxies say is believed only as far as the settings agree."""

from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from .settings import Settings


def public_path(app: Flask) -> str:
    """Return the path of the public address, below which a portal of its own lives."""
    frozen: Settings = app.extensions["portal"].settings
    return urlsplit(frozen.public_url).path


def below(application: Any, paths: set[str], *, otherwise: str) -> Any:
    """Believe the path below which a request says that we live only where the settings say the same.

    It begins every address of a page, and a server may have taken it from a header of a visitor's.
    """

    def entrance(environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("SCRIPT_NAME", "").rstrip("/") not in paths:
            environ["SCRIPT_NAME"] = otherwise
        return application(environ, start_response)

    return entrance


def behind_proxies(application: Any, hops: int, paths: set[str]) -> Any:
    """Believe so many proxies; a prefix only where the public address says the same.

    A prefix begins every address of a page, and most proxies hand on the one that a visitor made up.
    """
    fixed = ProxyFix(application, x_for=hops, x_proto=hops, x_host=hops, x_prefix=hops)

    def entrance(environ: dict[str, Any], start_response: Any) -> Any:
        if not {part.strip().rstrip("/") for part in environ.get("HTTP_X_FORWARDED_PREFIX", "").split(",")} <= paths:
            environ.pop("HTTP_X_FORWARDED_PREFIX", None)
        return fixed(environ, start_response)

    return entrance
