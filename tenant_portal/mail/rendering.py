"""Render a mail in its language, with headers for every mail program."""

import logging
import re
import secrets
from binascii import b2a_qp
from email.header import Header
from email.utils import format_datetime
from functools import lru_cache
from typing import NamedTuple

import flask_mail
from flask import current_app
from jinja2 import UndefinedError

from .. import contrast, formats, i18n, template_names
from ..accounts import consents, office_acts, progress
from ..accounts.standing_words import SITUATIONS
from ..mail_addresses import ascii_domain
from ..models import Contract, Mail
from ..settings import settings
from . import contents, fates, quotes

#: RFC 3834, and Exchange's own: no automatic reply.
_AUTOMATIC = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}

_BLANKS = re.compile(r"[ \t]*\n(?:[ \t]*\n)+")
_SPECIALS = re.compile(r"[\"\\]")

log = logging.getLogger("tenant_portal")


class Letter(NamedTuple):
    """A mail to look at."""

    subject: str
    text: str


class RenderedMail(flask_mail.Message):
    """Flask-Mail's message with our own headers and Message-ID, the same bytes each time.

    Two parts in quoted-printable are written as they are: the `email` package takes ten times as long for them.
    """

    def __init__(self, row: Mail, *, subject: str, text: str, html: str, reply_to: str = "") -> None:
        # Flask-Mail's own looks the machine's name up, which may take seconds.
        name = _SPECIALS.sub(r"\\\g<0>", one_line(settings.landlord_name))
        self.recipients, self.cc, self.bcc = [ascii_address(row.recipient)], [], []
        self.sender = f'"{name}" <{ascii_address(settings.landlord_email)}>'
        self.reply_to = ascii_address(reply_to) if reply_to else None
        self.subject, self.body, self.alts = one_line(subject), text, {"html": html}
        self.date, self.msgId = row.created_at.timestamp(), row.message_id
        self.attachments, self.mail_options, self.rcpt_options = [], [], []
        mark = mark_of(row.message_id)
        # The second parts equal subjects in Gmail.
        self.charset, self.extra_headers = "utf-8", {"X-Portal-Mail": mark, "X-Entity-Ref-ID": mark}
        if way_out := (row.content or {}).get("unsubscribe"):  # one click in the mail program (RFC 8058)
            self.extra_headers |= {"List-Unsubscribe": f"<{way_out}>"}
            self.extra_headers |= {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
        self.written_at, self.language, self.is_written_by_us = row.created_at, row.language, not reply_to

    def as_bytes(self) -> bytes:
        """Return the mail for the server."""
        boundary = f"=_{mark_of(self.msgId)}"  # no quoted-printable text holds «=_»
        headers = {
            "From": f"{_encoded(settings.landlord_name, 'From')} <{ascii_address(settings.landlord_email)}>",
            "To": str(self.recipients[0]),
            "Reply-To": str(self.reply_to or ""),
            "Subject": _encoded(self.subject, "Subject"),
            "Date": format_datetime(self.written_at.astimezone(settings.timezone)),
            "Message-ID": self.msgId,
            **(_AUTOMATIC if self.is_written_by_us else {}),
            **(self.extra_headers or {}),
            "Content-Language": self.language,
            "MIME-Version": "1.0",
            "Content-Type": f'multipart/alternative; boundary="{boundary}"',
        }
        lines = [*(f"{name}: {value}" for name, value in headers.items() if value), ""]
        for kind, text in (("plain", self.body), ("html", self.html)):
            lines += [f"--{boundary}", f'Content-Type: text/{kind}; charset="utf-8"']
            lines += ["Content-Transfer-Encoding: quoted-printable", "", _quoted_printable(text or "")]
        return "\r\n".join([*lines, f"--{boundary}--", ""]).encode("ascii")

    def as_string(self) -> str:
        """Return the mail as text."""
        return self.as_bytes().decode("ascii")


def compose(row: Mail) -> RenderedMail:
    """Return the mail of an outbox row, in its language."""
    with i18n.speaking(row.language):
        subject, text = _as_text(row)
        html = _render(row, "html")
    return RenderedMail(row, subject=subject, text=text, html=html, reply_to=(row.content or {}).get("reply_to", ""))


def as_seen(row: Mail) -> Letter | None:
    """Return a mail as its tenant saw it, each link blacked out; None for one whose content is gone."""
    content = contents.kept(row.kind, row.content)
    if content is None:
        return None
    with i18n.speaking(row.language):
        quoted = {"body": i18n.gettext("(Ce texte est dans le message.)")}
        letter = Mail(kind=row.kind, language=row.language, content=quoted | content, created_at=row.created_at)
        try:
            return Letter(*_as_text(letter))
        except (TypeError, ValueError, UndefinedError):  # kept by an earlier release, whose mails said other things
            log.warning("mail %s cannot be shown", row.id)
            return None


def new_message_id() -> str:
    """Return an unguessable Message-ID, so that only a recipient of the mail can report it as bounced."""
    return message_id_of(secrets.token_hex(16))


def message_id_of(mark: str) -> str:
    """Return the Message-ID with this mark."""
    domain = ascii_address(settings.landlord_email).rpartition("@")[2]
    return f"<{mark}@{domain[-80:].lstrip('.-')}>"


def mark_of(message_id: str) -> str:
    """Return what of a Message-ID comes back in reports, whoever rewrites the rest."""
    return message_id.strip("<>").partition("@")[0]


def envelope_sender(message_id: str) -> str:
    """Return the address that reports about this mail go to (VERP)."""
    local, _, domain = ascii_address(settings.bounce_address or settings.landlord_email).rpartition("@")
    return f"{local}+{mark_of(message_id)}@{domain}" if settings.bounce_address else f"{local}@{domain}"


def ascii_address(address: str) -> str:
    """Return the address with its domain as servers know it."""
    local, _, domain = one_line(address).rpartition("@")
    plain = f"{local}@{ascii_domain(domain)}"
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
    names = template_names.names(i18n.language(), is_html=False)
    return template.render(contract=contract, standing=status, fate_of=fates.fate_of, **names)


def _as_text(row: Mail) -> tuple[str, str]:
    """Return subject and text in the language that is spoken."""
    subject, _, body = _render(row, "txt").strip().partition("\n")
    asked_at = f" ({formats.time(row.created_at)})" if (row.content or {}).get("is_repeated") else ""
    return subject + asked_at, _BLANKS.sub("\n\n", body).strip() + "\n"


def _render(row: Mail, part: str) -> str:
    """Render without `render_template`, as a host's context processors may need a request."""
    template = current_app.jinja_env.get_template(f"portal/mail/{row.kind}.{part}")
    return template.render(
        **{
            **(row.content or {}),
            **_links(row),
            **template_names.names(i18n.language(), is_html=part == "html"),
            "situations": SITUATIONS,
            "plain": i18n.gettext,
            "typed": quotes.typed,
            "quoted": quotes.quoted,
            "office_did": office_acts.told,
            "answer_in_short": consents.in_short,
            "ink": contrast.ink(settings.brand_colour),
        }
    )


def _links(row: Mail) -> dict[str, str]:
    """Return the links of a mail, which open pages in its language."""
    found = {name: link for name in contents.LINKS if (link := (row.content or {}).get(name))}
    found = {name: link for name, link in found.items() if link != contents.BLACKED}
    return {name: f"{link}{'&' if '?' in link else '?'}langue={row.language}" for name, link in found.items()}


def _quoted_printable(text: str) -> str:
    """Return the text in the encoding that every server passes on unchanged."""
    return b2a_qp(text.replace("\n", "\r\n").encode(), istext=True).decode("ascii")


@lru_cache(maxsize=256)
def _encoded(text: str, header: str) -> str:
    return Header(one_line(text), "utf-8", header_name=header).encode(linesep="\r\n")
