"""Checks of a request's body and query."""

from contextlib import suppress
from urllib.parse import quote

from flask import abort, request
from werkzeug.exceptions import BadRequest, HTTPException

#: A larger body is answered 413 unread.
FORM_BYTES_MAX = 64 * 1024
#: Only a message may be longer, with up to nine bytes a letter. A short body is parsed fast, whatever it holds (X03).
_SHORT_FORM_BYTES_MAX = 16 * 1024
_WRITING = ("portal.messages.write", "portal.threads.write", "portal.threads.show", "portal.office.messages.answer")
_BYTES_MAX = dict.fromkeys(_WRITING, FORM_BYTES_MAX)
#: Up to this size an oversized form is discarded before we answer, or nginx reports an upstream error.
_DISCARD_BYTES_MAX = 1024 * 1024
#: No form of ours has so many fields.
FIELDS_MAX = 50
#: Nobody parses their bodies: mail providers send multipart ones (RFC 8058).
_UNREAD = {"portal.unsubscribe.confirm"}
_FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
#: Marks a request whose body was read or refused, so that it is refused once only.
_READ = "tenant_portal.body_read"
_ASCII = "".join(map(chr, range(0x21, 0x7F)))


def read_body() -> None:
    """Read the whole body; refuse one larger than any form.

    Call it before the database is used: a slow sender would keep a connection until his last byte.
    """
    if request.method in {"GET", "HEAD"} or _READ in request.environ:
        return
    request.environ[_READ] = True
    most = _BYTES_MAX.get(request.endpoint or "", _SHORT_FORM_BYTES_MAX)
    request.max_content_length = min(request.max_content_length or most, most)
    try:
        size = len(request.get_data())
    except HTTPException:
        raise
    except Exception as trouble:  # each server raises its own error
        raise BadRequest from trouble
    # Werkzeug silently truncates a body without Content-Length.
    if request.content_length is None and size >= request.max_content_length:
        abort(413)


def refuse_malformed_form() -> None:
    """Refuse files, too many fields, and text that is not percent-encoded UTF-8.

    Werkzeug parses 64 KiB of those for longer than a password takes to hash (X03).
    """
    if request.mimetype not in _FORMS or request.endpoint in _UNREAD:
        return
    body = request.get_data()  # read to the end, or a proxy reports an upstream error
    if request.mimetype == "multipart/form-data":
        abort(415)
    if body.count(b"&") >= FIELDS_MAX:
        abort(413)
    if not _is_encoded(body):
        abort(400)


def _is_encoded(body: bytes) -> bool:
    """Tell whether a body is percent-encoded UTF-8, read as Python's escapes: `urllib` takes ten times as long."""
    if not body.isascii() or b"\\" in body:
        return False
    try:
        body.replace(b"%", rb"\x").decode("unicode_escape").encode("latin-1").decode()
    except UnicodeDecodeError:
        return False
    return True


def discard_rest() -> None:
    """Read the rest of an oversized body, up to 1 MiB."""
    left = request.content_length or 0
    if (request.max_content_length or FORM_BYTES_MAX) < left <= _DISCARD_BYTES_MAX:
        with suppress(Exception):  # each server raises its own error
            while left > 0 and (piece := request.environ["wsgi.input"].read(min(left, FORM_BYTES_MAX))):
                left -= len(piece)


def repair_query() -> None:
    """Percent-encode what is no UTF-8 in the query; Werkzeug fails on it."""
    try:
        request.query_string.decode()
    except UnicodeDecodeError:
        request.query_string = quote(request.query_string, safe=_ASCII).encode()
