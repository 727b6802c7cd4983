"""The doctor: every setting and service looked at, each fault named with its setting and its remedy."""

import ipaddress
import os
import shutil
import smtplib
import socket
import ssl
import subprocess  # git alone, with arguments of ours
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import click
from dotenv import find_dotenv
from flask import current_app
from flask.cli import with_appcontext
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from . import migrate
from .db import db, utcnow
from .models import Contract, Event, Import, Mail, MailState
from .settings import instance_file, settings

#: A mail that has waited longer tells that nobody delivers.
OUTBOX_LATE = timedelta(hours=1)
#: Landlords let and end leases every month; an older roster refuses new tenants.
ROSTER_OLD = timedelta(days=45)
#: A clock that lags behind what was already written by more than this is wrong.
CLOCK_SLACK = timedelta(minutes=5)
#: Least cost of Argon2id in KiB by passes (OWASP ASVS 5.0, appendix C).
ARGON2_LEAST = {1: 47_104, 2: 19_456}
#: A random key of 32 characters hardly ever has fewer different ones.
KEY_LETTERS_MIN = 8
SERVER_SECONDS = 10
RESTART = "puis redémarrez le portail"


@dataclass(frozen=True)
class Finding:
    """Something to put right: the setting or service, what is wrong with it, and what to do."""

    name: str
    what: str
    remedy: str
    #: A fault forbids going live; a warning does not.
    is_fault: bool = True


Findings = Iterator[Finding]


@click.command("doctor")
@with_appcontext
def doctor() -> None:
    """Vérifier chaque réglage et chaque service ; code 1 si le portail ne doit pas être ouvert ainsi."""
    if report(examine()):
        raise SystemExit(1)


def examine() -> list[Finding]:
    """Return everything that is wrong with this installation, faults first."""
    found = [finding for check in CHECKS for finding in check()]
    return sorted(found, key=lambda finding: not finding.is_fault)


def report(findings: list[Finding]) -> bool:
    """Print the findings; tell whether one of them is a fault."""
    for finding in findings:
        click.secho("DÉFAUT    " if finding.is_fault else "ATTENTION ", nl=False, bold=True)
        click.echo(f"{finding.name} : {finding.what}\n          Remède : {finding.remedy}.")
    faults = sum(finding.is_fault for finding in findings)
    warnings = len(findings) - faults
    click.echo(f"{_count(faults, 'défaut')}, {_count(warnings, 'avertissement')}.")
    click.echo("Le portail ne doit pas être ouvert ainsi." if faults else "Le portail peut être ouvert.")
    return faults > 0


def _count(number: int, noun: str) -> str:
    return f"{number or 'aucun'} {noun}{'s' if number > 1 else ''}"


def _check_trial_settings() -> Findings:
    """Find what is meant for trials alone."""
    config = current_app.config
    for key, is_wrong, what in (
        ("PORTAL_THROTTLE", not settings.throttle, "les essais de mots de passe ne sont pas ralentis"),
        ("PORTAL_DEMO", settings.demo, "le portail se présente comme une démonstration"),
        ("DEBUG", current_app.debug, "les pages d'erreur ouvrent le programme à n'importe qui"),
        ("TESTING", config["TESTING"], "le portail tourne comme pour un essai"),
        ("MAIL_SUPPRESS_SEND", current_app.extensions["mail"].suppress, "aucun e-mail ne part"),
        ("MAIL_DEBUG", bool(current_app.extensions["mail"].debug), "les e-mails et leurs liens sont écrits au journal"),
        ("SQLALCHEMY_ECHO", config.get("SQLALCHEMY_ECHO"), "les données des locataires sont écrites au journal"),
    ):
        if is_wrong:
            yield Finding(key, f"{what}.", f"retirez le réglage FLASK_{key}, {RESTART}")
    least = ARGON2_LEAST.get(settings.argon2_passes, ARGON2_LEAST[2])
    if settings.argon2_memory_kib < least:
        yield Finding(
            "PORTAL_ARGON2_MEMORY_KIB",
            "les mots de passe volés seraient trop vite devinés.",
            f"retirez ce réglage et PORTAL_ARGON2_PASSES, ou donnez-lui {least} au moins",
        )


def _check_address() -> Findings:
    """Find an address that tenants cannot use, or not safely."""
    host = urlsplit(settings.public_url).hostname or ""
    if _is_loopback(host) or "." not in host:
        yield Finding(
            "PORTAL_PUBLIC_URL",
            f"{settings.public_url} ne se joint pas depuis chez un locataire ; les liens des e-mails y mènent.",
            "donnez l'adresse que les locataires tapent, par exemple https://espace.bailleur.fr",
            is_fault=False,
        )
    elif not settings.is_https:
        yield Finding(
            "PORTAL_PUBLIC_URL",
            f"{settings.public_url} n'est pas en HTTPS : les mots de passe passent en clair.",
            "mettez le portail derrière HTTPS et donnez l'adresse en https://",
        )
    if settings.is_https and not current_app.config["SESSION_COOKIE_SECURE"]:
        yield Finding(
            "SESSION_COOKIE_SECURE",
            "le cookie de connexion part aussi sans HTTPS.",
            "donnez-lui la valeur true dans l'application qui accueille le portail",
        )
    if not current_app.config["SESSION_COOKIE_HTTPONLY"]:
        yield Finding("SESSION_COOKIE_HTTPONLY", "un script peut lire le cookie de connexion.", "retirez ce réglage")
    if settings.is_https and not settings.proxy_hops:
        yield Finding(
            "PORTAL_PROXY_HOPS",
            "derrière un serveur mandataire, tous les locataires auraient la même adresse d'origine.",
            "donnez-lui 1 si un serveur (nginx, Caddy…) reçoit HTTPS devant le portail",
            is_fault=False,
        )
    if str(settings.timezone) in {"UTC", "GMT"} or str(settings.timezone).startswith("Etc/"):
        yield Finding(
            "PORTAL_TIMEZONE",
            f"les heures des e-mails sont en {settings.timezone}, pas à l'heure des locataires.",
            "donnez le fuseau des locataires, par exemple Europe/Paris ou Indian/Reunion",
            is_fault=False,
        )


def _check_secrets() -> Findings:
    """Find secrets that others can read or guess."""
    key = current_app.config["SECRET_KEY"]
    key = key.decode("latin-1") if isinstance(key, bytes) else key
    fresh = "mettez-en une neuve (python -c 'import secrets; print(secrets.token_hex(32))')"
    if len(set(key)) < KEY_LETTERS_MIN:
        yield Finding("SECRET_KEY", "la clé est trop régulière pour être secrète.", f"{fresh}, {RESTART}")
    leaks = _tracked_files_with(key)
    if leaks:
        yield Finding(
            "SECRET_KEY",
            f"la clé se lit dans le dépôt git : {', '.join(leaks[:3])}.",
            f"{fresh} dans .env, que git ignore ; l'ancienne est connue, même effacée",
        )
    env = find_dotenv(usecwd=True)
    if env and _is_open_to_others(Path(env)):
        yield Finding(".env", f"{env} se lit depuis tous les comptes de la machine.", f"chmod 600 {env}")


def _tracked_files_with(secret: str) -> list[str]:
    """Return the files under git's care, here, in which that text stands."""
    git = shutil.which("git")
    if git is None:
        return []
    # The text goes in by the standard input: arguments can be seen by every account of the machine.
    asked = subprocess.run(  # noqa: S603 (git, with arguments of ours)
        [git, "grep", "--fixed-strings", "--name-only", "-f", "-"], input=secret, capture_output=True, text=True
    )
    return asked.stdout.splitlines()


def _check_database() -> Findings:
    """Find a database that is out of reach, not up to date, or open to others."""
    url, name = db.engine.url, "SQLALCHEMY_DATABASE_URI"
    if url.get_backend_name() == "sqlite":
        if url.database in {None, "", ":memory:"}:
            yield Finding(name, "la base est en mémoire : tout est perdu à l'arrêt.", "retirez ce réglage")
            return
        file = Path(str(url.database))
        if not file.exists():
            yield Finding(name, f"la base {file} n'existe pas.", "flask --app wsgi portal db upgrade")
            return
        if _is_open_to_others(file):
            yield Finding(name, f"{file} se lit depuis tous les comptes de la machine.", f"chmod 600 {file}*")
        if not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
            yield Finding(name, f"{file} ne peut pas être écrite.", f"donnez {file.parent} au compte du portail")
            return
    elif not _is_loopback(url.host or "localhost") and "sslmode" not in url.query:
        yield Finding(
            name, "la liaison avec la base n'est pas chiffrée à coup sûr.", "ajoutez ?sslmode=require", is_fault=False
        )
    try:
        db.session.execute(text("SELECT 1"))
        standing = migrate.state()
    except SQLAlchemyError as error:
        yield Finding(name, f"la base ne répond pas ({_first_line(error)}).", "vérifiez l'adresse et le serveur")
        return
    finally:
        db.session.rollback()
    if standing is migrate.State.AHEAD:
        yield Finding(name, "la base est plus récente que le programme.", "installez la version récente du portail")
    elif standing is not migrate.State.NEWEST:
        yield Finding(name, "la base n'est pas à jour.", "flask --app wsgi portal db upgrade")
    else:
        yield from _check_content()


def _check_content() -> Findings:
    """Find out whether what the database holds is alive: roster, outbox, clock."""
    now = utcnow()
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
    latest = db.session.scalar(select(func.max(Event.created_at)))
    if latest is not None and latest > now + CLOCK_SLACK:
        yield Finding("horloge", "l'heure de la machine retarde sur celle du journal.", "mettez la machine à l'heure")
    db.session.rollback()


def _check_mail() -> Findings:
    """Find a mail server that does not take our mails, or a way to it that others can read along."""
    mail = current_app.extensions["mail"]
    if mail.suppress:
        return
    where = f"{mail.server}, port {mail.port}"
    if not (mail.use_tls or mail.use_ssl or _is_loopback(mail.server)):
        yield Finding(
            "MAIL_USE_TLS",
            f"les e-mails et leurs liens vont en clair jusqu'à {where}.",
            "FLASK_MAIL_USE_TLS=true (port 587) ou FLASK_MAIL_USE_SSL=true (port 465)",
        )
    if bool(mail.username) != bool(mail.password):
        missing = "MAIL_PASSWORD" if mail.username else "MAIL_USERNAME"
        yield Finding(missing, "il manque, le portail ne s'identifie donc pas.", f"donnez FLASK_{missing}")
    try:
        with _impatience():
            yield from _talk(mail, where)
    except smtplib.SMTPAuthenticationError:
        yield Finding("MAIL_PASSWORD", f"{where} refuse le compte ou le mot de passe.", "vérifiez MAIL_USERNAME aussi")
    except smtplib.SMTPNotSupportedError as error:
        key = "MAIL_USE_TLS" if "STARTTLS" in str(error) else "MAIL_USERNAME"
        yield Finding(key, f"{where} ne sait pas le faire ({error}).", "vérifiez MAIL_PORT et MAIL_USE_SSL")
    except ssl.SSLError as error:
        yield Finding(
            "MAIL_USE_SSL" if mail.use_ssl else "MAIL_USE_TLS",
            f"la liaison chiffrée avec {where} échoue ({error.reason}).",
            "vérifiez le nom du serveur, son certificat, et MAIL_PORT (465 : MAIL_USE_SSL ; 587 : MAIL_USE_TLS)",
        )
    except (OSError, smtplib.SMTPException) as error:
        yield Finding("MAIL_SERVER", f"{where} ne répond pas ({_first_line(error)}).", "vérifiez MAIL_SERVER, MAIL_PORT")


def _talk(mail: object, where: str) -> Findings:
    """Connect as the outbox does, offer a mail from the landlord to himself, and take it back."""
    with mail.connect() as connection:  # type: ignore[attr-defined]
        server: smtplib.SMTP = connection.host
        for verb in (server.mail, server.rcpt):
            code, answer = verb(settings.landlord_email)
            if code >= 400:
                yield Finding(
                    "PORTAL_LANDLORD_EMAIL",
                    f"{where} refuse cette adresse ({code} {answer.decode(errors='replace')[:80]}).",
                    "donnez une adresse que ce serveur accepte, ou faites-la accepter",
                    is_fault=code >= 500,
                )
                break
        server.rset()


@contextmanager
def _impatience() -> Iterator[None]:
    """Let no server make us wait for long, even through a host's mail extension that knows no time limit."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SERVER_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _check_counters() -> Findings:
    """Find a store of counters that is out of reach, or that each worker has for itself."""
    uri, name = settings.rate_storage_uri, "PORTAL_RATE_STORAGE_URI"
    workers = max((int(n) for n in map(os.environ.get, ("WEB_CONCURRENCY", "GRANIAN_WORKERS")) if n and n.isdigit()), default=1)
    if uri.startswith("memory://"):
        if workers > 1:
            yield Finding(
                name,
                f"chacun des {workers} processus compte pour lui seul les essais d'une même origine.",
                "donnez redis://…, ou servez le portail par un seul processus et plusieurs fils",
            )
        return
    try:
        with _impatience():
            if storage_from_string(uri, wrap_exceptions=True).check():
                return
        reason = "ne répond pas"
    except (ConfigurationError, StorageError, OSError) as error:
        reason = _first_line(error)
    yield Finding(name, f"le compteur des essais est hors d'atteinte ({reason}).", "vérifiez l'adresse et le serveur")


def _check_folder() -> Findings:
    folder = instance_file("x").parent
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        yield Finding(
            "PORTAL_DATA_DIR",
            f"{folder} n'est pas un dossier où écrire.",
            f"créez-le, et donnez-le au compte du portail : mkdir -p {folder}",
        )


def _check_texts() -> Findings:
    """Find what the law wants said, and what a tenant who is stuck looks for."""
    for key, whose in (
        ("landlord_address", "l'adresse postale manque aux mentions légales"),
        ("legal_identity", "la forme et le numéro de la société manquent aux mentions légales"),
        ("publisher", "le directeur de la publication manque aux mentions légales"),
        ("hosting", "l'hébergeur manque aux mentions légales"),
        ("landlord_phone", "un locataire bloqué ne trouve pas de numéro à appeler"),
    ):
        if not getattr(settings, key):
            name = f"PORTAL_{key.upper()}"
            yield Finding(name, f"{whose}.", f"donnez FLASK_{name}", is_fault=False)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_open_to_others(file: Path) -> bool:
    """Tell whether every account of the machine can read the file; the folders above it may keep them out."""
    if os.name != "posix" or not file.stat().st_mode & 0o004:
        return False
    return all(folder.stat().st_mode & 0o001 for folder in file.resolve().parents)


def _first_line(error: BaseException) -> str:
    return str(error.__cause__ or error).strip().split("\n")[0][:120]


CHECKS: tuple[Callable[[], Findings], ...] = (
    _check_trial_settings,
    _check_address,
    _check_secrets,
    _check_database,
    _check_mail,
    _check_counters,
    _check_folder,
    _check_texts,
)
