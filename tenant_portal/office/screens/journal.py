"""The journal of the office, for its owner."""

from flask import request

from ...accounts import office_acts
from ...accounts.office_acts import ACTS
from ...db import begin_write, db
from ...web.pages import page
from .. import journal
from ..clerks import Clerk

#: Longer numbers are none of ours.
DIGITS_MAX = 9


def show(clerk: Clerk):
    """Show a page of the journal; who reads it stands in it too, once a visit."""
    if not journal.was_just_opened(clerk.name):
        begin_write()
        office_acts.record(clerk.name, "journal_viewed")
        db.session.commit()
    clerks, before = journal.clerks(), request.args.get("avant", "")
    who, act = request.args.get("qui", ""), request.args.get("acte", "")
    chosen = {"qui": who if who in clerks else "", "acte": act if act in ACTS else ""}
    is_number = before.isascii() and before.isdigit() and len(before) <= DIGITS_MAX
    found = journal.read(chosen["qui"], chosen["acte"], int(before) if is_number else None)
    return page(
        "office/journal/show.html",
        clerk=clerk,
        journal=found,
        clerks=clerks,
        acts=ACTS,
        chosen=chosen,
        filters={name: value for name, value in chosen.items() if value},
        is_newest=not is_number,
    )
