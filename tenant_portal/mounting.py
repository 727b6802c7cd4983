"""The portal beside a host's pages, as an application of its own below a prefix."""

import io
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import click
from flask import Flask, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from .app import bare_app, furnish
from .errors import ConfigError
from .extension import StaffCallback, hide_tables_from_migrate
from .wsgi_paths import behind_proxies, below, public_path


def mount(host: Flask, prefix: str, *, config: Mapping[str, Any], staff: StaffCallback | None = None) -> Flask:
    """Put the portal beside a host's pages, below a prefix, as an application of its own, and return it.

    Nothing is shared: the portal has its own secret, cookies, database and pages, and reads `config` alone, not the
    host's environment. `staff` is asked inside a request of the host and names who is logged in there, or None.
    `PORTAL_PUBLIC_URL` is the address of the host; the prefix is added to it. `flask portal …` of the host runs the
    portal's commands, `flask portal-<prefix> …` those of a second portal. Raises `ConfigError` for wrong settings and
    for a prefix that the host uses itself.
    """
    _check_prefix(host, prefix)
    app = bare_app()
    app.config.from_mapping(config)
    public = str(app.config.get("PORTAL_PUBLIC_URL") or "").rstrip("/")
    if public and not urlsplit(public).path.endswith(prefix):
        app.config["PORTAL_PUBLIC_URL"] = public + prefix
    furnish(app, staff=_asking(host, prefix, staff) if staff is not None else None)

    believed = below(app, {prefix, public_path(app)}, otherwise=prefix)

    def below_prefix(environ: dict[str, Any], start_response: Any) -> Any:
        if not environ.get("SCRIPT_NAME", "").endswith(prefix):  # a proxy's own prefix has taken its place
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "").rstrip("/") + prefix
        return believed(environ, start_response)

    hops = app.extensions["portal"].settings.proxy_hops
    paths = {public_path(app), public_path(app).removesuffix(prefix)}
    entrance = behind_proxies(below_prefix, hops, paths) if hops else below_prefix
    host.wsgi_app = DispatcherMiddleware(host.wsgi_app, {prefix: entrance})  # type: ignore[method-assign]
    name = "portal" if "portal" not in host.cli.commands else "portal" + prefix.replace("/", "-")
    host.cli.add_command(MountedCommands(app), name)
    hide_tables_from_migrate(host)  # the two may share a database
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
