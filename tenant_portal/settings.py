"""Every setting in one table, with its default, meaning and allowed values."""

import os
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import current_app
from werkzeug.local import LocalProxy

from .errors import ConfigError
from .mail_addresses import ascii_domain

#: Hexadecimal characters of 128 bits (ASVS 11.2.3).
SECRET_KEY_MIN = 32


def _text(value: Any) -> str:
    return str(value).strip()


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in {"1", "true", "yes", "on", "oui"}:
        return True
    if text in {"0", "false", "no", "off", "non", ""}:
        return False
    raise ValueError("true or false")


def _count(low: int, high: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]+", str(value).strip()):
            raise ValueError(f"a whole number from {low} to {high}")
        number = int(value)
        if not low <= number <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return number

    return parse


def _length(value: Any) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,2})(?:-([0-9]{1,2}))?", str(value).strip())
    low, high = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= low <= high <= 20:
        raise ValueError("two bounds within 1 and 20, such as 1-12, or one exact length, such as 8")
    return low, high


def _words(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(filter(None, map(_text, parts)))


def _address(value: Any) -> str:
    text = _text(value)
    local, _, domain = text.rpartition("@")
    if not re.fullmatch(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\".]+", text) or not local.isascii():
        raise ValueError("a mail address, such as contact@landlord.fr")
    ascii_domain(domain)
    return text


def _optional_address(value: Any) -> str:
    return _address(value) if _text(value) else ""


def _public_url(value: Any) -> str:
    text = _text(value).rstrip("/")
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("the address that tenants type, such as https://espace.landlord.fr")
    # Browsers ask for the name in ASCII, and the mail server is greeted with it.
    netloc = parts.netloc.lower().replace(parts.hostname, ascii_domain(parts.hostname))
    return text if parts.netloc.isascii() else parts._replace(netloc=netloc).geturl()


def _prefix(value: Any) -> str:
    text = _text(value).rstrip("/")
    if text and not re.fullmatch(r"(/[a-z0-9][a-z0-9._-]*)+", text):
        raise ValueError("empty, or a path such as /locataire")
    return text


def _colour(value: Any) -> str:
    text = _text(value).lower()
    if not re.fullmatch(r"#[0-9a-f]{6}", text):
        raise ValueError("six hexadecimal digits after #, such as #1d5c63")
    return text


def _web_address(value: Any) -> str:
    text = _text(value)
    if text and not re.fullmatch(r"(https?://[^\s\"'<>]+|/(?!/)[^\s\"'<>]*)", text):
        raise ValueError("empty, or an address that begins with https:// or /")
    return text


def _https_address(value: Any) -> str:
    text = _text(value)
    if text and not re.fullmatch(r"https://[^\s\"'<>]+", text):
        raise ValueError("empty, or an address that begins with https://")
    return text


def _token(value: Any) -> str:
    text = _text(value)
    if text and not re.fullmatch(r"[!-~]{20,}", text):
        raise ValueError("empty, or 20 characters or more without spaces or accents")
    return text


def _zone(value: Any) -> ZoneInfo:
    try:
        return ZoneInfo(_text(value))
    except (KeyError, ValueError, OSError):
        raise ValueError("a time zone such as Europe/Paris or Indian/Reunion") from None


def _one_of(*allowed: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        text = _text(value)
        if text not in allowed:
            raise ValueError(" or ".join(repr(a) for a in allowed))
        return text

    return parse


def _duration(unit: str, low: int, high: int) -> Callable[[Any], timedelta]:
    count = _count(low, high)
    return lambda value: timedelta(**{unit: count(value)})


def _setting(meaning: str, parse: Callable[[Any], Any], default: Any = MISSING) -> Any:
    """Declare one row; without a default it must be given."""
    return field(metadata={"meaning": meaning, "parse": parse, "default": default})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The portal's settings, read once at start; `PORTAL_` and the name in capitals is the key."""

    public_url: str = _setting("address that tenants type; links in mails are built from it", _public_url)
    url_prefix: str = _setting("path below which the portal's pages stand in its application", _prefix, "")
    landlord_name: str = _setting("name shown on each page and as the sender of mails", _text)
    landlord_email: str = _setting("address that sends the mails and receives the messages", _address)
    bounce_address: str = _setting(
        "mailbox for delivery reports; each mail leaves with +, a mark of its own and @; empty: landlord_email",
        _optional_address,
        "",
    )
    imap_server: str = _setting("IMAP server of that mailbox, for `mail bounce --imap`", _text, "")
    imap_port: int = _setting("its port, encrypted from the first byte", _count(1, 65_535), 993)
    imap_username: str = _setting("name that opens the mailbox", _text, "")
    imap_password: str = _setting("password that opens the mailbox", _text, "")
    imap_folder: str = _setting("folder that reports arrive in", _text, "INBOX")
    imap_done_folder: str = _setting("folder that reports are moved to once they are noted", _text, "Rapports lus")
    landlord_phone: str = _setting("telephone number shown on each page", _text, "")
    landlord_hours: str = _setting("opening hours shown beside the telephone number", _text, "")
    landlord_address: str = _setting("postal address, for the legal pages", _text, "")
    legal_identity: str = _setting("legal form, capital and registration number, for the legal pages", _text, "")
    publisher: str = _setting("director of publication, for the legal pages", _text, "")
    hosting: str = _setting("name, address and telephone of the hosting company, for the legal pages", _text, "")
    dpo_contact: str = _setting("how to reach the data protection officer; empty: the landlord", _text, "")
    accessibility: str = _setting(
        "state declared under RGAA",
        _one_of("non conforme", "partiellement conforme", "totalement conforme"),
        "non conforme",
    )
    logo_url: str = _setting("address of the landlord's logo; empty: a drawn house", _web_address, "")
    brand_colour: str = _setting(
        "the landlord's colour; darkened or lightened where contrast asks for it", _colour, "#1d5c63"
    )
    payment_url: str = _setting("page of the landlord where rent is paid; empty: no link", _https_address, "")
    timezone: ZoneInfo = _setting("time zone of every date that people read", _zone, "Europe/Paris")
    data_dir: str = _setting("folder of the documents; empty: the instance folder", _text, "")
    reference_length: tuple[int, int] = _setting("digits of a contract reference", _length, "1-12")
    module_length: tuple[int, int] = _setting("digits of a module number", _length, "1-12")
    direct_debit_words: tuple[str, ...] = _setting(
        "payments of the roster that are direct debit, beside those known: whole cells, with commas between", _words, ""
    )
    other_payment_words: tuple[str, ...] = _setting(
        "payments of the roster that are not direct debit, beside those known: whole cells, with commas between",
        _words,
        "",
    )
    activation_hours: timedelta = _setting("validity of an activation link", _duration("hours", 1, 720), 72)
    reset_hours: timedelta = _setting("validity of a reset link", _duration("hours", 1, 24), 1)
    email_change_hours: timedelta = _setting("validity of a mail-change link", _duration("hours", 1, 168), 24)
    unfinished_days: timedelta = _setting(
        "days after which an unfinished sign-up is erased", _duration("days", 1, 365), 30
    )
    after_lease_months: int = _setting(
        "months after its end that a lease, its documents and the login to them stay", _count(1, 120), 36
    )
    remember_days: timedelta = _setting("days that «Mémoriser» lasts", _duration("days", 1, 90), 14)
    session_hours: timedelta = _setting("longest login without «Mémoriser»", _duration("hours", 1, 24), 12)
    session_idle_minutes: timedelta = _setting(
        "idle time that ends a login, and what the browser keeps of a sign-up", _duration("minutes", 5, 720), 30
    )
    argon2_memory_kib: int = _setting("memory of one password hash", _count(8, 1_048_576), 19_456)
    argon2_passes: int = _setting("passes of one password hash", _count(1, 10), 2)
    proxy_hops: int = _setting(
        "reverse proxies in front of the portal whose X-Forwarded headers are believed", _count(0, 5), 0
    )
    rate_storage_uri: str = _setting(
        "where counters per address of origin live: memory:// or redis://…", _text, "memory://"
    )
    throttle: bool = _setting("slow down guessing; false only for trials on a closed machine", _flag, True)
    log_format: str = _setting("how `create_app` writes its log: text or json", _one_of("text", "json"), "text")
    metrics_token: str = _setting("opens `/metrics` to whoever sends it as Bearer token; empty: closed", _token, "")
    mail_after_response: bool = _setting(
        "deliver mails from the web process too; false: only `flask portal mail send`", _flag, True
    )
    reply_days: int = _setting("working days within which the landlord answers a message", _count(1, 60), 2)
    demo: bool = _setting("set by the demo alone: shows its mails on a page of their own", _flag, False)

    @property
    def is_https(self) -> bool:
        """Tell whether tenants reach the portal over HTTPS."""
        return self.public_url.startswith("https://")


def key_of(row: "Field[Any]") -> str:
    """Return the configuration key of a row."""
    return f"PORTAL_{row.name.upper()}"


def read(config: Mapping[str, Any]) -> Settings:
    """Return the settings of a configuration; raise `ConfigError` with every mistake."""
    values: dict[str, Any] = {}
    mistakes = _secret_key_mistakes(config)
    known = {key_of(row) for row in fields(Settings)}
    for row in fields(Settings):
        given = config.get(key_of(row))
        if given is None or (given == "" and row.metadata["default"] is MISSING):
            if row.metadata["default"] is MISSING:
                mistakes.append(f"{key_of(row)} is missing: {row.metadata['meaning']}")
                continue
            given = row.metadata["default"]
        try:
            values[row.name] = row.metadata["parse"](given)
        except ValueError as wrong:
            mistakes.append(f"{key_of(row)} is {given!r}, but must be {wrong}")
    mistakes += _mail_server_mistakes(config)
    mistakes += [
        f"{key} is not a setting of the portal; see the table of settings"
        for key in sorted(config)
        if key.startswith("PORTAL_") and key not in known
    ]
    if mistakes:
        raise ConfigError(mistakes)
    return Settings(**values)


def _mail_server_mistakes(config: Mapping[str, Any]) -> list[str]:
    try:
        ascii_domain(_text(config.get("MAIL_SERVER", "")))
    except ValueError as wrong:
        return [f"MAIL_SERVER is {config['MAIL_SERVER']!r}, but must be {wrong}"]
    return []


def _secret_key_mistakes(config: Mapping[str, Any]) -> list[str]:
    keys = [("SECRET_KEY", config.get("SECRET_KEY"))]
    fallbacks = config.get("SECRET_KEY_FALLBACKS") or []
    if isinstance(fallbacks, str | bytes):
        return ['SECRET_KEY_FALLBACKS must be a list, such as ["the former key"]']
    keys += [("SECRET_KEY_FALLBACKS", key) for key in fallbacks]
    remedy = "python -c 'import secrets; print(secrets.token_hex(32))' makes one"
    mistakes = []
    for name, key in keys:
        if not key:
            mistakes.append(f"{name} is missing; {remedy}")
        elif not isinstance(key, str | bytes) or len(key) < SECRET_KEY_MIN:
            mistakes.append(f"{name} is shorter than {SECRET_KEY_MIN} characters; {remedy}")
    return mistakes


@dataclass
class State:
    """What `app.extensions["portal"]` keeps; any process can make its `cache` anew."""

    settings: Settings
    options: Mapping[str, Any] = field(default_factory=lambda: types.MappingProxyType({}))
    cache: dict[Any, Any] = field(default_factory=dict)


state = cast(State, LocalProxy(lambda: current_app.extensions["portal"]))
settings = cast(Settings, LocalProxy(lambda: current_app.extensions["portal"].settings))


def workers() -> int:
    """Return how many processes serve the portal here, by their environment."""
    told = [os.environ.get(key, "") for key in ("WEB_CONCURRENCY", "GRANIAN_WORKERS")]
    told += re.findall(r"--workers[ =]+([0-9]+)", os.environ.get("PORTAL_SERVER_OPTIONS", ""))
    return max((int(count) for count in told if count.isdigit()), default=1) or 1


def instance_file(name: str) -> Path:
    """Return a path in the data folder."""
    return Path(settings.data_dir or current_app.instance_path) / name
