"""The smallest host: a Flask application with nothing but the portal in it."""

import hashlib
import io
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import click
from dotenv import find_dotenv, load_dotenv
from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from . import web
from .errors import ConfigError
from .extension import StaffCallback, TenantPortal
from .operations import log_format
from .settings import Settings
from .web.request_guards import FORM_BYTES_MAX


class Sha256Sessions(SecureCookieSessionInterface):
    """Flask's signed session cookie, with SHA-256 in the place of SHA-1 (ASVS 11.4.1).

    With a salt of our own no cookie of ours is one of a host's, even if someone gives both the same secret.
    """

    salt = "portal.session"
    digest_method = staticmethod(hashlib.sha256)

    def __init__(self) -> None:
        self._signers: dict[tuple[Any, ...], Any] = {}

    def get_signing_serializer(self, app: Flask) -> Any:
        """Return the signer for the keys of the application, made once and not twice for each request."""
        keys = (app.secret_key, *(app.config["SECRET_KEY_FALLBACKS"] or ()))
        if keys not in self._signers:
            self._signers[keys] = super().get_signing_serializer(app)
        return self._signers[keys]


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return the portal as an application of its own.

    Settings come from the environment with the prefix `FLASK_` and from `.env`; `config` stands over both. Raises
    `ConfigError`, which lists every missing or wrong setting.
    """
    load_dotenv(find_dotenv(usecwd=True))
    app = _bare_app()
    app.config.from_prefixed_env()
    app.config.from_mapping(config or {})
    _furnish(app, staff=None)
    log_format.configure(app.extensions["portal"].settings.log_format)
    hops = app.extensions["portal"].settings.proxy_hops
    path = _path_of(app)
    entrance = _below(app.wsgi_app, {"", path}, otherwise="")
    app.wsgi_app = _behind_proxies(entrance, hops, {path}) if hops else entrance  # type: ignore[method-assign]
    return app


def mount(host: Flask, prefix: str, *, config: Mapping[str, Any], staff: StaffCallback | None = None) -> Flask:
    """Put the portal beside a host's pages, below a prefix, as an application of its own, and return it.

    Nothing is shared: the portal has its own secret, cookies, database and pages, and reads `config` alone, not the
    host's environment. `staff` is asked inside a request of the host and names who is logged in there, or None.
    `PORTAL_PUBLIC_URL` is the address of the host; the prefix is added to it. `flask portal …` of the host runs the
    portal's commands, `flask portal-<prefix> …` those of a second portal. Raises `ConfigError` for wrong settings and
    for a prefix that the host uses itself.
    """
    _check_prefix(host, prefix)
    app = _bare_app()
    app.config.from_mapping(config)
    public = str(app.config.get("PORTAL_PUBLIC_URL") or "").rstrip("/")
    if public and not urlsplit(public).path.endswith(prefix):
        app.config["PORTAL_PUBLIC_URL"] = public + prefix
    _furnish(app, staff=_asking(host, prefix, staff) if staff is not None else None)

    believed = _below(app, {prefix, _path_of(app)}, otherwise=prefix)

    def below_prefix(environ: dict[str, Any], start_response: Any) -> Any:
        if not environ.get("SCRIPT_NAME", "").endswith(prefix):  # a proxy's own prefix has taken its place
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "").rstrip("/") + prefix
        return believed(environ, start_response)

    hops = app.extensions["portal"].settings.proxy_hops
    paths = {_path_of(app), _path_of(app).removesuffix(prefix)}
    entrance = _behind_proxies(below_prefix, hops, paths) if hops else below_prefix
    host.wsgi_app = DispatcherMiddleware(host.wsgi_app, {prefix: entrance})  # type: ignore[method-assign]
    name = "portal" if "portal" not in host.cli.commands else "portal" + prefix.replace("/", "-")
    host.cli.add_command(MountedCommands(app), name)
    return app


class MountedCommands(click.Group):
    """The commands of a mounted portal among those of its host; they run in the portal, not in the host."""

    def __init__(self, app: Flask) -> None:
        commands = app.cli.commands["portal"]
        assert isinstance(commands, click.Group)
        super().__init__("portal", help=commands.help)
        self._app, self._commands = app, commands

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the portal's commands."""
        return self._commands.list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one of the portal's commands."""
        return self._commands.get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command inside the portal's application."""
        with self._app.app_context():
            return super().invoke(ctx)


def _bare_app() -> Flask:
    app = log_format.LoggedApp("tenant_portal", instance_relative_config=True, static_folder=None, template_folder=None)
    app.url_map.merge_slashes = False  # Flask would answer // by a redirect of its own, without our headers
    return app


def _furnish(app: Flask, *, staff: StaffCallback | None) -> None:
    """Make an application that holds nothing but the portal, with cookies that no other application reads."""
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
    if app.config["TRUSTED_HOSTS"] is None and public.hostname:
        # Under its own name, and by loopback addresses for what looks after it on the same machine: whoever forges one
        # of those reaches nobody but himself.
        app.config["TRUSTED_HOSTS"] = [public.hostname, "localhost", "127.0.0.1"]
    app.session_interface = Sha256Sessions()
    TenantPortal().init_app(app, staff=staff, owns_session=True)
    web.complete(app)


def _path_of(app: Flask) -> str:
    frozen: Settings = app.extensions["portal"].settings
    return urlsplit(frozen.public_url).path


def _below(application: Any, paths: set[str], *, otherwise: str) -> Any:
    """Believe the path below which a request says that we live only where the settings say the same.

    It begins every address of a page, and a server may have taken it from a header of a visitor's.
    """

    def entrance(environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("SCRIPT_NAME", "").rstrip("/") not in paths:
            environ["SCRIPT_NAME"] = otherwise
        return application(environ, start_response)

    return entrance


def _behind_proxies(application: Any, hops: int, paths: set[str]) -> Any:
    """Believe so many proxies; a prefix only where the public address says the same.

    A prefix begins every address of a page, and most proxies hand on the one that a visitor made up.
    """
    fixed = ProxyFix(application, x_for=hops, x_proto=hops, x_host=hops, x_prefix=hops)

    def entrance(environ: dict[str, Any], start_response: Any) -> Any:
        if not {part.strip().rstrip("/") for part in environ.get("HTTP_X_FORWARDED_PREFIX", "").split(",")} <= paths:
            environ.pop("HTTP_X_FORWARDED_PREFIX", None)
        return fixed(environ, start_response)

    return entrance


def _check_prefix(host: Flask, prefix: str) -> None:
    if not re.fullmatch(r"(/[A-Za-z0-9][A-Za-z0-9._-]*)+", prefix):
        raise ConfigError([f"the prefix {prefix!r} must be a path such as /locataire"])
    taken = sorted(r.rule for r in host.url_map.iter_rules() if r.rule == prefix or r.rule.startswith(f"{prefix}/"))
    if taken or isinstance(host.wsgi_app, DispatcherMiddleware) and prefix in host.wsgi_app.mounts:
        raise ConfigError([f"the prefix {prefix} is used by the host already ({', '.join(taken) or 'a mount'})"])


def _asking(host: Flask, prefix: str, staff: StaffCallback) -> StaffCallback:
    """Return a question that is asked as if the same browser had asked the host for a page."""

    def who() -> str | None:
        environ = {
            **{key: value for key, value in request.environ.items() if not key.startswith(("werkzeug.", "flask."))},
            "SCRIPT_NAME": request.environ.get("SCRIPT_NAME", "").removesuffix(prefix),
            "PATH_INFO": prefix + request.environ.get("PATH_INFO", ""),
            "REQUEST_METHOD": "GET",
            "CONTENT_LENGTH": "0",
            "wsgi.input": io.BytesIO(),
        }
        with host.request_context(environ):
            return staff() if host.preprocess_request() is None else None

    return who
