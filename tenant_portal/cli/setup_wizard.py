"""Ask for settings, write `.env`, make the database, run the doctor."""

import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click
from flask import Flask

from ..app import create_app
from ..atomic_file import flush
from ..db import db
from ..errors import ConfigError
from ..operations import doctor, migrations
from ..settings import Settings, instance_file, key_of

#: Expects TLS from the first byte; other ports STARTTLS.
IMPLICIT_TLS_PORT = 465
LOCAL_SERVERS = {"localhost", "127.0.0.1", "::1"}

_PARSERS = {key_of(row): row.metadata["parse"] for row in fields(Settings)}


def _server(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._:-]+", text):
        raise ValueError
    return text


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise ValueError
    return int(text)


_PARSERS.update(MAIL_SERVER=_server, MAIL_PORT=_port, MAIL_USERNAME=str, MAIL_PASSWORD=str)


@dataclass(frozen=True)
class Question:
    """The question for one setting, and a hint."""

    key: str
    words: str
    wanted: str
    default: str | None = None  # empty: the answer is optional
    is_hidden: bool = False

    @property
    def option(self) -> str:
        """Return its command-line option."""
        return "--" + self.key.lower().removeprefix("portal_").replace("_", "-")

    def read(self, answer: str) -> str:
        """Return the answer stripped; raise `click.UsageError` if it does not fit."""
        text = answer.strip()
        if not text and self.default == "":
            return text
        try:
            if not text:
                raise ValueError
            _PARSERS[self.key](text)
        except ValueError:
            reason = f"« {text} » ne convient pas" if text and not self.is_hidden else "il manque une réponse"
            raise click.UsageError(f"{self.words} : {reason}. {self.wanted}") from None
        return text


QUESTIONS = (
    Question("PORTAL_LANDLORD_NAME", "Nom du bailleur", "Tapez le nom que les locataires connaissent."),
    Question(
        "PORTAL_LANDLORD_EMAIL",
        "Adresse mail du bailleur (elle envoie les e-mails et reçoit les messages)",
        "Tapez une adresse mail, par exemple contact@bailleur.fr",
    ),
    Question("PORTAL_LANDLORD_PHONE", "Téléphone du bailleur (vide : aucun)", "Tapez un numéro.", default=""),
    Question(
        "PORTAL_PUBLIC_URL",
        "Adresse du portail, celle que les locataires tapent",
        "Tapez une adresse entière, par exemple https://espace.bailleur.fr",
    ),
    Question("MAIL_SERVER", "Serveur de messagerie", "Tapez le nom du serveur, par exemple smtp.bailleur.fr"),
    Question("MAIL_PORT", "Port du serveur de messagerie", "Tapez un nombre, en général 587, 465 ou 25."),
    Question("MAIL_USERNAME", "Compte sur ce serveur (vide : aucun)", "Tapez le nom du compte.", default=""),
    Question("MAIL_PASSWORD", "Mot de passe de ce compte", "Tapez le mot de passe.", is_hidden=True),
)


def _options(command: Any) -> Any:
    """Add an option for each question but the password: others can read arguments."""
    for question in reversed([q for q in QUESTIONS if not q.is_hidden]):
        command = click.option(question.option, question.key, help=f"{question.words}.")(command)
    return command


@click.command()
@_options
@click.option("--owner", help="Adresse mail du premier responsable de la gestion : il est invité.")
@click.option("--yes", is_flag=True, help="Ne rien demander : tout vient des options, et de FLASK_MAIL_PASSWORD.")
def setup(yes: bool, owner: str | None, **given: str | None) -> None:
    """Installer le portail : réglages dans .env, base de données, vérification. Rien d'existant n'est changé."""
    os.umask(0o077)  # also for the database
    env = Path.cwd() / ".env"
    if env.exists():
        click.echo(f"{env} existe déjà : rien n'y est changé.")
    else:
        answers = _answers({**given, "MAIL_PASSWORD": os.environ.get("FLASK_MAIL_PASSWORD")}, asks=not yes)
        write_env(env, {"SECRET_KEY": secrets.token_hex(32), **answers, **_encryption(answers)})
        click.echo(f"\n{env} est écrit ; lui seul contient la clé secrète du portail.")
    try:
        app = create_app()
    except ConfigError as error:
        raise click.ClickException(str(error)) from None
    with app.app_context():
        instance_file("documents").parent.mkdir(parents=True, exist_ok=True)
        migrations.upgrade()
        click.echo(f"La base de données est à jour : {db.engine.url.render_as_string()}\n")
        _invite_first_owner(app, owner, asks=not yes)
        has_fault = doctor.report(doctor.examine())
    click.echo(_next_steps())
    if has_fault:
        raise SystemExit(1)


def _invite_first_owner(app: Flask, owner: str | None, *, asks: bool) -> None:
    """Invite the first owner by the command of the office, whose room stands beside this one."""
    if owner is None and asks:
        words = "Adresse mail du premier responsable de la gestion (vide : personne pour l'instant)"
        owner = click.prompt(words, default="", show_default=False).strip()
    if owner:
        portal: Any = app.cli.commands["portal"]
        try:
            portal.main(["staff", "add", owner, "--owner"], prog_name="portal", standalone_mode=False)
        except click.ClickException as refused:
            click.echo(refused.message)
        click.echo()


def write_env(file: Path, values: Mapping[str, Any]) -> None:
    """Write the settings for this account alone, atomically; never replace a file."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    lines = [env_line(f"FLASK_{key}", value) for key, value in values.items()]
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            out.write("# Réglages du portail ; les autres réglages possibles : docs/settings.md\n")
            out.writelines(f"{line}\n" for line in lines)
            flush(out)
        os.link(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def env_line(key: str, value: Any) -> str:
    """Return a line of `.env` that reads back as the same value.

    python-dotenv removes quotes and expands variables, and Flask parses JSON. A text that either would change is
    written as JSON.
    """
    if not isinstance(value, str):
        return f"{key}={json.dumps(value)}"
    if _looks_like_json(value) or not value.isprintable() or "$" in value:
        value = json.dumps(value, ensure_ascii=False).replace("$", "\\u0024")
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{key}='{quoted}'"


def _looks_like_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _answers(given: Mapping[str, str | None], *, asks: bool) -> dict[str, Any]:
    """Take answers from the options, else from the console."""
    answers: dict[str, Any] = {}
    refused: list[str] = []
    for question in QUESTIONS:
        if question.is_hidden and not answers.get("MAIL_USERNAME"):
            continue
        default = question.default if question.key != "MAIL_PORT" else _usual_port(answers.get("MAIL_SERVER", ""))
        answer = given[question.key]
        try:
            if answer is None and asks:
                answers[question.key] = _ask(question, default)
            else:
                answers[question.key] = question.read(default or "" if answer is None else answer)
        except click.UsageError as error:
            refused.append(f"{question.option if not question.is_hidden else 'FLASK_MAIL_PASSWORD'} : {error.message}")
    if refused:
        raise click.UsageError("\n".join(refused))
    return {key: answer for key, answer in answers.items() if answer != ""}


def _ask(question: Question, default: str | None) -> Any:
    """Ask until the answer fits."""
    return click.prompt(
        question.words,
        default=default,
        hide_input=question.is_hidden,
        show_default=bool(default),
        value_proc=question.read,
    )


def _usual_port(server: str) -> str:
    return "25" if server in LOCAL_SERVERS else "587"


def _encryption(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Choose TLS on port 465, STARTTLS on others, neither to this machine."""
    port = int(answers["MAIL_PORT"])
    if port == IMPLICIT_TLS_PORT:
        return {"MAIL_PORT": port, "MAIL_USE_SSL": True}
    return {"MAIL_PORT": port, "MAIL_USE_TLS": answers["MAIL_SERVER"] not in LOCAL_SERVERS}


def _next_steps() -> str:
    where = "wsgi" if Path("wsgi.py").exists() else "tenant_portal"
    server = "sh deploy/granian.sh"
    if not Path("deploy/granian.sh").exists():
        server = "granian --interface wsgi --blocking-threads 256 --factory tenant_portal:create_app"
    return f"""
Et maintenant :
  1. importez vos contrats     flask --app {where} portal contracts import FICHIER.csv
  2. servez le portail         {server}
  3. relancez le courrier      flask --app {where} portal mail send --watch
  4. vérifiez avant d'ouvrir   flask --app {where} portal doctor"""
