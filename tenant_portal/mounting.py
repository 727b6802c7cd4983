"""The portal beside a host's pages: an application of its own below a prefix."""

import io
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import click
from flask import Flask, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from .app import new_app, set_up
from .errors import ConfigError
from .extension import StaffCallback, hide_tables_from_migrate
from .wsgi_paths import public_path, trust_paths, trust_proxies


def mount(host: Flask, prefix: str, *, config: Mapping[str, Any], staff: StaffCallback | None = None) -> Flask:
    """Mount the portal below a prefix of a host, as an application of its own, and return it.

    The portal has its own secret, cookies, database and pages, and reads its settings from `config` alone. `staff`
    is called inside a request of the host and returns the name of the logged-in member of staff, or None.
    `PORTAL_PUBLIC_URL` is the host's address; the prefix is added. `flask portal …` of the host runs the portal's
    commands, `flask portal-<prefix> …` those of a second portal. Raises `ConfigError` for wrong settings, and for a
    prefix that the host uses.
    """
    _check_prefix(host, prefix)
    app = new_app()
    app.config.from_mapping(config)
    public = str(app.config.get("PORTAL_PUBLIC_URL") or "").rstrip("/")
    if public and not urlsplit(public).path.endswith(prefix):
        app.config["PORTAL_PUBLIC_URL"] = public + prefix
    set_up(app, staff=_in_host(host, prefix, staff) if staff is not None else None)
    mounts = {prefix: _entrance(app, prefix)}
    host.wsgi_app = DispatcherMiddleware(host.wsgi_app, mounts)  # type: ignore[method-assign]
    name = "portal" if "portal" not in host.cli.commands else "portal" + prefix.replace("/", "-")
    host.cli.add_command(MountedCommands(app), name)
    hide_tables_from_migrate(host)  # the two may share a database
    return app


def _check_prefix(host: Flask, prefix: str) -> None:
    if not re.fullmatch(r"(/[A-Za-z0-9][A-Za-z0-9._-]*)+", prefix):
        raise ConfigError([f"the prefix {prefix!r} must be a path such as /locataire"])
    taken = sorted(r.rule for r in host.url_map.iter_rules() if r.rule == prefix or r.rule.startswith(f"{prefix}/"))
    if taken or isinstance(host.wsgi_app, DispatcherMiddleware) and prefix in host.wsgi_app.mounts:
        raise ConfigError([f"the prefix {prefix} is used by the host already ({', '.join(taken) or 'a mount'})"])


def _in_host(host: Flask, prefix: str, staff: StaffCallback) -> StaffCallback:
    """Return `staff`, called in a request of the host from the same browser."""

    def who() -> str | tuple[str, str] | None:
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


def _entrance(app: Flask, prefix: str) -> Any:
    path = public_path(app)
    trusted = trust_paths(app, {prefix, path}, otherwise=prefix)

    def below_prefix(environ: dict[str, Any], start_response: Any) -> Any:
        if not environ.get("SCRIPT_NAME", "").endswith(prefix):  # ProxyFix put the proxy's prefix in its place
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "").rstrip("/") + prefix
        return trusted(environ, start_response)

    hops = app.extensions["portal"].settings.proxy_hops
    return trust_proxies(below_prefix, hops, {path, path.removesuffix(prefix)})


class MountedCommands(click.Group):
    """The commands of a mounted portal, in its host's command line; they run in the portal's application."""

    def __init__(self, app: Flask) -> None:
        commands = app.cli.commands["portal"]
        assert isinstance(commands, click.Group)
        super().__init__("portal", help=commands.help)
        self._app, self._commands = app, commands

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return self._commands.list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        return self._commands.get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command in the portal's application."""
        with self._app.app_context():
            return super().invoke(ctx)
