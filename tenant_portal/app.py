"""The smallest host: a Flask application with nothing but the portal in it."""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from dotenv import find_dotenv, load_dotenv
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix

from . import web
from .extension import TenantPortal

#: No form of ours is larger; what is larger is answered 413 before it is read (ASVS 4.3.1).
FORM_BYTES_MAX = 64 * 1024


class Sha256Sessions(SecureCookieSessionInterface):
    """Flask's signed session cookie, with SHA-256 in the place of SHA-1 (ASVS 11.4.1)."""

    digest_method = staticmethod(hashlib.sha256)


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return the portal as an application of its own.

    Settings come from the environment with the prefix `FLASK_` and from `.env`; `config` stands over both. Raises
    `ConfigError`, which lists every missing or wrong setting.
    """
    load_dotenv(find_dotenv(usecwd=True))
    app = Flask("tenant_portal", instance_relative_config=True, static_folder=None, template_folder=None)
    app.config.from_prefixed_env()
    app.config.from_mapping(config or {})
    app.config.setdefault("MAX_CONTENT_LENGTH", FORM_BYTES_MAX)
    app.config["MAX_FORM_MEMORY_SIZE"] = FORM_BYTES_MAX
    public = urlsplit(str(app.config.get("PORTAL_PUBLIC_URL", "")))
    is_https = public.scheme == "https"
    app.config.update(
        SESSION_COOKIE_SECURE=is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_NAME="__Host-portal_session" if is_https and not public.path else "portal_session",
        SESSION_COOKIE_PATH=public.path or "/",
    )
    app.session_interface = Sha256Sessions()
    TenantPortal().init_app(app, owns_session=True)
    hops = app.extensions["portal"].settings.proxy_hops
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_prefix=hops)  # type: ignore[method-assign]
    web.complete(app)
    return app
