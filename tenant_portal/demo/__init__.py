"""A temporary portal with three contracts to try, and one to join."""

import contextlib
import logging
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import sys
from pathlib import Path
from typing import Any

import click
from dotenv import dotenv_values, find_dotenv
from flask import Flask
from flask.cli import ScriptInfo
from werkzeug.serving import WSGIRequestHandler, make_server

from ..app import new_app, set_up
from ..db import db
from ..operations import log_format, migrations
from . import counter, scene
from .counter import Counter
from .letterbox import Letterbox, add_pages
from .people import JOINABLE, KINDS, SAMPLES

DATABASE = "portal.sqlite3"
PORT = 8080
#: Marks the demo's own database file.
APPLICATION_ID = 0x64656D6F  # «demo» in ASCII

LANDLORD = {
    "PORTAL_LANDLORD_NAME": "Habitat du Val",
    "PORTAL_LANDLORD_EMAIL": "contact@habitat-du-val.example",
    "PORTAL_LANDLORD_PHONE": "02 61 91 00 12",  # reserved for fiction
    "PORTAL_LANDLORD_HOURS": "du lundi au vendredi, de 9 h à 12 h et de 14 h à 17 h",
    "PORTAL_LANDLORD_ADDRESS": "1, place de la Fontaine, 39100 Val-sur-Loue",
    "PORTAL_LEGAL_IDENTITY": "Habitat du Val, bailleur imaginaire de la démonstration",
    "PORTAL_PUBLISHER": "la direction d'Habitat du Val",
    "PORTAL_HOSTING": "cet ordinateur, le temps de la démonstration",
}


class _QuietHandler(WSGIRequestHandler):
    def log_request(self, *args: Any) -> None:
        """Print no requests: their URLs are the links of mails."""


@click.group(invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Adresse de cet ordinateur sur laquelle répondre.")
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True, help="Port.")
@click.pass_context
def demo(context: click.Context, host: str, port: int) -> None:
    """Essayer le portail : locataires imaginaires, courrier montré sur une page, tout est effacé à la fin."""
    context.obj = port
    if context.invoked_subcommand is None:
        _run(host, port)


@demo.command()
@click.argument("reference")
@click.pass_obj
def show(port: int, reference: str) -> None:
    """Dire où en est un locataire de la démonstration qui tourne."""
    folder = _folder(port)
    if not (folder / DATABASE).exists():
        raise click.ClickException(f"Aucune démonstration ne tourne ici sur le port {port}.")
    app = application(folder, public_url=f"http://localhost:{port}")
    app.cli.main(
        ["portal", "contracts", "show", reference],
        prog_name="demo",
        obj=ScriptInfo(create_app=lambda: app, set_debug_flag=False),
    )


def _run(host: str, port: int) -> None:
    _refuse_configured_database()
    folder = _folder(port)
    with _listening(host, port) as listener:  # binds the port, so no second demo uses the folder
        _refuse_foreign(folder / DATABASE)
        for name in ("alembic", "tenant_portal"):
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            app = application(folder, public_url=f"http://{_name_of(host)}:{port}")
            furnish(app, folder)
            server = make_server(host, port, app, threaded=True, request_handler=_QuietHandler, fd=listener.fileno())
            click.echo(_welcome(app.config["PORTAL_PUBLIC_URL"], port))
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.default_int_handler)
            server.serve_forever()
            with app.app_context():
                db.engine.dispose()
        finally:
            _sweep(folder)
    click.echo("\nDémonstration terminée, ses données sont effacées.")


def _folder(port: int) -> Path:
    return Path.cwd() / ".demo" / str(port)


def _name_of(host: str) -> str:
    """Return the name that a browser here uses."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 (compared, not listened on)
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise click.ClickException(
            f"Impossible de répondre sur {host}, port {port} ({error.strerror})."
            f" Choisissez un autre port, par exemple --port {port + 1}."
        ) from None


def _refuse_configured_database() -> None:
    """Stop if a setting names a database: it would be a real one."""
    key = "FLASK_SQLALCHEMY_DATABASE_URI"
    if os.environ.get(key) or dotenv_values(find_dotenv(usecwd=True)).get(key):
        raise click.ClickException(
            f"Le réglage {key} désigne une base de données. La démonstration n'y touche pas : elle ne travaille que"
            " dans la sienne. Retirez ce réglage, ou lancez la démonstration depuis un autre dossier."
        )


def _refuse_foreign(database: Path) -> None:
    """Stop if the file is no demo's, or holds other contracts."""
    if database.exists() and not _is_ours(database):
        raise click.ClickException(
            f"{database} contient autre chose que les données de la démonstration : rien n'y est touché."
            " Déplacez ce fichier, ou choisissez un autre port."
        )


def _is_ours(database: Path) -> bool:
    fictional = {line.split(";")[0] for line in scene.ROSTER.read_text(encoding="utf-8").splitlines()}
    try:
        with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            if connection.execute("PRAGMA application_id").fetchone() != (APPLICATION_ID,):
                return False
            is_built = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'portal_contracts'").fetchone()
            held = connection.execute("SELECT reference FROM portal_contracts").fetchall() if is_built else []
    except sqlite3.Error:
        return False
    return {reference for (reference,) in held} <= fictional


def application(folder: Path, *, public_url: str) -> Flask:
    """Return the portal without any setting of a real installation."""
    app = new_app()
    app.config.from_mapping(
        {
            **LANDLORD,
            "SECRET_KEY": secrets.token_hex(32),
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / DATABASE}",
            "PORTAL_DATA_DIR": str(folder),
            "PORTAL_PUBLIC_URL": public_url,
            "PORTAL_DEMO": True,
        }
    )
    both_sides = Counter()
    set_up(app, staff=both_sides.clerk)
    log_format.configure(app.extensions["portal"].settings.log_format)
    letterbox = app.extensions["mail"] = Letterbox(app)
    add_pages(app, letterbox)
    counter.add_pages(app, both_sides)
    return app


def furnish(app: Flask, folder: Path) -> None:
    """Make the demo's own database, and fill it."""
    _sweep(folder)
    folder.mkdir(parents=True, mode=0o700)
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.commit()
    with app.app_context():
        migrations.upgrade()
        scene.build()


def _sweep(folder: Path) -> None:
    """Delete a demo's database, notices and empty folders, nothing else."""
    shutil.rmtree(folder / "notices", ignore_errors=True)
    for suffix in ("", "-wal", "-shm", "-journal"):
        (folder / f"{DATABASE}{suffix}").unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
        folder.parent.rmdir()


def _welcome(address: str, port: int) -> str:
    python = Path(sys.executable)
    with contextlib.suppress(ValueError):
        python = python.relative_to(Path.cwd())
    command = f"{python} -m tenant_portal demo{'' if port == PORT else f' --port {port}'} show"
    lines = [
        "Démonstration : les deux côtés du comptoir, avec des personnes et des contrats imaginaires.",
        "",
        f"Côté locataire :            {address}/",
        "Côté bailleur :             le bouton « Côté bailleur », en haut de chaque page ; trois appels y attendent",
        f"Courrier de démonstration : {address}/demonstration/courrier",
        "",
        "Trois contrats à essayer :",
    ]
    for sample in SAMPLES:
        lines.append(f"  {KINDS[sample.kind]:<32}référence {sample.reference}   module {sample.module}")
        if sample.password:
            lines[-1] += f"   mot de passe {sample.password}"
    lines += ["", f"{KINDS[JOINABLE.kind]} : référence {JOINABLE.reference}   module {JOINABLE.module}"]
    lines += ["", "Où en est chacun (dans un autre terminal, depuis ce dossier) :"]
    lines += [f"  {command} {sample.reference}" for sample in SAMPLES]
    return "\n".join([*lines, "", "Ctrl-C arrête la démonstration et efface ses données."])
