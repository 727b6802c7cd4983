"""Send a mail within time limits, and say why it failed."""

import logging
import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import flask_mail
from flask import Flask, current_app

from ..db import utcnow
from ..models import Mail
from ..settings import settings
from . import rendering

#: Temporary refusals for this long are final (RFC 5321, 4.5.4.1: four to five days).
GIVE_UP = timedelta(days=5)

# Refusals of the sender, not the recipient: retry until the settings are corrected.
_ABOUT_US = re.compile(rb"(?i)\b5\.7\.[0-9]|relay|authenti")
_ENHANCED = re.compile(rb"\b[245]\.[0-9]{1,3}\.[0-9]{1,3}\b")

log = logging.getLogger("tenant_portal")


@dataclass(frozen=True)
class Failure:
    """Why a mail was not sent; the text holds no address."""

    error: str
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
        if mail.use_ssl:
            host: smtplib.SMTP = smtplib.SMTP_SSL(
                mail.server, mail.port, context=ssl.create_default_context(), **options
            )
        else:
            host = smtplib.SMTP(mail.server, mail.port, **options)
        try:
            if mail.use_tls:
                host.starttls(context=ssl.create_default_context())
            if mail.username and mail.password:
                host.login(mail.username, mail.password)
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
            self._connection.send(mail)
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
        return _answer(row, *next(iter(refused.recipients.values())))
    except smtplib.SMTPDataError as refused:
        return _answer(row, refused.smtp_code, refused.smtp_error)
    except OSError as fault:
        code = f" {fault.smtp_code}" if isinstance(fault, smtplib.SMTPResponseException) else ""
        log.warning("the mail server cannot be used: %s%s", type(fault).__name__, code)
        return Failure(f"server not usable: {type(fault).__name__}{code}", is_down=True)
    except Exception as fault:
        log.exception("mail %s cannot be handed over", row.id)
        return Failure(f"not handed over: {type(fault).__name__}")
    return None


def _answer(row: Mail, code: int, text: bytes | str) -> Failure:
    said = text.encode("ascii", "replace") if isinstance(text, str) else text
    enhanced = _ENHANCED.search(said)
    error = f"refused: {code}" + (f" {enhanced[0].decode()}" if enhanced else "")
    is_final = code >= 500 and code != 530 and not _ABOUT_US.search(said)
    is_final |= 400 <= code < 500 and utcnow() - row.created_at > GIVE_UP
    return Failure(error, is_final=is_final, is_down=code == 421)
