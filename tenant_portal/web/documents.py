"""The tenant's rent notices."""

from flask import Blueprint, Response, abort, current_app, send_file

from ..documents import publishing, storage
from ..errors import NoticeMissing
from ..models import Account
from ..text import masked_reference
from . import guards
from .pages import page

screen = Blueprint("documents", __name__, url_prefix="/espace/avis")


@screen.get("")
@guards.account_required
def notices(account: Account):
    """List the notices of each contract, newest first."""
    return page(
        "documents/notices.html",
        contracts=[(contract, publishing.notices_of(contract)) for contract in account.contracts],
    )


@screen.get("/<portal_number:number>")
@guards.account_required
def download(account: Account, number: int) -> Response:
    """Send a notice's file; another tenant's is not found."""
    notice = publishing.find(account, number) or abort(404)
    digits = masked_reference(notice.contract.reference)
    try:
        response = send_file(
            storage.path_of(notice).absolute(),
            mimetype="application/pdf",
            as_attachment=True,
            download_name=f"avis-{notice.period:%Y-%m}-contrat-finissant-par-{digits}.pdf",
            conditional=False,
            etag=False,
        )
    except OSError as trouble:
        current_app.logger.error("the file %s of notice %s: %s", notice.digest, notice.id, trouble.strerror)
        raise NoticeMissing from None
    del response.headers["Last-Modified"]
    response.headers["Cache-Control"] = "no-store, private"
    return response
