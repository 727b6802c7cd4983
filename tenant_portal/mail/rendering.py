"""Render a mail in its language, with headers for every mail program."""

import re
import secrets
from email import policy
from email.charset import QP, Charset
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime

import flask_mail
from flask import current_app

from .. import contrast, i18n, template_names
from ..accounts import progress
from ..models import Contract, Mail
from ..settings import settings
from . import quotes

#: Quoted-printable: every server passes it on unchanged.
_UTF8 = Charset("utf-8")
_UTF8.body_encoding = QP
#: The new policy's folding breaks names with commas and accents.
_POLICY = policy.compat32.clone(linesep="\r\n")

_BLANKS = re.compile(r"[ \t]*\n(?:[ \t]*\n)+")
_SPECIALS = re.compile(r"[\"\\]")


class RenderedMail(flask_mail.Message):
    """Flask-Mail's message with our own headers and Message-ID, the same bytes each time."""

    def __init__(self, row: Mail, *, subject: str, text: str, html: str, reply_to: str = "") -> None:
        name = _SPECIALS.sub(r"\\\g<0>", one_line(settings.landlord_name))
        super().__init__(
            subject=one_line(subject),
            recipients=[ascii_address(row.recipient)],
            body=text,
            html=html,
            sender=f'"{name}" <{ascii_address(settings.landlord_email)}>',
            reply_to=ascii_address(reply_to) if reply_to else None,
            date=row.created_at.timestamp(),
        )
        self.msgId = row.message_id
        self.written_at, self.language = row.created_at, row.language

    def as_bytes(self) -> bytes:
        """Return the mail for the server."""
        mail = MIMEMultipart("alternative")
        mail["From"] = f"{_encoded(settings.landlord_name, 'From')} <{ascii_address(settings.landlord_email)}>"
        mail["To"] = str(self.recipients[0])
        if self.reply_to:
            mail["Reply-To"] = str(self.reply_to)
        mail["Subject"] = _encoded(self.subject, "Subject")
        mail["Date"] = format_datetime(self.written_at.astimezone(settings.timezone))
        mail["Message-ID"] = self.msgId
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic reply
        mail["Content-Language"] = self.language
        mail.attach(MIMEText(self.body or "", "plain", _UTF8))  # type: ignore[arg-type]
        mail.attach(MIMEText(self.html or "", "html", _UTF8))  # type: ignore[arg-type]
        return mail.as_bytes(policy=_POLICY)

    def as_string(self) -> str:
        """Return the mail as text."""
        return self.as_bytes().decode("ascii")


def compose(row: Mail) -> RenderedMail:
    """Return the mail of an outbox row, in its language."""
    content = row.content or {}
    with i18n.speaking(row.language):
        text = _render(row, "txt")
        html = _render(row, "html")
    subject, _, body = text.strip().partition("\n")
    return RenderedMail(
        row,
        subject=subject,
        text=_BLANKS.sub("\n\n", body).strip() + "\n",
        html=html,
        reply_to=content.get("reply_to", ""),
    )


def new_message_id() -> str:
    """Return an unguessable Message-ID, so that only a recipient of the mail can report it as bounced."""
    domain = ascii_address(settings.landlord_email).rpartition("@")[2]
    return f"<{secrets.token_hex(16)}@{domain[-80:].lstrip('.-')}>"


def ascii_address(address: str) -> str:
    """Return the address with its domain in ASCII (RFC 5891)."""
    local, _, domain = one_line(address).rpartition("@")
    plain = f"{local}@{domain.encode('idna').decode('ascii')}"
    if not plain.isascii() or not local or re.search(r"[\s<>,;:\"()\[\]\\]", plain):
        raise ValueError("an address that no server would take")
    return plain


def one_line(text: str) -> str:
    """Return the text without control characters: a line break could begin a header."""
    return re.sub(r"[\x00-\x20\x7f\x85\u2028\u2029]+", " ", text).strip(" ")


def onboarding_text(contract: Contract) -> str:
    """Return a contract's progress as text for staff."""
    template = current_app.jinja_env.get_template("portal/standing.txt")
    status = progress.onboarding_status(contract)
    return template.render(contract=contract, standing=status, **template_names.names(i18n.language(), is_html=False))


def _render(row: Mail, part: str) -> str:
    """Render without `render_template`, as a host's context processors may need a request."""
    template = current_app.jinja_env.get_template(f"portal/mail/{row.kind}.{part}")
    return template.render(
        **{
            **(row.content or {}),
            **template_names.names(i18n.language(), is_html=part == "html"),
            "plain": i18n.gettext,
            "typed": quotes.typed,
            "quoted": quotes.quoted,
            "ink": contrast.ink(settings.brand_colour),
        }
    )


def _encoded(text: str, header: str) -> str:
    return Header(one_line(text), "utf-8", header_name=header).encode(linesep="\r\n")
