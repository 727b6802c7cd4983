"""The tenant's rent notices and receipts."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from flask import Blueprint, Response, abort, current_app, redirect, request, url_for

from ..accounts.sessions import Session
from ..contracts import lookup
from ..db import begin_write, db
from ..documents import library, storage
from ..errors import DocumentMissing
from ..operations import after_lease
from . import downloads, guards
from .pages import page

screen = Blueprint("documents", __name__, url_prefix="/espace/avis")


@screen.get("")
@guards.session_required
def notices(own: Session):
    """List the documents of each contract, by year, the newest first."""
    found = library.of_account(own.account_id)
    items = {number: library.by_year(group) for number, group in groupby(found, attrgetter("contract_id"))}
    leases = lookup.leases_of(own.account_id)
    ended = after_lease.shown_until(leases, own.account_id)
    return page(
        "documents/notices.html",
        ended=ended,
        contracts=[(lease, items.get(lease.id, {})) for lease in sorted(leases, key=lambda one: one.id in ended)],
        has_documents=bool(found),
        pays_rent=any(lease.is_running(lookup.today()) for lease in leases),
    )


@screen.get("/<portal_number:number>")
@guards.session_required
def read(own: Session, number: int) -> Response:
    """Show a document in the browser; another tenant's is not found."""
    return _sent(own, number, is_download=False)


@screen.get("/<portal_number:number>/telecharger")
@guards.session_required
def download(own: Session, number: int) -> Response:
    """Send a document to keep; another tenant's is not found."""
    return _sent(own, number, is_download=True)


@screen.get("/tout")
@guards.session_required
def download_all(own: Session) -> Any:
    """Send every document of the account as one ZIP."""
    items = library.of_account(own.account_id)
    if not items:
        return redirect(url_for(".notices"))
    _note_opened(items)
    return downloads.zipped(library.files(items), f"mes-avis-{lookup.today():%Y-%m-%d}.zip")


def _sent(own: Session, number: int, *, is_download: bool) -> Response:
    item = library.find(own.account_id, number) or abort(404)
    try:
        answer = downloads.pdf(storage.path_of(item.digest), item.file_name, is_download=is_download)
    except OSError as trouble:
        current_app.logger.error("the file %s of document %s: %s", item.digest, item.id, trouble.strerror)
        raise DocumentMissing from None
    _note_opened([item])
    return answer


def _note_opened(items: Sequence[library.Item]) -> None:
    """Note the first time, which tells the office what reached the tenant; who asks for headers alone has nothing."""
    if request.method == "GET" and any(item.opened_at is None for item in items):
        begin_write()
        library.note_opened(items)
        db.session.commit()
