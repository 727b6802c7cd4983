"""Which bodies are taken apart as forms: those that a browser makes of our pages."""

from flask import abort, request

_FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
#: More fields than any form of ours has.
FIELDS_MAX = 50


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
