"""The floor: a bare Flask application with the same fields, as one would write it in an afternoon, and nothing more.

It has Flask-WTF's token, Flask-Login, one look-up in SQLite for a login, and the same Argon2 hash; no languages, no
delays after failures, no session on the server, no journal, no headers.
"""

import secrets
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from flask import Flask, current_app, redirect, render_template, url_for
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import FlaskForm
from jinja2 import DictLoader
from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column
from wtforms import BooleanField, EmailField, PasswordField, RadioField, StringField
from wtforms.validators import Email, EqualTo, InputRequired, Length, Regexp

TEMPLATES = {
    "base.html": """<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><title>{% block title %}{% endblock %} – Habitat du Val</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="{{ url_for('static', filename='style.css') }}"></head>
<body><header><a href="{{ url_for('login') }}">Habitat du Val</a> <a href="{{ url_for('help') }}">Aide</a></header>
<main>{% block content %}{% endblock %}</main>
<footer><a href="{{ url_for('help') }}">Mentions légales</a></footer></body></html>""",
    "form.html": """{% extends "base.html" %}{% block title %}{{ title }}{% endblock %}
{% block content %}<h1>{{ title }}</h1>
<form method="post">{{ form.hidden_tag() }}
{% for field in form if field.widget.input_type != "hidden" %}<p>{{ field.label }} {{ field }}
{% for error in field.errors %}<strong>{{ error }}</strong>{% endfor %}</p>{% endfor %}
<button>{{ button }}</button></form>
{% if is_login %}<p><a href="{{ url_for('sign_up') }}">Je crée mon compte</a></p>{% endif %}{% endblock %}""",
    "home.html": """{% extends "base.html" %}{% block title %}Votre espace{% endblock %}
{% block content %}<h1>Votre espace</h1><p>Contrat {{ current_user.reference }}</p><p>{{ current_user.email }}</p>
<ul><li>{{ current_user.e_notice }}</li><li>{{ current_user.commercial }}</li><li>{{ current_user.general }}</li></ul>
{% endblock %}""",
    "sent.html": """{% extends "base.html" %}{% block title %}Consultez vos e-mails{% endblock %}
{% block content %}<h1>Consultez vos e-mails</h1><p>Cliquez sur le lien.</p>{% endblock %}""",
    "mail.txt": """Votre compte locataire

Bonjour,
Cliquez sur ce lien pour activer votre compte : {{ link }}
""",
}

db = SQLAlchemy()


class Account(UserMixin, db.Model):  # type: ignore[name-defined,misc]
    """An account: all that the bare application knows."""

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str]
    password_hash: Mapped[str]
    e_notice: Mapped[str]
    commercial: Mapped[str]
    general: Mapped[str]


class LoginForm(FlaskForm):
    """The fields of the portal's login page."""

    reference = StringField("Ma référence contrat (Chiffres uniquement)", [InputRequired(), Regexp("^[0-9]+$")])
    password = PasswordField("Mon mot de passe", [InputRequired()])
    remember = BooleanField("Mémoriser")


class SignupForm(FlaskForm):
    """The fields of the portal's sign-up."""

    reference = StringField("Votre référence contrat (Chiffres uniquement)", [InputRequired(), Regexp("^[0-9]+$")])
    module = StringField("Votre numéro de module (voir avis d'échéance)", [InputRequired(), Regexp("^[0-9]+$")])
    password = PasswordField("Créez un mot de passe", [InputRequired(), Length(12, 128)])
    confirmation = PasswordField("Confirmez votre mot de passe", [InputRequired(), EqualTo("password")])
    email = EmailField("Votre adresse mail", [InputRequired(), Email()])
    e_notice = RadioField("Votre avis d'échéance par voie électronique", choices=["oui", "non"])
    commercial = RadioField("Des informations commerciales par e-mail", choices=["oui", "non"])
    general = RadioField("Des informations générales par e-mail", choices=["oui", "non"])


def create_app(folder: Path, *, memory: int, passes: int) -> Flask:
    """Return the bare application, with an empty database and its mails as files in a folder."""
    app = Flask("floor")
    app.config.update(
        SECRET_KEY="a key for benchmarks only, forty characters",  # noqa: S106 (no secret of anybody's)
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder}/floor.sqlite3",
    )
    app.jinja_loader = DictLoader(TEMPLATES)  # type: ignore[assignment]
    app.extensions["hasher"] = PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=1)
    app.extensions["mails"] = folder
    db.init_app(app)
    LoginManager(app).user_loader(lambda number: db.session.get(Account, int(number)))
    for path, view in (("/", login), ("/inscription", sign_up), ("/espace", home), ("/aide", help), ("/envoye", sent)):
        app.add_url_rule(path, view.__name__, view, methods=["GET", "POST"])
    with app.app_context(), db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        db.create_all()
    return app


def add_accounts(references: list[str], password: str) -> None:
    """Write accounts that all have the same password."""
    password_hash = current_app.extensions["hasher"].hash(password)
    choices = {"e_notice": "non", "commercial": "non", "general": "oui"}
    for reference in references:
        email = f"tenant{reference}@orange.fr"
        db.session.add(Account(reference=reference, email=email, password_hash=password_hash, **choices))
    db.session.commit()


def login() -> Any:
    """Log in."""
    form = LoginForm()
    if form.validate_on_submit():
        account = db.session.scalar(select(Account).where(Account.reference == form.reference.data))
        try:
            if account is not None and current_app.extensions["hasher"].verify(
                account.password_hash, form.password.data
            ):
                login_user(account, remember=form.remember.data)
                return redirect(url_for("home"))
        except VerificationError:
            form.password.errors = ["La référence contrat ou le mot de passe ne correspond pas."]
    return render_template("form.html", form=form, title="Identifiez-vous", button="Je me connecte", is_login=True)


@login_required
def home() -> Any:
    """Show the page behind the login."""
    return render_template("home.html")


def sign_up() -> Any:
    """Open an account, and write the mail with its link to a file."""
    form = SignupForm()
    if form.validate_on_submit():
        password_hash = current_app.extensions["hasher"].hash(form.password.data)
        answers = {name: form[name].data for name in ("reference", "email", "e_notice", "commercial", "general")}
        db.session.add(Account(password_hash=password_hash, **answers))
        db.session.commit()
        text = render_template("mail.txt", link=url_for("login", token=secrets.token_urlsafe(32), _external=True))
        (current_app.extensions["mails"] / f"{secrets.token_hex(16)}.eml").write_text(text, encoding="utf-8")
        return redirect(url_for("sent"))
    return render_template("form.html", form=form, title="Inscription", button="Je valide", is_login=False)


def sent() -> Any:
    """Say that a mail is on its way."""
    return render_template("sent.html")


def help() -> Any:  # noqa: A001 (the name of its page)
    """Answer for the links of every page."""
    return current_user.get_id() or ""
