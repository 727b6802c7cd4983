"""Send a mail within time limits, and say why it failed."""

import logging
import re
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import flask_mail
from flask import Flask, current_app

from ..db import utcnow
from ..mail_addresses import ascii_domain
from ..models import Mail
from ..settings import settings
from . import rendering, verdicts
from .verdicts import Verdict

#: An answer that may pass is given up after this time (RFC 5321, 4.5.4.1: four to five days).
GIVE_UP = timedelta(days=5)
#: How the `error` of a mail begins that met no server.
UNUSABLE = "server not usable"

_ENHANCED = re.compile(r"\b[245]\.[0-9]{1,3}\.[0-9]{1,3}\b")

log = logging.getLogger("tenant_portal")


@dataclass(frozen=True)
class Failure:
    """Why a mail was not sent; the text holds no address."""

    error: str
    verdict: Verdict = Verdict.LATER
    is_final: bool = False
    is_down: bool = False


class TimeoutMail(flask_mail.Mail):
    """Flask-Mail with time limits and a checked server certificate (ASVS 12.3.2)."""

    #: Seconds for each answer of the server.
    timeout: float = 20

    def init_app(self, app: Flask) -> Any:
        """Register with the application, so that Flask-Mail finds our `connect`."""
        mail_state = self.init_mail(app.config, app.debug, app.testing)
        app.extensions["mail"] = self
        return mail_state

    def connect(self) -> flask_mail.Connection:
        """Return a connection with time limits."""
        return TimeoutConnection(self)


class _Utf8(str):
    """A text that smtplib sends as UTF-8 (RFC 4616), though it asks for ASCII."""

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return super().encode("utf-8", errors)


class _Utf8Login:
    """Names and passwords with accents, on which smtplib fails."""

    def auth(self, mechanism: str, authobject: Callable[..., str | None], **options: Any) -> Any:
        def as_utf8(*challenge: bytes) -> str | None:
            answer = authobject(*challenge)
            return None if answer is None else _Utf8(answer)

        return super().auth(mechanism, as_utf8, **options)  # type: ignore[misc]


class _Smtp(_Utf8Login, smtplib.SMTP):
    pass


class _SmtpOverTls(_Utf8Login, smtplib.SMTP_SSL):
    pass


class TimeoutConnection(flask_mail.Connection):
    """A connection with time limits."""

    mail: TimeoutMail

    def configure_host(self) -> smtplib.SMTP:
        """Connect, with TLS and login as the settings say."""
        mail = self.mail
        options: dict[str, Any] = {
            "local_hostname": urlsplit(settings.public_url).hostname,  # looking the machine's own name up may be slow
            "timeout": mail.timeout,
        }
        server = ascii_domain(mail.server)
        if mail.use_ssl:
            host: smtplib.SMTP = _SmtpOverTls(server, mail.port, context=ssl.create_default_context(), **options)
        else:
            host = _Smtp(server, mail.port, **options)
        try:
            if mail.use_tls:
                host.starttls(context=ssl.create_default_context())
            if mail.username and mail.password:
                host.login(mail.username, _Utf8(mail.password))
        except OSError:
            host.close()
            raise
        return host

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self.host is not None and exc_type is None:
            self.host.quit()
        elif self.host is not None:
            self.host.close()  # QUIT would wait again for a silent server


class SmtpSession:
    """One connection for a round of mails, opened for the first."""

    def __init__(self) -> None:
        self._connection: Any = None

    def send(self, mail: flask_mail.Message) -> None:
        """Send; reconnect once if the server closed a reused connection."""
        is_reused = self._connection is not None
        try:
            self._send_once(mail)
        except (smtplib.SMTPServerDisconnected, smtplib.SMTPSenderRefused) as fault:
            if not is_reused or getattr(fault, "smtp_code", 421) != 421:
                raise
            self._send_once(mail)

    def _send_once(self, mail: flask_mail.Message) -> None:
        if self._connection is None:
            self._connection = current_app.extensions["mail"].connect().__enter__()
        try:
            self._connection.send(mail, envelope_from=rendering.envelope_sender(str(mail.msgId)))
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError):
            raise
        except OSError as fault:
            self.close(fault)
            raise

    def close(self, fault: OSError | None = None) -> None:
        """Close the connection; errors no longer matter."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError):
                connection.__exit__(type(fault) if fault else None, fault, None)


def server_name() -> str:
    """Return the name of the server that takes our mails."""
    return str(getattr(current_app.extensions["mail"], "server", None) or "")[:255]


def hand_over(row: Mail, server: SmtpSession) -> Failure | None:
    """Compose and send the mail; return why it failed, or None."""
    try:
        mail = rendering.compose(row)
    except Exception as fault:  # one broken mail must not hold up the others
        log.exception("mail %s cannot be composed", row.id)
        return Failure(f"not composed: {type(fault).__name__}")
    try:
        server.send(mail)
    except smtplib.SMTPRecipientsRefused as refused:
        return _refusal(row, *next(iter(refused.recipients.values())))
    except smtplib.SMTPDataError as refused:
        return _refusal(row, refused.smtp_code, refused.smtp_error)
    except OSError as fault:
        failure = _unusable(fault)
        log.warning("the mail server cannot be used: %s", failure.error)
        return failure
    except Exception as fault:
        log.exception("mail %s cannot be handed over", row.id)
        return Failure(f"not handed over: {type(fault).__name__}")
    return None


def _refusal(row: Mail, code: int, text: bytes | str) -> Failure:
    said = _words(text)
    verdict = verdicts.read(said, code=code)
    is_final = verdict is Verdict.GONE or utcnow() - row.created_at > GIVE_UP
    return Failure(_error(verdict, code, said), verdict, is_final, is_down=code == 421)


def _unusable(fault: OSError) -> Failure:
    """Return why no mail can be handed over: the server is away, or refuses us before it hears of a recipient."""
    if isinstance(fault, smtplib.SMTPResponseException):
        code, said = fault.smtp_code, _words(fault.smtp_error)
        if code >= 500 or verdicts.read(said, code=code) is Verdict.ABOUT_US:
            return Failure(_error(Verdict.ABOUT_US, code, said), Verdict.ABOUT_US, is_down=True)
        return Failure(f"{UNUSABLE}: {type(fault).__name__} {code}", is_down=True)
    return Failure(f"{UNUSABLE}: {type(fault).__name__}", is_down=True)


def _error(verdict: Verdict, code: int, said: str) -> str:
    enhanced = _ENHANCED.search(said)
    return f"{verdicts.named(verdict, said, code)}: {code}" + (f" {enhanced[0]}" if enhanced else "")


def _words(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
