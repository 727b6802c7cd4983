"""The tenants' letter boxes, filled by a real SMTP server."""

import re
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from typing import Any, cast
from urllib.parse import urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from lxml import html

from .page_checks import typography_faults
from .page_text import visible_text
from .services import free_port

NEW_DEVICE = "Un nouvel appareil s’est connecté à votre compte"


class Mail:
    """One mail that arrived."""

    def __init__(self, envelope: Envelope) -> None:
        self.raw = cast(bytes, envelope.original_content)
        self.sender = str(envelope.mail_from)
        self.recipients = [str(address) for address in envelope.rcpt_tos]
        self.message = cast(EmailMessage, message_from_bytes(self.raw, policy=policy.default))

    def __repr__(self) -> str:
        return f"<to {self.to}: {self.subject}>\n{self.text}"

    @property
    def to(self) -> str:
        return self.recipients[0]

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @cached_property
    def text(self) -> str:
        return self._part("plain")

    @cached_property
    def html(self) -> str:
        return self._part("html")

    @property
    def whole_links(self) -> list[str]:
        """Return the links as they stand, each with the language of its pages."""
        return re.findall(r"https?://[^\s<>»]+", self.text)

    @property
    def links(self) -> list[str]:
        """Return the links without their language, to compare them or to spoil their tokens."""
        return [re.sub(r"[?&]langue=(fr|en)$", "", link) for link in self.whole_links]

    @property
    def link(self) -> str:
        """Return the first link."""
        assert self.links, f"no link in {self!r}"
        return self.links[0]

    def link_to(self, path: str) -> str:
        """Return the link whose path begins so."""
        found = [link for link in self.links if urlsplit(link).path.startswith(path)]
        assert found, f"no link to {path} in {self!r}"
        return found[0]

    @property
    def link_not_me(self) -> str:
        """Return the link « Ce n'est pas moi »."""
        found = [link for link in self.links if "/ce-nest-pas-moi/" in link]
        assert found, f"no link « Ce n'est pas moi » in {self!r}"
        return found[0]

    def complaints(self) -> list[str]:
        """Return what is wrong with a mail to a tenant (U39 to U42)."""
        found = [f"no {name}" for name in ("From", "To", "Subject", "Date", "Message-ID") if not self.message[name]]
        if not self.text or not self.html:
            return [*found, "text or HTML part lacks"]
        tree = html.document_fromstring(self.html)
        found += [f"the HTML part lacks {link}" for link in self.whole_links if link not in tree.xpath("//a/@href")]
        language = self.message["Content-Language"]
        found += [f"{link} opens no {language} page" for link in self.whole_links if f"langue={language}" not in link]
        found += [f"a picture from elsewhere: {src}" for src in tree.xpath("//img/@src") if not src.startswith("cid:")]
        found += ["the HTML part runs a script"] if tree.xpath("//script|//form") else []
        if tree.get("lang") == "fr":
            for text in (self.subject, self.text, visible_text(tree.body)):
                found += typography_faults(text)
        return found

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


class PostOffice:
    """A real SMTP server; `answers` and `answers_to_data` refuse an address, or all of them with `*`."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.answers: dict[str, str] = {}
        self.answers_to_data: dict[str, str] = {}
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())

    def __enter__(self) -> "PostOffice":
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def empty(self) -> None:
        """Forget all mails and refusals."""
        self.mails.clear()
        self.answers.clear()
        self.answers_to_data.clear()

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, to: str, options: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        """Take a recipient, unless a test wants him refused."""
        refusal = self.answers.get(to) or self.answers.get("*")
        if refusal:
            return refusal
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        """Take a mail, unless a test wants it refused."""
        refusal = self.answers_to_data.get(str(envelope.rcpt_tos[0])) or self.answers_to_data.get("*")
        if refusal:
            return refusal
        self.mails.append(Mail(envelope))
        return "250 OK"


class Mailbox:
    """All letter boxes; an unread mail fails the test.

    Nearly every test opens a second browser, of which the owner is told: see `of_devices`.
    """

    def __init__(self, office: PostOffice, deliver: Callable[[], Any], landlord: str) -> None:
        self.office, self.deliver, self.landlord = office, deliver, landlord
        self._read: list[Mail] = []

    def unread(self) -> list[Mail]:
        """Deliver what waits, and return the unread mails."""
        self.deliver()
        return [mail for mail in self.office.mails if mail not in self._read and mail.subject != NEW_DEVICE]

    def of_devices(self) -> list[Mail]:
        """Return every mail about a new device, checked."""
        self.deliver()
        found = [mail for mail in self.office.mails if mail.subject == NEW_DEVICE]
        assert not [mail for mail in found if mail.complaints()], [mail.complaints() for mail in found]
        return found

    def read(self, to: str | None = None) -> Mail:
        """Return the next unread mail, checked if it is to a tenant."""
        waiting = self.unread()
        found = next((mail for mail in waiting if to is None or mail.to == to), None)
        assert found is not None, f"no mail to {to or 'anybody'}; unread: {waiting}"
        self._read.append(found)
        if found.to != self.landlord:
            complaints = found.complaints()
            assert not complaints, f"{found!r}\n- " + "\n- ".join(complaints)
        return found

    def read_all(self) -> list[Mail]:
        return [self.read() for _ in self.unread()]
