"""The doctor's checks of settings."""

import ipaddress
import os
import shutil
import subprocess  # git alone, with arguments of ours
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import find_dotenv
from flask import current_app

from ..db import db
from ..settings import settings

#: Least memory of Argon2id in KiB by passes (OWASP ASVS 5.0, appendix C).
ARGON2_LEAST = {1: 47_104, 2: 19_456}
#: A random key of 32 characters has more different ones.
KEY_LETTERS_MIN = 8
RESTART = "puis redémarrez le portail"


@dataclass(frozen=True)
class Finding:
    """A setting or service, what is wrong with it, and the remedy."""

    name: str
    what: str
    remedy: str
    #: A fault forbids going live.
    is_fault: bool = True


Findings = Iterator[Finding]


def check_trial_settings() -> Findings:
    """Find settings meant for trials."""
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


def check_address() -> Findings:
    """Check that tenants can reach the address safely."""
    host = urlsplit(settings.public_url).hostname or ""
    if is_loopback(host) or "." not in host:
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


def check_secrets() -> Findings:
    """Find secrets that can be read or guessed, or serve twice."""
    key = _text(current_app.config["SECRET_KEY"])
    former = [_text(one) for one in current_app.config.get("SECRET_KEY_FALLBACKS") or []]
    fresh = "mettez-en une neuve (python -c 'import secrets; print(secrets.token_hex(32))')"
    named = [("SECRET_KEY", key), *(("SECRET_KEY_FALLBACKS", one) for one in former)]
    for name, secret in [*named, ("PORTAL_METRICS_TOKEN", settings.metrics_token)]:
        if secret and len(set(secret)) < KEY_LETTERS_MIN:
            yield Finding(name, "la clé est trop régulière pour être secrète.", f"{fresh}, {RESTART}")
    others = {
        "SECRET_KEY_FALLBACKS": former,
        "PORTAL_METRICS_TOKEN": [settings.metrics_token],
        "MAIL_PASSWORD": [current_app.extensions["mail"].password],
        "SQLALCHEMY_DATABASE_URI": [db.engine.url.password],
    }
    for name in [name for name, values in others.items() if key in values]:
        yield Finding("SECRET_KEY", f"la même clé sert de {name} : qui a l'une a l'autre.", f"{fresh}, {RESTART}")
    leaks = _tracked_files_with(key)
    if leaks:
        yield Finding(
            "SECRET_KEY",
            f"la clé se lit dans le dépôt git : {', '.join(leaks[:3])}.",
            f"{fresh} dans .env, que git ignore ; l'ancienne est connue, même effacée",
        )
    env = find_dotenv(usecwd=True)
    if env and is_open_to_others(Path(env)):
        yield Finding(".env", f"{env} se lit depuis tous les comptes de la machine.", f"chmod 600 {env}")


def _text(secret: str | bytes) -> str:
    return secret.decode("latin-1") if isinstance(secret, bytes) else secret


def _tracked_files_with(secret: str) -> list[str]:
    """Return the tracked files that hold the secret."""
    git = shutil.which("git")
    if git is None:
        return []
    # By standard input: every account of the machine can see arguments.
    asked = subprocess.run(  # noqa: S603 (git, with arguments of ours)
        [git, "grep", "--fixed-strings", "--name-only", "-f", "-"], input=secret, capture_output=True, text=True
    )
    return asked.stdout.splitlines()


def check_texts() -> Findings:
    """Find missing legal texts, and a missing phone number."""
    for key, whose in (
        ("landlord_address", "l'adresse postale manque aux mentions légales"),
        ("legal_identity", "la forme et le numéro de l'organisme manquent aux mentions légales"),
        ("publisher", "le directeur de la publication manque aux mentions légales"),
        ("hosting", "l'hébergeur manque aux mentions légales"),
        ("landlord_phone", "un locataire bloqué ne trouve pas de numéro à appeler"),
    ):
        if not getattr(settings, key):
            name = f"PORTAL_{key.upper()}"
            yield Finding(name, f"{whose}.", f"donnez FLASK_{name}", is_fault=False)


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_open_to_others(file: Path) -> bool:
    """Tell whether every account of the machine can reach and read the file."""
    if os.name != "posix" or not file.stat().st_mode & 0o004:
        return False
    return all(folder.stat().st_mode & 0o001 for folder in file.resolve().parents)
