"""Nothing is written but after `begin_write`."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select, update

from tenant_portal.db import begin_write, db
from tenant_portal.messages.models import Message
from tenant_portal.models import Account, Contract

from .support.steps import Lease


def _object() -> None:
    db.session.add(Message(number="M-1", topic="mail"))
    db.session.flush()


def _changed_object() -> None:
    db.session.scalars(select(Contract)).one().city = "Saumur"
    db.session.flush()


ROW = {"email": "a@free.fr", "password_hash": "", "signup_key": ""}
WRITES: dict[str, Callable[[], object]] = {
    "object": _object,
    "changed object": _changed_object,
    "row": lambda: db.session.execute(insert(Account).values(ROW)),
    "update": lambda: db.session.execute(update(Contract).values(city="Saumur")),
    "delete": lambda: db.session.execute(delete(Contract)),
}


@pytest.mark.parametrize("name", WRITES)
def test_what_a_page_changes_by_accident_is_refused(app: Flask, a_contract: Callable[[], Lease], name: str) -> None:
    a_contract()
    with app.app_context():
        db.session.scalars(select(Contract)).all()
        with pytest.raises(RuntimeError, match=r"begin_write\(\)"):
            WRITES[name]()
        db.session.rollback()

        begin_write()
        WRITES[name]()
        db.session.rollback()
