"""Read a delivery report (RFC 3464): which of our mails failed for good."""

import re
from collections.abc import Iterator
from email import message_from_bytes, message_from_string
from email.message import Message

#: A report holds one of our mails, which are small.
BYTES_MAX = 1024 * 1024

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")
_PERMANENT = re.compile(r"\s*5\.[0-9]{1,3}\.[0-9]{1,3}\b")
#: Headers that name a mail which is not returned.
_HINTS = ("X-Original-Message-ID", "Original-Message-ID", "In-Reply-To", "References")


def returned_message_ids(raw: bytes) -> list[str]:
    """Return the Message-IDs of mails that failed for good, none if this is no report."""
    try:
        report = message_from_bytes(raw[:BYTES_MAX])
        parts = list(report.walk())
        if not any(_has_failed(part) for part in parts):
            return []
        found = [found_id for part in parts for found_id in _returned(part)]
        if not found:
            found = [found_id for part in parts for hint in _HINTS for found_id in _ids(part, hint)]
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError):
        return []  # the standard library's parser raises all of these
    return list(dict.fromkeys(found))[:50]


def _has_failed(part: Message) -> bool:
    """Tell whether the fields report a permanent failure (RFC 3464, 2.3)."""
    action, status = str(part.get("Action", "")), str(part.get("Status", ""))
    return action.strip().lower() == "failed" and _PERMANENT.match(status) is not None


def _returned(part: Message) -> Iterator[str]:
    kind = part.get_content_type()
    if kind == "message/rfc822" and part.is_multipart():
        yield from _ids(part.get_payload(0), "Message-ID")  # type: ignore[arg-type]
    elif kind in {"text/rfc822-headers", "message/rfc822-headers"} and not part.is_multipart():
        text = part.get_payload(decode=True)
        headers = text.decode("ascii", "replace") if isinstance(text, bytes) else ""
        yield from _ids(message_from_string(headers), "Message-ID")


def _ids(part: Message, header: str) -> list[str]:
    return _MESSAGE_ID.findall(str(part.get(header, "")))
