"""The wiring: what a host hands in and what it gets; `create_app` is only the smallest host."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import click
from flask import Flask
from flask.signals import appcontext_pushed
from flask_babel import Babel
from flask_sqlalchemy import SQLAlchemy

from . import audit, settings, web
from .db import configure_engine, engine_options
from .i18n import gettext as _
from .mail import smtp
from .office.screens import screen as office
from .web import host_checks, identity

#: Who the logged-in member of staff is, asked inside a request; None for everyone else.
StaffCallback = Callable[[], str | None]


class Commands(click.Group):
    """`flask portal …`; the commands are imported when one is asked for, as no server needs them, nor Alembic."""

    def __init__(self) -> None:
        super().__init__("portal", help=_("Le portail des locataires."))

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return self._imported().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a name."""
        return self._imported().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, after the checks of the whole group."""
        self.callback = self._imported().callback
        return super().invoke(ctx)

    def _imported(self) -> click.Group:
        group: click.Group = import_module(f"{__package__}.cli").portal
        return group


class TenantPortal:
    """The portal as a Flask extension.

    `TenantPortal(app)` or `init_app(app)` registers the pages below `PORTAL_URL_PREFIX`, the commands `flask portal`,
    and uses the host's Flask-SQLAlchemy, Flask-Mail, Flask-Babel and Flask-Login where it has them. Raises
    `ConfigError` before anything is registered: it lists every wrong setting, and what in the host stands in the way.
    """

    def __init__(self, app: Flask | None = None, *, staff: StaffCallback | None = None) -> None:
        if app is not None:
            self.init_app(app, staff=staff)

    def init_app(self, app: Flask, *, staff: StaffCallback | None = None, owns_session: bool = False) -> None:
        """Move into `app`; settings are read now and frozen, so later changes of its configuration have no effect."""
        frozen = settings.read(app.config)
        host_checks.check_in(app, frozen.url_prefix, frozen.public_url)
        app.extensions["portal"] = settings.State(frozen, options={"staff": staff, "owns_session": owns_session})
        if "sqlalchemy" not in app.extensions:
            _add_database(app)
        audit.follow(app.extensions["sqlalchemy"].session)
        if "mail" not in app.extensions:
            smtp.TimeoutMail(app)
        if "babel" not in app.extensions:
            Babel(app, default_locale="fr", configure_jinja=False)
        identity.install_login_manager(app)
        web.register(app, office, prefix=frozen.url_prefix)
        host_checks.check_rules(app)
        app.cli.add_command(Commands())
        if not owns_session:
            hide_tables_from_migrate(app)


def hide_tables_from_migrate(host: Flask) -> None:
    """Have the host's Flask-Migrate ignore our tables, which it would otherwise propose to drop.

    The host may set Flask-Migrate up later, so each application context asks until it is there.
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
    """Give the application a database of its own: SQLite in the instance folder unless a setting names another."""
    app.config.setdefault("SQLALCHEMY_DATABASE_URI", "sqlite:///portal.sqlite3")
    given = app.config.get("SQLALCHEMY_ENGINE_OPTIONS") or {}
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(app.config["SQLALCHEMY_DATABASE_URI"], given)
    database = SQLAlchemy(app)
    with app.app_context():
        configure_engine(database.engine)
