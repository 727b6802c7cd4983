"""The three homes of the portal: alone, inside a hostile host, and mounted beside it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    flash,
    g,
    get_flashed_messages,
    render_template,
    render_template_string,
    request,
    session,
)
from flask_babel import Babel
from flask_babel import gettext as host_gettext
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user, logout_user
from flask_mail import Mail, Message
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from jinja2 import DictLoader, StrictUndefined

from tenant_portal import TenantPortal, create_app, mount

PREFIX = "/locataire"
STANDALONE, EXTENSION, MOUNT = "standalone", "extension", "mount"
HOMES = (STANDALONE, EXTENSION, MOUNT)

TEMPLATES = {
    "base.html": "<html><title>INTRANET</title>{{ current_user.name if current_user.is_authenticated }}"
    "{% block content %}{% endblock %}",
    "problem.html": "problem of the intranet",
    "fields.html": "fields of the intranet",
    "page.html": '{% extends "base.html" %}{% block content %}<p>{{ text }}</p>'
    '<form method="post"><input name="csrf_token" value="{{ csrf_token() }}"></form>{% endblock %}',
}


@dataclass(frozen=True)
class Home:
    """The portal's application, the one that answers browsers, and the path before its pages."""

    kind: str
    app: Flask
    front: Flask
    prefix: str


def home_of(app: Flask) -> Home:
    found: Home | None = app.extensions.get("tests_home")
    return found or Home(STANDALONE, app, app, "")


def settle(kind: str, config: dict[str, Any], host_database: Path) -> Flask:
    """Put the portal into a home of that kind; return the portal's application."""
    if kind == STANDALONE:
        return create_app(config)
    if kind == MOUNT:
        host = hostile_host(SQLALCHEMY_DATABASE_URI=f"sqlite:///{host_database}")
        app = mount(host, PREFIX, config=config, staff=staff_of_host)
    else:
        app = host = hostile_host(**{**config, "PORTAL_URL_PREFIX": PREFIX})
        TenantPortal(host, staff=staff_of_host)
    app.extensions["tests_home"] = Home(kind, app, host, PREFIX)
    return app


def staff_of_host() -> str | None:
    """Name the employee from what a hook has kept, as most hosts do."""
    name: str | None = g.employee
    return name


def hostile_host(**config: Any) -> Flask:
    """Return an intranet that uses all that the portal uses, in its own way."""
    app = Flask("intranet", static_folder=None)
    own = {"SECRET_KEY": "the key of the intranet, forty characters.", "SESSION_COOKIE_SAMESITE": "Lax"}
    app.config.from_mapping({"TESTING": True, **own, **config})
    app.jinja_loader = DictLoader(TEMPLATES)  # type: ignore[assignment]
    app.jinja_env.undefined = StrictUndefined
    CSRFProtect(app)
    Mail(app)
    Babel(app, default_locale="de", locale_selector=lambda: "de" if "de" in request.accept_languages else "en")
    employee = _with_models(app)
    _with_login(app, employee)
    _with_login_page(app, employee)
    _with_pages(app)
    _with_mishaps(app)
    _with_hooks(app)
    return app


def add_staff(app: Flask, name: str = "Mme Moreau") -> None:
    """Make the host's tables and its one employee, number 1."""
    with app.app_context():
        database = app.extensions["sqlalchemy"]
        database.create_all()
        database.session.add(app.extensions["employee"](name=name))
        database.session.commit()


def _with_models(app: Flask) -> Any:
    database = SQLAlchemy(app)
    Migrate(app, database)

    class Employee(UserMixin, database.Model):  # type: ignore[name-defined,misc]
        __tablename__ = "employee"
        id = database.Column(database.Integer, primary_key=True)
        name = database.Column(database.String(80), nullable=False, unique=True)

    app.extensions["employee"] = Employee
    return Employee


def _with_login(app: Flask, employee: Any) -> None:
    manager = LoginManager(app)
    manager.session_protection = "strong"
    manager.login_view = "login.form"

    @manager.user_loader
    def load(number: str) -> Any:
        return app.extensions["sqlalchemy"].session.get(employee, int(number))

    @manager.unauthorized_handler
    def unauthorized() -> tuple[str, int]:
        return "the intranet asks who you are", 401


def _with_login_page(app: Flask, employee: Any) -> None:
    login = Blueprint("login", __name__)

    @login.route("/login", methods=["GET", "POST"])
    def form() -> str:
        if request.method == "POST":
            login_user(app.extensions["sqlalchemy"].session.get(employee, 1), remember="remember" in request.form)
            session["cart"] = "three pencils"
            flash("welcome to the intranet")
        return render_template("page.html", text="login of the intranet")

    @login.post("/logout")
    def out() -> str:
        logout_user()
        return "bye"

    app.register_blueprint(login)


def _with_pages(app: Flask) -> None:
    @app.get("/")
    def news() -> str:
        return render_template("page.html", text="news of the intranet")

    @app.get("/<lang>/news")
    def lang_news() -> str:
        return render_template("page.html", text=f"news in {g.lang}")

    @app.get("/payroll")
    @login_required
    def payroll() -> str:
        return render_template("page.html", text=f"salary of {current_user.name}")

    @app.get("/who")
    def who() -> dict[str, Any]:
        return {"employee": g.employee, "cart": session.get("cart"), "said": get_flashed_messages()}

    @app.get("/say")
    def say() -> str:
        flash("for the intranet")
        return "said"

    @app.get("/context")
    def context() -> str:
        return render_template_string("{{ tenant }} {{ day }} {{ settings }}")

    @app.get("/words")
    def words() -> str:
        return f"{host_gettext('yes')} {app.extensions['babel'].locale_selector()}"

    @app.post("/mail")
    def mail() -> str:
        app.extensions["mail"].send(
            Message("Hi", recipients=["a@free.fr"], sender="intranet@habitat.example", body="x")
        )
        return "sent"


def _with_mishaps(app: Flask) -> None:
    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("a bug of the intranet")

    @app.errorhandler(404)
    def not_found(error: Exception) -> tuple[str, int]:
        return "the intranet has no such page", 404

    @app.errorhandler(500)
    def failed(error: Exception) -> tuple[str, int]:
        return "the intranet is broken", 500


def _with_hooks(app: Flask) -> None:
    app.extensions["leaves_pending"] = []

    @app.before_request
    def remember_employee() -> None:
        g.employee = current_user.name if current_user.is_authenticated else None
        for name in app.extensions["leaves_pending"]:
            app.extensions["sqlalchemy"].session.add(app.extensions["employee"](name=name))

    @app.after_request
    def mark(response: Response) -> Response:
        response.headers["X-Intranet"] = "1"
        return response

    @app.context_processor
    def names() -> dict[str, Any]:
        return {"settings": "of the intranet", "language": "de", "tenant": "nobody", "_": host_gettext, "day": "Monday"}

    @app.url_defaults
    def add_lang(endpoint: str, values: dict[str, Any]) -> None:
        values.setdefault("lang", "de") if app.url_map.is_endpoint_expecting(endpoint, "lang") else None

    @app.url_value_preprocessor
    def take_lang(endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.lang = values.pop("lang", "de") if values else "de"
