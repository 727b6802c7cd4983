"""The portal as an application of its own: the smallest host."""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from dotenv import find_dotenv, load_dotenv
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from . import web
from .accounts.signed_links import PatientSigner
from .extension import StaffCallback, TenantPortal
from .operations import log_format
from .web.request_guards import FORM_BYTES_MAX
from .wsgi_paths import public_path, trust_paths, trust_proxies


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return the portal as an application of its own.

    Settings come from the environment with the prefix `FLASK_` and from `.env`; `config` overrides both. Raises
    `ConfigError`, which lists every missing or wrong setting.
    """
    load_dotenv(find_dotenv(usecwd=True))
    app = new_app()
    app.config.from_prefixed_env()
    app.config.from_mapping(config or {})
    set_up(app, staff=None, has_own_staff=True)
    settings, path = app.extensions["portal"].settings, public_path(app)
    log_format.configure(settings.log_format)
    entrance = trust_paths(app.wsgi_app, {"", path}, otherwise="")
    app.wsgi_app = trust_proxies(entrance, settings.proxy_hops, {path})  # type: ignore[method-assign]
    return app


def new_app() -> Flask:
    """Return an application without pages, settings or files."""
    app = log_format.LoggedApp("tenant_portal", instance_relative_config=True, static_folder=None, template_folder=None)
    app.url_map.merge_slashes = False  # Flask would redirect // without our headers
    return app


def set_up(app: Flask, *, staff: StaffCallback | None, has_own_staff: bool = False) -> None:
    """Put the portal into an application that holds nothing else, with limits and cookies of its own."""
    if app.config["MAX_CONTENT_LENGTH"] is None:
        app.config["MAX_CONTENT_LENGTH"] = FORM_BYTES_MAX
    app.config["MAX_FORM_MEMORY_SIZE"] = FORM_BYTES_MAX
    public = urlsplit(str(app.config.get("PORTAL_PUBLIC_URL", "")))
    is_https = public.scheme == "https"
    path = public.path.rstrip("/") + str(app.config.get("PORTAL_URL_PREFIX") or "").rstrip("/")
    app.config.update(
        SESSION_COOKIE_SECURE=is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_NAME=("" if not is_https else "__Secure-" if path else "__Host-") + "portal_session",
        SESSION_COOKIE_PATH=path or "/",
    )
    app.session_interface = Sha256Sessions()
    TenantPortal().init_app(app, staff=staff, owns_session=True, has_own_staff=has_own_staff)
    if app.config["TRUSTED_HOSTS"] is None:
        # Loopback names serve monitoring on the same machine; a visitor who forges one reaches only himself.
        name = urlsplit(app.extensions["portal"].settings.public_url).hostname
        app.config["TRUSTED_HOSTS"] = [name, "localhost", "127.0.0.1"]
    web.complete(app)


class Sha256Sessions(SecureCookieSessionInterface):
    """Flask's signed session cookie, with SHA-256 instead of SHA-1 (ASVS 11.4.1), good on servers whose clocks differ.

    Its own salt keeps our cookies and a host's apart, even with the same secret.
    """

    salt = "portal.session"
    digest_method = staticmethod(hashlib.sha256)

    def __init__(self) -> None:
        self._signers: dict[tuple[Any, ...], Any] = {}

    def get_signing_serializer(self, app: Flask) -> Any:
        """Return the signer for the application's keys; Flask would make two for each request."""
        keys = (app.secret_key, *(app.config["SECRET_KEY_FALLBACKS"] or ()))
        if keys not in self._signers:
            self._signers[keys] = super().get_signing_serializer(app)
            self._signers[keys].signer = PatientSigner
        return self._signers[keys]
