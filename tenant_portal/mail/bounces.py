"""Reading a delivery report: which of our mails came back, and whom the reason is about.

Reports come as RFC 3464 or RFC 6533 says, or as plain text of qmail, Exim, Exchange, Sendmail and their like. Our
identifiers cannot be guessed, so one that stands in the report of a mailer daemon is proof enough.
"""

import re
from base64 import b64decode
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from typing import NamedTuple

from . import verdicts
from .verdicts import Verdict

#: A report returns the mail it is about, and ours are small; more is not looked at.
BYTES_MAX = 1024 * 1024
#: Identifiers of mails that one report may name.
IDS_MAX = 200

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}@[!-;=?-~]{1,250}>")
#: Our own header, or the envelope sender that the report is addressed to: `+` and the first part of the Message-ID.
_MARK = re.compile(r"(?i)(?:X-Portal-Mail:\s*|\+)([0-9a-f]{32})(?![0-9a-f])")
_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE)

_STATUS_PARTS = {"message/delivery-status", "message/global-delivery-status"}
#: Complaints and receipts are no reports of delivery.
_OTHER_REPORTS = {
    "message/feedback-report",
    "message/disposition-notification",
    "message/global-disposition-notification",
}


def _any(table: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{line})" for line in table.strip().splitlines()), re.IGNORECASE | re.MULTILINE)


#: Who writes nothing but reports.
_MAILER = _any(r"""
mailer[-_ ]?daemon|mdaemon|mail delivery (?:system|subsystem)
""")
#: Who signs a report.
_DAEMON = _any(r"""
postmaster|\bmta\b|postoffice|bounce|complaints@
mail[- ]?(?:delivery|router|system|administrator|er)\b
sysadmin|system administrator|administrateur|service de messagerie|microsoft ?(?:outlook|exchange)
""")
#: What its subject says.
_SUBJECT = _any(r"""
undeliver|non-?deliver|not (?:be )?deliver|unable to deliver|failure notice|bounced|rejected
returned (?:mail|to sender)|mail (?:system )?error
deliver\w* (?:failed|failure|problem|notification|status|report|has failed|error)
failed (?:mail|delivery|message)
non remis|[ée]chec|impossible de remettre
nicht zugestellt|unzustellbar|no se puede entregar|mancata consegna
""")
#: What only a report says.
_SAYS_SO = _any(r"""
(?<![\d.])5\d\d[ -]|(?<![\d.])5\.\d{1,3}\.\d{1,3}|smtp error
""")
#: What a server says while it goes on trying.
_ONLY_LATE = _any(r"""
warning message only|do not need to resend
has not yet been delivered|not been delivered (?:yet|after)|delay(?:ed|ing)|en attente
still being|will (?:be retried|keep trying|continue)
""")
_GIVEN_UP = _any(r"permanent|(?:have|has|'ve) given up|giving up|fatal")
#: Where the copy of the mail begins in a report of plain text.
_COPY = _any(r"""
^[ >]*-{2,}.{0,20}(?:copy|original|returned|message header|unsent|below this line|en-t[êe]te).*$
^[ >]*(?:received|return-path|dkim-signature|message-id|mime-version|x-portal-mail): .*$
""")
#: Lines that hold a reason.
_EVIDENCE = _any(r"""
(?<![\d.])[45]\d\d[ -]|(?<![\d.])[45]\.\d{1,3}\.\d{1,3}|\#\d
said:|respond|reason|because|diagnos|remote host|error
""")


class Returned(NamedTuple):
    """What a report says: the mails it may be about, by Message-ID or mark, and whom the reason is about."""

    message_ids: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    verdict: Verdict = Verdict.LATER
    #: The verdict with its cause, as the outbox notes it.
    reason: str = ""


def read(raw: bytes) -> Returned | None:
    """Return what a report of failure says; None for a delay, a receipt, an answer of a person, or anything else."""
    try:
        report = message_from_bytes(_without_mbox_line(raw[:BYTES_MAX]))
        parts = list(report.walk())
        texts = [(part.get_content_type(), _text_of(part)) for part in parts]
        failure = _failure(report, texts)
        if failure is None:
            return None
        everything = "\n".join(
            [
                *(f"{name}: {value}" for name, value in report.items()),
                *_headers_of(parts),
                *(text for _kind, text in texts),
            ]
        )
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError):
        return None  # the parser of the standard library stumbles in many ways over what is no mail
    ids = tuple(dict.fromkeys(_MESSAGE_ID.findall(everything)))[:IDS_MAX]
    marks = tuple(dict.fromkeys(mark.lower() for mark in _MARK.findall(everything)))[:IDS_MAX]
    reason = verdicts.named(failure, _words(texts))
    return Returned(ids, marks, failure, reason) if ids or marks else None


def _failure(report: Message, texts: list[tuple[str, str]]) -> Verdict | None:
    """Return whom a failed delivery is about, or None where nothing has failed for good."""
    kinds = {kind for kind, _text in texts}
    if kinds & _OTHER_REPORTS:
        return None
    recipients = [
        fields
        for kind, text in texts
        if kind in _STATUS_PARTS
        for fields in _blocks(text)
        if "action" in fields or "status" in fields
    ]
    if recipients:
        failed = [fields for fields in recipients if _has_failed(fields)]
        if not failed:
            return None
        found = {_verdict_of(fields) for fields in failed}
        if found == {Verdict.LATER}:
            return _verdict_of_text(_words(texts))
        return found.pop() if len(found) == 1 else Verdict.LATER
    words = _words(texts)
    if not _is_from_a_daemon(report, words):
        return None
    if _ONLY_LATE.search(words) and not _GIVEN_UP.search(words):
        return None
    return _verdict_of_text(words)


def _has_failed(fields: dict[str, str]) -> bool:
    """Tell whether a recipient was given up: `failed` counts, whatever the code begins with (RFC 3464, 2.3.3)."""
    action = fields.get("action", "").strip().lower()
    return action.startswith(("fail", "error")) or (not action and fields.get("status", "").strip().startswith("5"))


def _verdict_of(fields: dict[str, str]) -> Verdict:
    diagnosis, status = fields.get("diagnostic-code", ""), fields.get("status", "")
    return verdicts.read(diagnosis.partition(";")[2] or diagnosis or status, status=status, is_final=True)


def _verdict_of_text(words: str) -> Verdict:
    """Return what a text says: its lines with codes or reasons first, then all of it."""
    lines = words.splitlines()
    near = [" ".join(lines[max(0, n) : n + 3]) for n, line in enumerate(lines) if _EVIDENCE.search(line)]
    for text in (" ".join(near), " ".join(lines)):
        verdict = verdicts.read(text, is_final=True) if text.strip() else Verdict.LATER
        if verdict is not Verdict.LATER:
            return verdict
    return Verdict.LATER


def _words(texts: list[tuple[str, str]]) -> str:
    """Return what the report says in words, up to the copy of the mail."""
    first = next((text for kind, text in texts if kind in {"text/plain", "text/html"} and text.strip()), "")
    first = re.sub(r"<(?:br|/p|/div|/tr|/li)[^>]*>", "\n", first) if "<" in first and "</" in first else first
    first = re.sub(r"</?[a-zA-Z][^<>@]*>", " ", first)
    copy = _COPY.search(first)
    return first[: copy.start()] if copy and copy.start() else first


def _is_from_a_daemon(report: Message, words: str) -> bool:
    """Tell whether a server wrote this, as far as plain text shows it."""
    if report.get("X-Failed-Recipients") or report.get_param("report-type") == "delivery-status":
        return True
    sender, subject = str(report.get("From", "")), str(report.get("Subject", ""))
    is_null = str(report.get("Return-Path", "")).strip() == "<>"
    if _MAILER.search(sender):
        return True
    return bool(_SUBJECT.search(subject)) and (is_null or bool(_DAEMON.search(sender) or _SAYS_SO.search(words)))


def _blocks(text: str) -> Iterator[dict[str, str]]:
    """Yield the groups of fields of a delivery status, which blank lines part (RFC 3464, 2.1)."""
    for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")):
        fields = {name.lower(): " ".join(value.split()) for name, value in _FIELD.findall(block)}
        if fields:
            yield fields


def _headers_of(parts: list[Message]) -> Iterator[str]:
    for part in parts[1:]:
        yield from (f"{name}: {value}" for name, value in part.items())


def _text_of(part: Message) -> str:
    """Return the text of a part, its encoding undone; of a nested message, its fields."""
    if part.get_content_type() in _STATUS_PARTS or not part.is_multipart():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            return content.decode(_charset(part), "replace")
        nested = part.get_payload()
        if isinstance(nested, list):  # the parser has taken a delivery status apart
            text = "\n\n".join(one.as_string() if isinstance(one, Message) else str(one) for one in nested)
            is_encoded = str(part.get("Content-Transfer-Encoding", "")).strip().lower() == "base64"
            return b64decode(text).decode(_charset(part), "replace") if is_encoded else text
        return str(nested or "")
    return ""


def _charset(part: Message) -> str:
    name = part.get_content_charset() or "utf-8"
    try:
        "".encode(name)
    except LookupError:
        return "latin-1"
    return name


def _without_mbox_line(raw: bytes) -> bytes:
    """Return a mail without the line that mailbox files put before it."""
    return raw.partition(b"\n")[2] if raw.startswith((b"From ", b">From ")) else raw
