"""What a host hears, and that its receivers harm no page."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tenant_portal import signals
from tenant_portal.db import db
from tenant_portal.messages.models import Message
from tenant_portal.models import Account, Document

from ..support.people import Tenant
from ..support.portal_client import Portal
from ..support.post import Mailbox
from ..support.rent_notices import in_folder, pdf, publish
from ..support.steps import Lease, close_account, hand_over, join, log_in, sign_up, write_at_home, write_message

Heard = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def heard(app: Flask) -> Iterator[Heard]:
    """Return the signals heard."""
    notes: Heard = []

    def listen(name: str) -> Callable[..., None]:
        def receiver(sender: Flask, **what: Any) -> None:
            assert sender is app
            notes.append((name, what))

        return receiver

    receivers = {name: listen(name) for name in signals.__all__}
    for name, receiver in receivers.items():
        getattr(signals, name).connect(receiver, app)
    yield notes
    for name, receiver in receivers.items():
        getattr(signals, name).disconnect(receiver, app)


def test_host_hears_of_a_finished_account_and_its_choices_once(
    heard: Heard, an_account: Callable[..., Tenant], app: Flask
) -> None:
    tenant = an_account(commercial="Oui")
    with app.app_context():
        number = db.session.scalars(select(Account.id)).one()
    whose = {"account": number, "reference": tenant.lease.reference}
    choices = {"e_notice": False, "commercial": True, "general": True}
    told = [("account_finished", whose), ("choices_changed", {**whose, "choices": choices})]
    assert heard == told
    tenant.log_in(Portal(app))
    assert heard == told


def test_host_hears_nothing_of_an_account_that_is_not_finished(
    heard: Heard, portal: Portal, mailbox: Mailbox, a_contract: Callable[..., Lease]
) -> None:
    sign_up(portal, a_contract())
    mailbox.read()
    assert not heard


def test_host_that_hears_of_an_account_finds_it_committed(app: Flask, an_account: Callable[..., Tenant]) -> None:
    found: list[bool] = []

    def look(sender: Flask, *, account: int, **what: Any) -> None:
        with db.engine.connect() as another:
            row = another.execute(select(Account.completed_at).where(Account.id == account)).one()
            found.append(row.completed_at is not None)

    with signals.account_finished.connected_to(look, sender=app):
        an_account()
    assert found == [True]


def test_host_hears_of_a_message_with_its_number(
    heard: Heard, portal: Portal, mailbox: Mailbox, an_account: Callable[..., Tenant], app: Flask
) -> None:
    assert write_message(portal).path == "/message/envoye"
    mailbox.read_all()
    tenant = an_account()
    write_at_home(tenant.browser, topic="Autre chose", body="Encore une question.")
    with app.app_context():
        numbers = list(db.session.scalars(select(Message.number).order_by(Message.id)))
        account = db.session.scalars(select(Account.id)).one()
    told = [what for name, what in heard if name == "message_received"]
    assert told == [
        {"number": numbers[0], "topic": "other", "reference": "", "account": None},
        {"number": numbers[1], "topic": "other", "reference": tenant.lease.reference, "account": account},
    ]
    mailbox.read_all()


def test_host_hears_of_each_notice_that_is_new_or_corrected_once_it_is_committed(
    app: Flask, an_account: Callable[..., Tenant], a_contract: Callable[..., Lease], heard: Heard, tmp_path: Path
) -> None:
    tenant, nobody = an_account(), a_contract()
    found: list[bool] = []

    def look(sender: Flask, *, notice: int, **what: Any) -> None:
        with db.engine.connect() as another:
            found.append(another.execute(select(Document.id).where(Document.id == notice)).first() is not None)

    files = {f"{lease.reference}_2026-11.pdf": pdf() for lease in (tenant.lease, nobody)}
    heard.clear()
    with signals.notice_published.connected_to(look, sender=app):
        publish(app, in_folder(tmp_path / "avis", files), "--dry-run")
        assert not heard
        publish(app, tmp_path / "avis")
        publish(app, tmp_path / "avis")
    with app.app_context():
        account = db.session.scalars(select(Account.id)).one()
        numbers = list(db.session.scalars(select(Document.id).order_by(Document.id)))
    told = [
        {
            "notice": numbers[0],
            "kind": "notice",
            "account": account,
            "reference": tenant.lease.reference,
            "period": "2026-11",
        },
        {"notice": numbers[1], "kind": "notice", "account": None, "reference": nobody.reference, "period": "2026-11"},
    ]
    assert heard == [("notice_published", what) for what in told]
    assert found == [True, True]
    publish(app, in_folder(tmp_path / "avis", {f"{nobody.reference}_2026-11.pdf": pdf("corrigé")}))
    assert heard[2:] == [("notice_published", told[1])]


def test_t35_host_hears_of_a_closed_account_and_of_the_answers_that_went_with_it(
    heard: Heard, mailbox: Mailbox, an_account: Callable[..., Tenant], app: Flask
) -> None:
    tenant = an_account(commercial="Oui")
    with app.app_context():
        number = db.session.scalars(select(Account.id)).one()
    heard.clear()
    close_account(tenant.browser)
    whose = {"account": number, "reference": tenant.lease.reference}
    choices = {"e_notice": False, "commercial": False, "general": False}
    assert heard == [("account_closed", whose), ("choices_changed", {**whose, "choices": choices})]
    mailbox.read_all()


def test_t35_host_hears_of_no_change_where_every_answer_was_no(
    heard: Heard, mailbox: Mailbox, an_account: Callable[..., Tenant]
) -> None:
    tenant = an_account(general="Non")
    heard.clear()
    close_account(tenant.browser)
    assert [name for name, _ in heard] == ["account_closed"]
    mailbox.read_all()


def test_host_whose_receiver_fails_breaks_no_page(
    app: Flask, an_account: Callable[..., Tenant], heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(sender: Flask, **what: Any) -> None:
        db.session.execute(select(Account).where(Account.id == "no number"))
        raise RuntimeError("the host's own trouble")

    with signals.account_finished.connected_to(fail, sender=app):
        tenant = an_account()
    assert tenant.browser.get("/espace").says(tenant.lease.reference)
    assert [name for name, _ in heard] == ["account_finished", "choices_changed"]
    assert "a receiver of the signal account-finished failed" in caplog.text
    assert tenant.lease.reference not in caplog.text
    assert log_in(Portal(app), tenant.lease.reference, tenant.password).path == "/espace"


def test_host_hears_which_answers_count_for_a_contract_that_joins_and_of_the_account_that_it_leaves(
    heard: Heard,
    app: Flask,
    portal: Portal,
    mailbox: Mailbox,
    an_account: Callable[..., Tenant],
    a_contract: Callable[..., Lease],
) -> None:
    tenant, free, other = an_account(commercial="Oui"), a_contract(), an_account(email="paul@free.fr", e_notice="Oui")
    with app.app_context():
        own, others = db.session.scalars(select(Account.id).order_by(Account.id))
    heard.clear()
    join(tenant.browser, free)
    choices = {"e_notice": False, "commercial": True, "general": True}
    assert heard == [("choices_changed", {"account": own, "reference": free.reference, "choices": choices})]
    join(tenant.browser, other.lease)
    heard.clear()
    mailbox.read()
    hand_over(portal, mailbox.read(to="paul@free.fr").link, other.password)
    left = {"account": others, "reference": other.lease.reference}
    assert heard == [
        ("account_closed", left),
        ("choices_changed", {**left, "choices": dict.fromkeys(choices, False)}),
        ("choices_changed", {"account": own, "reference": other.lease.reference, "choices": choices}),
    ]
    mailbox.read_all()
