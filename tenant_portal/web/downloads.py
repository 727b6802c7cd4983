"""Files that tenants receive."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from flask import Response, current_app, send_file

from ..db import db, utcnow
from ..documents import bundle
from ..documents.bundle import Member
from ..i18n import gettext as _
from ..settings import settings
from . import identity

#: Browsers draw a PDF with a page of their own, whose style stands inside; nothing else may run or be asked for.
_PDF_POLICY = (
    "default-src 'none'; object-src 'self'; img-src 'self' data: blob:; style-src 'unsafe-inline'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)


def pdf(path: Path, name: str, *, is_download: bool) -> Response:
    """Return a PDF, to read in the browser or to keep; raise `OSError` if the file is lost."""
    response = send_file(
        path,
        mimetype="application/pdf",
        as_attachment=is_download,
        download_name=name,
        conditional=False,
        etag=False,
    )
    del response.headers["Last-Modified"]
    response.headers["Content-Security-Policy"] = _PDF_POLICY
    return _private(response)


def zipped(members: Iterable[Member], name: str) -> Response:
    """Return a ZIP that is made while it is sent; it holds no connection to the database meanwhile."""
    log = current_app.logger
    text = _("Ces documents n'ont pas pu être joints. Essayez de nouveau demain, ou laissez-nous un message.")

    def note_missing(member: Member, trouble: OSError) -> None:
        log.error("a file is missing in a ZIP of a tenant: %s", trouble.strerror)

    note = Member("DOCUMENTS-MANQUANTS.txt", partial(str.encode, text))
    pieces = bundle.stream(members, utcnow().astimezone(settings.timezone), note_missing, note)
    db.session.rollback()  # release the connection before the first byte
    response = Response(pieces, mimetype="application/zip")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    identity.count_until_sent(response)
    return _private(response)


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store, private"
    return response
