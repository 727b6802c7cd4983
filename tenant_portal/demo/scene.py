"""What the demo holds when it begins, and again after « Recommencer »."""

from datetime import date, timedelta

from flask import current_app

from .. import formats, roster
from ..accounts import rate_limits
from ..contracts import lookup
from ..db import Base, begin_write, db
from ..documents import publishing
from ..documents.archive import File
from ..models import DocumentKind
from ..resources import PACKAGE
from . import calls, paper, people, thread
from .people import FORMER, REGISTERED, SAMPLES, Sample

ROSTER = PACKAGE / "data" / "contrats-demo.csv"
LAST_MONTH = date(2026, 5, 1)  # of the former lease


def build() -> None:
    """Fill the empty tables; the mails of what happened before the demo are not shown."""
    roster.take(roster.read(ROSTER), name=ROSTER.name)
    db.session.commit()
    calls.leave()
    _register()
    _publish()
    current_app.extensions["mail"].letters.clear()


def clear() -> None:
    """Empty all tables, and forget who has tried too often."""
    begin_write()
    for table in reversed(Base.metadata.sorted_tables):
        db.session.execute(table.delete())
    db.session.commit()
    rate_limits.forget_origins()


def _register() -> None:
    account = people.register(REGISTERED)
    people.contract_of(FORMER).account = account
    db.session.commit()
    thread.leave(account)


def _publish() -> None:
    this = lookup.today().replace(day=1)
    before = (this - timedelta(days=1)).replace(day=1)
    served = (*SAMPLES, calls.LOCKED_OUT)
    notices = [_paper(sample, month) for sample in served for month in (this, before)]
    publishing.publish([*notices, _paper(FORMER, LAST_MONTH)])
    db.session.commit()
    paid = [*((sample, before) for sample in served), (FORMER, LAST_MONTH)]
    receipts = [_paper(*one, "Quittance de loyer et de charges") for one in paid]
    publishing.publish(receipts, kind=DocumentKind.RECEIPT)
    db.session.commit()


def _paper(sample: Sample, month: date, what: str = "Avis d'échéance") -> File:
    title = f"{what} {formats.of_month(month)}"
    lines = (
        current_app.config["PORTAL_LANDLORD_NAME"],
        title,
        f"Contrat L/{sample.reference}",
        f"Module {sample.module}",
    )
    return File(f"{sample.reference}_{month:%Y-%m}.pdf", lambda: paper.notice(*lines))
