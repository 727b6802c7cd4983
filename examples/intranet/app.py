"""A landlord's intranet, news and a staff directory behind a login, with the tenant portal moved in.

`python -m examples.intranet.app` mounts the portal below /locataire, with `--extension` it becomes part of the
intranet. Everything is fictional, and kept in a temporary folder that goes away at the end.
"""

import argparse
import atexit
import os
import secrets
import shutil
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import click
from flask import Flask, redirect, render_template, url_for
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user, logout_user
from flask_mail import Message, email_dispatched
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect, FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from werkzeug.security import check_password_hash, generate_password_hash
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from tenant_portal import TenantPortal, mount, roster, signals
from tenant_portal.operations import migrations

PORT = 5000
PREFIX = "/locataire"
LANDLORD = {"PORTAL_LANDLORD_NAME": "Habitat du Val", "PORTAL_LANDLORD_EMAIL": "contact@habitat-du-val.example"}


class Base(DeclarativeBase):
    """Base of the intranet's own tables."""


db = SQLAlchemy(model_class=Base)
login_manager = LoginManager()
login_manager.login_view = "login"


class Employee(UserMixin, db.Model):  # type: ignore[name-defined]
    """A member of staff."""

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    phone: Mapped[str]
    password_hash: Mapped[str]


class Lease(db.Model):  # type: ignore[name-defined]
    """A lease, as the landlord's management program left it in the intranet's database."""

    number: Mapped[str] = mapped_column(primary_key=True)
    dwelling: Mapped[str]
    tenant: Mapped[str]
    payment: Mapped[str]
    since: Mapped[date]


class LoginForm(FlaskForm):
    """Who are you?"""

    username = StringField("Identifiant", [InputRequired()])
    password = PasswordField("Mot de passe", [InputRequired()])


@login_manager.user_loader
def load_employee(number: str) -> Employee | None:
    """Return a member of staff by the id of his session."""
    return db.session.get(Employee, int(number))


def current_staff() -> str | None:
    """Name the member of staff who is logged in; on the portal's pages `current_user` may also be a tenant."""
    who = current_user._get_current_object()
    return who.name if isinstance(who, Employee) else None


# The two ways in


def mounted(app: Flask, address: str, folder: Path) -> Flask:
    """Mount the portal beside the intranet, with a secret and a database of its own."""
    config = {
        **LANDLORD,
        "SECRET_KEY": secrets.token_hex(32),
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'portal.sqlite3'}",
        "PORTAL_PUBLIC_URL": address,
        "PORTAL_DATA_DIR": str(folder),
        "MAIL_SUPPRESS_SEND": True,
    }
    return mount(app, PREFIX, config=config, staff=current_staff)


def extended(app: Flask, address: str, folder: Path) -> Flask:
    """Make the portal a part of the intranet, with its database, its login manager and its look."""
    app.config.update(LANDLORD, PORTAL_PUBLIC_URL=address, PORTAL_URL_PREFIX=PREFIX, PORTAL_DATA_DIR=str(folder))
    app.config["MAIL_SUPPRESS_SEND"] = True
    TenantPortal(app, staff=current_staff)
    return app


def create_app(way: str = "", address: str = f"http://localhost:{PORT}", folder: Path | None = None) -> Flask:
    """Return the intranet with the portal inside, `mount` or `extension`, and something to look at in both."""
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="intranet-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    app = Flask(__name__, root_path=str(Path(__file__).parent))
    app.config["SECRET_KEY"] = secrets.token_hex(32)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{folder / 'intranet.sqlite3'}"
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    db.init_app(app)
    login_manager.init_app(app)
    CSRFProtect(app)
    add_pages(app)
    way = way or os.environ.get("INTRANET_PORTAL", "mount")
    portal = {"mount": mounted, "extension": extended}[way](app, address, folder)
    with app.app_context():
        leases = furnish()
    with portal.app_context():
        migrations.upgrade()
        roster.take(leases, name="baux de l'intranet")
        portal.extensions["sqlalchemy"].session.commit()
    signals.account_finished.connect(note_account, portal)
    email_dispatched.connect(print_mail)
    return app


def furnish() -> list[dict[str, object]]:
    """Fill the intranet's tables, and return its leases under the names that the portal knows."""
    db.create_all()
    password_hash = generate_password_hash("intranet")
    for username, name, phone in (("moreau", "Mme Moreau", "12"), ("petit", "M. Petit", "34")):
        db.session.add(Employee(username=username, name=name, phone=phone, password_hash=password_hash))
    for number, payment in ((1, "Prélèvement automatique"), (2, "Chèque")):
        db.session.add(
            Lease(
                number=f"41720{number}",
                dwelling=f"6031840{number}",
                tenant="MARTIN",
                payment=payment,
                since=date(2019, 3, number),
            )
        )
    db.session.commit()
    rows = db.session.scalars(select(Lease).order_by(Lease.number)).all()
    names = {"reference": "number", "module": "dwelling", "last_name": "tenant", "payment": "payment"}
    return [{**{ours: getattr(row, own) for ours, own in names.items()}, "starts_on": row.since} for row in rows]


def note_account(sender: Flask, *, account: int, reference: str, **more: Any) -> None:
    """React to a finished account: the intranet only notes it."""
    click.echo(f"The tenant of contract {reference} has opened his account.")


def print_mail(sender: Flask, *, message: Message) -> None:
    """Show a mail where the server runs."""
    click.echo(f"--- {message.subject}, to {', '.join(message.recipients)}\n{message.body}\n---")


# The intranet's own pages


def add_pages(app: Flask) -> None:
    """Add the pages of the intranet."""

    @app.get("/")
    def news() -> str:
        return render_template("news.html", portal=PREFIX)

    @app.get("/annuaire")
    @login_required
    def directory() -> str:
        return render_template("directory.html", staff=db.session.scalars(select(Employee).order_by(Employee.name)))

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        form = LoginForm()
        if form.validate_on_submit():
            found = db.session.scalar(select(Employee).where(Employee.username == form.username.data))
            if found is not None and check_password_hash(found.password_hash, form.password.data or ""):
                login_user(found)
                return redirect(url_for("directory"))
            form.password.errors = ["L'identifiant et le mot de passe ne vont pas ensemble."]
        return render_template("login.html", form=form)

    @app.post("/logout")
    def logout() -> Any:
        logout_user()
        return redirect(url_for("news"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The intranet with the portal inside.")
    parser.add_argument("--extension", action="store_true", help="as a part of the intranet instead of mounted")
    parser.add_argument("--port", type=int, default=PORT)
    asked = parser.parse_args()
    here = f"http://localhost:{asked.port}"
    click.echo(f"Intranet: {here}/    Portal: {here}{PREFIX}/    Ctrl-C ends both.")
    create_app("extension" if asked.extension else "mount", here).run(port=asked.port)
