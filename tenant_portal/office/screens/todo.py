"""« À traiter »: what a small office opens each morning."""

from flask import request, url_for

from ...accounts import office_visits
from ...db import begin_write, db, utcnow
from ...web.pages import page
from .. import may_open, news, todo
from ..clerks import Clerk


def show(clerk: Clerk):
    """Show what waits for somebody, and what is new since this clerk was here."""
    alone = request.args.get("voir", "")
    begin_write()
    since = office_visits.note(clerk.name)
    db.session.commit()
    return page(
        "office/todo/show.html",
        clerk=clerk,
        piles=todo.piles(alone),
        alone=alone if alone in todo.KINDS else "",
        counted=todo.COUNTED,
        now=utcnow(),
        since=since,
        news=news.since(since, clerk.name),
        fresh=news.freshness(),
        address=lambda line: _address(line, clerk),
        named=todo.named,
    )


def _address(line: todo.Line, clerk: Clerk) -> str:
    """Return where the remedy of a line is: its own page, else that of its contract, else nowhere."""
    if may_open(line.endpoint, clerk.role):
        return url_for(f"portal.office.{line.endpoint}", **line.values)
    return url_for("portal.office.contract.show", number=line.contract_id) if line.contract_id is not None else ""
