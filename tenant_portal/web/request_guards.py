"""What a request brings: its body, read whole before anything is held for its sender, and in a form that is ours."""

from contextlib import suppress
from urllib.parse import quote

from flask import abort, request
from werkzeug.exceptions import BadRequest, HTTPException

#: No form of ours is larger; what is larger is answered 413 before it is read.
FORM_BYTES_MAX = 64 * 1024
#: Most are far smaller: a message alone may be long, its letters encoded by up to nine signs each. What is small is
#: soon taken apart, whatever stands in it (X03).
_SHORT_FORM_BYTES_MAX = 16 * 1024
_BYTES_MAX = {"portal.messages.write": FORM_BYTES_MAX}
#: What is longer than that, but not longer than this, is read and thrown away before the answer: a proxy whose sending
#: is cut off would tell the tenant of a fault of ours. It is what nginx hands on by itself.
_DISCARD_BYTES_MAX = 1024 * 1024
#: More fields than any form of ours has.
FIELDS_MAX = 50
_FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
#: Marks in the environment a request whose body was read, or was refused: it is refused once, not again by each reader.
_READ = "tenant_portal.body_read"
#: What may stand in a query as it is.
_ASCII = "".join(map(chr, range(0x21, 0x7F)))


def read_whole() -> None:
    """Read the body of this request, of any content type and in chunks too; refuse what is longer than any form.

    Whoever looks at the database reads the body before. Otherwise a slow sender would keep a connection until his last
    byte, and a few of them all.
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
    except Exception as trouble:  # each server has a complaint of its own about chunks that are none
        raise BadRequest from trouble
    # Werkzeug cuts off what comes without its length, and takes the rest for the whole.
    if request.content_length is None and size >= request.max_content_length:
        abort(413)


def refuse_odd_form() -> None:
    """Refuse files, too many fields, and text that is not percent-encoded UTF-8.

    Werkzeug takes longer to take 64 KiB of those apart than a password takes to hash (X03).
    """
    if request.mimetype not in _FORMS:
        return
    body = request.get_data()  # to its end, or a proxy would tell of a fault of ours
    if request.mimetype == "multipart/form-data":
        abort(415)
    if body.count(b"&") >= FIELDS_MAX:
        abort(413)
    if not _is_encoded(body):
        abort(400)


def _is_encoded(body: bytes) -> bool:
    """Tell whether a body is percent-encoded UTF-8.

    It is decoded as escapes of Python, in C: `urllib` takes ten times as long.
    """
    if not body.isascii() or b"\\" in body:
        return False
    try:
        body.replace(b"%", rb"\x").decode("unicode_escape").encode("latin-1").decode()
    except UnicodeDecodeError:
        return False
    return True


def discard_rest() -> None:
    """Read what is too long to its end, unless it is far too long."""
    left = request.content_length or 0
    if (request.max_content_length or FORM_BYTES_MAX) < left <= _DISCARD_BYTES_MAX:
        with suppress(Exception):  # each server has a complaint of its own about a visitor who has left
            while left > 0 and (piece := request.environ["wsgi.input"].read(min(left, FORM_BYTES_MAX))):
                left -= len(piece)


def mend_query() -> None:
    """Percent-encode what is no UTF-8 in the query: some servers hand it on, and Werkzeug fails on it."""
    try:
        request.query_string.decode()
    except UnicodeDecodeError:
        request.query_string = quote(request.query_string, safe=_ASCII).encode()
