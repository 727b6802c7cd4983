"""The portal as a Flask extension: everything that a host hands in and gets."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import click
from flask import Flask
from flask.signals import appcontext_pushed
from flask_babel import Babel
from flask_sqlalchemy import SQLAlchemy

from . import audit, office, settings, web
from .db import configure_engine, engine_options
from .i18n import gettext as _
from .mail import smtp
from .web import host_checks, identity

#: Returns the name of the logged-in member of staff, or name and role (`office`, `owner`), or None; called inside a
#: request.
StaffCallback = Callable[[], str | tuple[str, str] | None]


class TenantPortal:
    """The portal as a Flask extension.

    `TenantPortal(app)` or `init_app(app)` registers the pages below `PORTAL_URL_PREFIX` and the commands
    `flask portal`. It uses the host's Flask-SQLAlchemy, Flask-Mail, Flask-Babel and Flask-Login where they exist.
    Raises `ConfigError`, which lists every wrong setting and every conflict with the host.
    """

    def __init__(self, app: Flask | None = None, *, staff: StaffCallback | None = None) -> None:
        if app is not None:
            self.init_app(app, staff=staff)

    def init_app(
        self,
        app: Flask,
        *,
        staff: StaffCallback | None = None,
        owns_session: bool = False,
        has_own_staff: bool = False,
    ) -> None:
        """Register with `app`. Settings are read now; later changes of its configuration have no effect.

        The pages of la gestion exist where the host has `staff`, or the portal accounts of its own for them.
        """
        frozen = settings.read(app.config)
        host_checks.check_in(app, frozen.url_prefix, frozen.public_url)
        options = {"staff": staff, "owns_session": owns_session, "has_own_staff": has_own_staff}
        app.extensions["portal"] = settings.State(frozen, options=options)
        if "sqlalchemy" not in app.extensions:
            _add_database(app)
        audit.log_on_commit(app.extensions["sqlalchemy"].session)
        if "mail" not in app.extensions:
            smtp.TimeoutMail(app)
        if "babel" not in app.extensions:
            Babel(app, default_locale="fr", configure_jinja=False)
        identity.install_login_manager(app)
        desk = [office.new_screens()] if staff is not None or has_own_staff else []
        web.register(app, *desk, prefix=frozen.url_prefix)
        host_checks.check_rules(app)
        app.cli.add_command(Commands(has_own_staff=has_own_staff))
        if not owns_session:
            hide_tables_from_migrate(app)


def hide_tables_from_migrate(host: Flask) -> None:
    """Have the host's Flask-Migrate ignore our tables, which it would propose to drop.

    The host may set up Flask-Migrate later, so every application context looks for it until it is found.
    """
    appcontext_pushed.connect(_hide_tables, host)


def _hide_tables(host: Flask, **_more: Any) -> None:
    options = getattr(host.extensions.get("migrate"), "configure_args", None)
    if options is None:
        return
    chosen = options.get("include_name")

    def include_name(name: str | None, kind: str, parents: Any) -> bool:
        is_ours = kind == "table" and (name or "").startswith("portal_")
        return not is_ours and (chosen is None or bool(chosen(name, kind, parents)))

    options["include_name"] = include_name
    appcontext_pushed.disconnect(_hide_tables, host)


def _add_database(app: Flask) -> None:
    """Add Flask-SQLAlchemy, by default with SQLite in the instance folder."""
    app.config.setdefault("SQLALCHEMY_DATABASE_URI", "sqlite:///portal.sqlite3")
    given = app.config.get("SQLALCHEMY_ENGINE_OPTIONS") or {}
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(app.config["SQLALCHEMY_DATABASE_URI"], given)
    database = SQLAlchemy(app)
    with app.app_context():
        configure_engine(database.engine)


class Commands(click.Group):
    """`flask portal …`, imported when a command is asked for: servers need neither them nor Alembic."""

    def __init__(self, *, has_own_staff: bool = False) -> None:
        super().__init__("portal", help=_("Le portail des locataires."))
        self._has_own_staff = has_own_staff

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return sorted([*self._imported().list_commands(ctx), *(["staff"] if self._has_own_staff else [])])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name; whoever has staff of a host has no command for accounts of ours."""
        if cmd_name == "staff" and self._has_own_staff:
            command: click.Command = import_module(f"{__package__}.office.commands").staff_group
            return command
        return self._imported().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command after the group's own checks."""
        self.callback = self._imported().callback
        return super().invoke(ctx)

    def _imported(self) -> click.Group:
        import_module(f"{__package__}.office.models")  # migrations and purge know tables by their imports
        group: click.Group = import_module(f"{__package__}.cli").portal
        return group
