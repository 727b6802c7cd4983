"""The doctor's checks of services: database, mail server, counters, folder."""

import os
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from flask import current_app
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string
from sqlalchemy import column, func, select, table, text
from sqlalchemy.exc import SQLAlchemyError

from ..db import db, utcnow
from ..mail import remedies, rendering
from ..models import Contract, Event, Import, Mail, MailState
from ..settings import instance_file, settings, state, workers
from . import migrations
from .settings_checks import Finding, Findings, is_loopback, is_open_to_others

#: A mail that waits longer shows that nobody delivers.
OUTBOX_LATE = timedelta(hours=1)
#: An older roster lacks the leases of a month.
ROSTER_OLD = timedelta(days=45)
#: The clock may lag behind the newest row by this.
CLOCK_SLACK = timedelta(minutes=5)
#: With these, libpq requires encryption.
SSL_MODES = {"require", "verify-ca", "verify-full"}
_ANY_ID = f"<{'0' * 32}@>"
#: For the answer of a server.
SERVER_SECONDS = 10


def check_database() -> Findings:
    """Check that the database answers, is up to date and closed to others."""
    url, name = db.engine.url, "SQLALCHEMY_DATABASE_URI"
    if url.get_backend_name() == "sqlite":
        if url.database in {None, "", ":memory:"}:
            yield Finding(name, "la base est en mémoire : tout est perdu à l'arrêt.", "retirez ce réglage")
            return
        file = Path(str(url.database))
        if not file.exists():
            yield Finding(name, f"la base {file} n'existe pas.", "flask --app wsgi portal db upgrade")
            return
        if is_open_to_others(file):
            yield Finding(name, f"{file} se lit depuis tous les comptes de la machine.", f"chmod 600 {file}*")
        if not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
            yield Finding(name, f"{file} ne peut pas être écrite.", f"donnez {file.parent} au compte du portail")
            return
    elif not is_loopback(url.host or "localhost") and url.query.get("sslmode") not in SSL_MODES:
        yield Finding(
            name, "la liaison avec la base n'est pas chiffrée à coup sûr.", "ajoutez ?sslmode=require", is_fault=False
        )
    try:
        db.session.execute(text("SELECT 1"))
        standing = migrations.state()
    except SQLAlchemyError as error:
        yield Finding(name, f"la base ne répond pas ({_first_line(error)}).", "vérifiez l'adresse et le serveur")
        return
    finally:
        db.session.rollback()
    if standing is migrations.State.AHEAD:
        yield Finding(name, "la base est plus récente que le programme.", "installez la version récente du portail")
    elif standing is not migrations.State.NEWEST:
        yield Finding(name, "la base n'est pas à jour.", "flask --app wsgi portal db upgrade")
    else:
        yield from _check_content()


def _check_content() -> Findings:
    now = utcnow()
    # By its name: the table is of a room above this one.
    owners = select(func.count()).select_from(table("portal_staff")).where(column("role") == "owner")
    if state.options.get("has_own_staff") and not db.session.scalar(owners):
        yield Finding(
            "gestion",
            "aucun responsable ne peut entrer à la gestion : ses pages n'existent pas.",
            "flask --app wsgi portal staff add ADRESSE --owner",
            is_fault=False,
        )
    imported = db.session.scalar(select(func.max(Import.created_at)))
    if not db.session.scalar(select(func.count()).select_from(Contract)):
        yield Finding(
            "contrats",
            "aucun contrat n'est importé, personne ne peut créer de compte.",
            "flask --app wsgi portal contracts import FICHIER",
            is_fault=False,
        )
    elif imported is None or now - imported > ROSTER_OLD:
        since = f"date du {imported.astimezone(settings.timezone):%d/%m/%Y}" if imported else "est sans date"
        yield Finding(
            "contrats",
            f"la liste {since} : les nouveaux locataires n'y sont pas.",
            "importez une liste récente (flask --app wsgi portal contracts import FICHIER)",
            is_fault=False,
        )
    waiting = db.session.scalar(select(func.min(Mail.created_at)).where(Mail.state == MailState.WAITING))
    if waiting is not None and now - waiting > OUTBOX_LATE:
        yield Finding(
            "courrier",
            f"un e-mail attend depuis {int((now - waiting).total_seconds() // 3600)} h.",
            "vérifiez le serveur de messagerie, puis flask --app wsgi portal mail send --now",
            is_fault=False,
        )
    for needed in remedies.needed():
        yield Finding("courrier", needed.what, needed.remedy, is_fault=needed.is_urgent)
    latest = db.session.scalar(select(func.max(Event.created_at)))
    if latest is not None and latest > now + CLOCK_SLACK:
        yield Finding("horloge", "l'heure de la machine retarde sur celle du journal.", "mettez la machine à l'heure")
    db.session.rollback()


def check_mail() -> Findings:
    """Check that the mail server accepts our mails over an encrypted connection."""
    mail = current_app.extensions["mail"]
    if mail.suppress:
        return
    where = f"{mail.server}, port {mail.port}"
    if not (mail.use_tls or mail.use_ssl or is_loopback(mail.server)):
        yield Finding(
            "MAIL_USE_TLS",
            f"les e-mails et leurs liens vont en clair jusqu'à {where}.",
            "FLASK_MAIL_USE_TLS=true (port 587) ou FLASK_MAIL_USE_SSL=true (port 465)",
        )
    if bool(mail.username) != bool(mail.password):
        missing = "MAIL_PASSWORD" if mail.username else "MAIL_USERNAME"
        yield Finding(missing, "il manque, le portail ne s'identifie donc pas.", f"donnez FLASK_{missing}")
    try:
        with _socket_timeout():
            yield from _offer_mail(mail, where)
    except smtplib.SMTPAuthenticationError:
        yield Finding("MAIL_PASSWORD", f"{where} refuse le compte ou le mot de passe.", "vérifiez MAIL_USERNAME aussi")
    except smtplib.SMTPNotSupportedError as error:
        key = "MAIL_USE_TLS" if "STARTTLS" in str(error) else "MAIL_USERNAME"
        yield Finding(key, f"{where} ne sait pas le faire ({error}).", "vérifiez MAIL_PORT et MAIL_USE_SSL")
    except ssl.SSLCertVerificationError as error:
        yield Finding(
            "MAIL_SERVER",
            f"le certificat de {where} n'est pas reconnu ({error.verify_message}).",
            "donnez à MAIL_SERVER le nom qui figure dans le certificat, ou installez un certificat reconnu",
        )
    except ssl.SSLError as error:
        yield Finding(
            "MAIL_USE_SSL" if mail.use_ssl else "MAIL_USE_TLS",
            f"la liaison chiffrée avec {where} échoue ({error.reason}).",
            "vérifiez le nom du serveur, son certificat, et MAIL_PORT (465 : MAIL_USE_SSL ; 587 : MAIL_USE_TLS)",
        )
    except (OSError, smtplib.SMTPException) as error:
        reason = _first_line(error)
        yield Finding("MAIL_SERVER", f"{where} ne répond pas ({reason}).", "vérifiez MAIL_SERVER et MAIL_PORT")


def _offer_mail(mail: object, where: str) -> Findings:
    """Connect as the outbox does, and offer a mail without sending it."""
    with mail.connect() as connection:  # type: ignore[attr-defined]
        server: smtplib.SMTP = connection.host
        server.ehlo_or_helo_if_needed()
        own = rendering.ascii_address(settings.landlord_email)
        for verb, address in ((server.mail, rendering.envelope_sender(_ANY_ID)), (server.rcpt, own)):
            code, answer = verb(address)
            if code >= 400:
                yield Finding(
                    "PORTAL_BOUNCE_ADDRESS" if address != own else "PORTAL_LANDLORD_EMAIL",
                    f"{where} refuse cette adresse ({code} {answer.decode(errors='replace')[:80]}).",
                    "donnez une adresse que ce serveur accepte, ou faites-la accepter",
                    is_fault=code >= 500,
                )
                break
        server.rset()


@contextmanager
def _socket_timeout() -> Iterator[None]:
    """Limit every wait, as a host's mail extension may have no timeout."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SERVER_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def check_counters() -> Findings:
    """Check that the counters answer and are shared by all workers."""
    uri, name = settings.rate_storage_uri, "PORTAL_RATE_STORAGE_URI"
    if uri.startswith("memory://"):
        if workers() > 1:
            yield Finding(
                name,
                f"chacun des {workers()} processus compte pour lui seul les essais d'une même origine.",
                "donnez redis://…, ou servez le portail par un seul processus et plusieurs fils",
            )
        return
    parts = urlsplit(uri)
    if parts.hostname and not is_loopback(parts.hostname):
        if not parts.password:
            yield Finding(
                name,
                "qui atteint Redis efface les délais d'attente : il n'y a pas de mot de passe.",
                "donnez-en un à Redis (requirepass), puis rediss://:MOTDEPASSE@…",
            )
        if parts.scheme in {"redis", "redis+cluster", "redis+sentinel"}:
            yield Finding(name, "la liaison avec Redis n'est pas chiffrée.", "donnez rediss://…", is_fault=False)
    try:
        with _socket_timeout():
            if storage_from_string(uri, wrap_exceptions=True).check():
                return
        reason = "ne répond pas"
    except (ConfigurationError, StorageError, OSError) as error:
        reason = _first_line(error)
    yield Finding(name, f"le compteur des essais est hors d'atteinte ({reason}).", "vérifiez l'adresse et le serveur")


def check_folder() -> Findings:
    """Check that the documents' folder is writable, and closed to others."""
    folder = instance_file("x").parent
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        yield Finding(
            "PORTAL_DATA_DIR",
            f"{folder} n'est pas un dossier où écrire.",
            f"créez-le, et donnez-le au compte du portail : mkdir -p {folder}",
        )
    elif is_open_to_others(folder):
        what = f"{folder} et ses avis d'échéance se lisent depuis tous les comptes de la machine."
        yield Finding("PORTAL_DATA_DIR", what, f"chmod 700 {folder}")


def _first_line(error: BaseException) -> str:
    return str(error.__cause__ or error).strip().split("\n")[0][:120]
