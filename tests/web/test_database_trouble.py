"""The database is away, locked or full: what people see, and that all goes on by itself (T41)."""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from tenant_portal import db as database
from tests.conftest import SETTINGS, MakeApp, close
from tests.support import services
from tests.support.people import Tenant
from tests.support.portal_client import ANY_STATUS, Page, Portal
from tests.support.post import Mailbox
from tests.support.steps import Lease, fill_sign_up, finish

Dump = Callable[[], dict[str, list[Any]]]


@pytest.fixture
def app(make_app: MakeApp, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """Return a portal that waits for no lock; a host's engine has its own timeout."""
    if pytestconfig.getoption("postgresql"):
        return make_app()
    monkeypatch.setattr(database, "SQLITE_BUSY_SECONDS", 0)
    return make_app(SQLALCHEMY_ENGINE_OPTIONS={"connect_args": {"timeout": 0}})


@pytest.fixture
def away(app: Flask, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], Any]:
    """Return a context without the disk of the database."""
    if request.config.getoption("postgresql"):
        server: services.Postgres = request.getfixturevalue("postgres_server")
        return lambda: server.shut(app.config["SQLALCHEMY_DATABASE_URI"])
    file, shelf = tmp_path / "portal.sqlite3", tmp_path / "shelf.sqlite3"

    @contextmanager
    def gone() -> Iterator[None]:
        close(app)
        file.rename(shelf)
        file.mkdir()
        try:
            yield
        finally:
            close(app)
            file.rmdir()
            shelf.rename(file)

    return gone


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the write lock, as a second program would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def full(app: Flask) -> Iterator[None]:
    """Let the database grow by no page: SQLite reports it as a full disk."""
    close(app)
    with app.app_context():
        engine = database.db.engine
    with closing(sqlite3.connect(engine.url.database)) as connection:
        connection.execute("VACUUM")

    def limit(connection: Any, _: Any) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(engine, "connect", limit)
        close(app)


def check_kindness(page: Page) -> None:
    """Check that the page tells the trouble, the telephone and when to come back."""
    assert page.h1 == "Notre service est arrêté pour un moment"
    assert page.says("Le problème vient de chez nous") and page.says("rechargez cette page")
    assert page.says(SETTINGS["PORTAL_LANDLORD_PHONE"]) and page.says(SETTINGS["PORTAL_LANDLORD_HOURS"])
    assert page.response.headers["Retry-After"] == "60"
    assert page.response.headers["Cache-Control"] == "no-store"


@pytest.mark.every_home
def test_t41_tenant_meets_a_database_that_is_away_and_goes_on_when_it_is_back(
    away: Callable[[], Any], an_account: Callable[..., Tenant], caplog: pytest.LogCaptureFixture
) -> None:
    tenant = an_account()
    with away(), caplog.at_level(logging.INFO):
        page = tenant.browser.get("/espace", status=503)
        check_kindness(page)
        assert page.says("ce qui était enregistré avant l'est toujours")
        assert not page.says("Ce que vous venez d'envoyer")
    lines = [record for record in caplog.records if record.name == "tenant_portal"]
    assert [record.getMessage().split(":")[0].split("='")[0] for record in lines] == ["database_away error"]
    assert "\n" not in lines[0].getMessage() and not lines[0].exc_info
    assert tenant.browser.get("/espace").says(tenant.lease.reference), "and he is still logged in"


def test_t41_whoever_signs_up_is_told_that_nothing_is_saved_and_sends_it_again(
    away: Callable[[], Any], portal: Portal, mailbox: Mailbox, a_contract: Callable[..., Lease], database_dump: Dump
) -> None:
    lease = a_contract()
    before = database_dump()
    form = fill_sign_up(portal, lease)
    with away():
        page = form.click("Je valide la création de mon compte", status=503)
        check_kindness(page)
        assert page.says("Ce que vous venez d'envoyer n'est pas enregistré")
    assert database_dump() == before
    assert form.click("Je valide la création de mon compte").h1 == "Consultez vos e-mails", "as a reload sends it"
    assert finish(portal, mailbox.read().link, lease.reference).path == "/espace"
    mailbox.read()


@pytest.mark.every_home
def test_t41_the_page_speaks_english_and_the_pages_that_need_no_database_are_there(
    away: Callable[[], Any], portal: Portal
) -> None:
    portal.get("/connexion?langue=en")
    with away():
        assert portal.get("/aide").status == portal.get("/connexion").status == 200
        form = portal.page.form("Log in").fill("My contract reference", "417201").fill("My password", "whatever it is")
        page = form.click(status=503)
        assert page.h1 == "Our service has stopped for a moment"


@pytest.mark.every_home
def test_a_page_that_does_not_exist_is_told_as_such_without_a_database(
    away: Callable[[], Any], an_account: Callable[..., Tenant]
) -> None:
    tenant = an_account()
    with away():
        page = tenant.browser.get("/gestion", status=ANY_STATUS)
        assert page.status in {404, 503} and page.says(SETTINGS["PORTAL_LANDLORD_PHONE"])


@pytest.mark.every_home
@pytest.mark.sqlite
def test_t41_a_locked_database_saves_nothing_and_lets_people_read_on(
    tmp_path: Path,
    an_account: Callable[..., Tenant],
    a_contract: Callable[..., Lease],
    mailbox: Mailbox,
    database_dump: Dump,
) -> None:
    tenant, lease = an_account(), a_contract()
    before = database_dump()
    browser = tenant.browser.another_browser()
    form = fill_sign_up(browser, lease)
    with locked(tmp_path / "portal.sqlite3"):
        check_kindness(form.click("Je valide la création de mon compte", status=503))
        assert tenant.browser.get("/espace").says(tenant.lease.reference)
    assert database_dump() == before
    assert form.click("Je valide la création de mon compte").h1 == "Consultez vos e-mails"
    mailbox.read()


@pytest.mark.sqlite
def test_t41_a_full_disk_saves_nothing_and_room_made_is_used_at_once(
    app: Flask, an_account: Callable[..., Tenant], portal: Portal, mailbox: Mailbox, database_dump: Dump
) -> None:
    tenant = an_account()
    before = database_dump()
    form = portal.get("/message").form("J'envoie mon message")
    form.choose("Quel est votre problème", "Autre chose")
    form.fill("Votre message", "Je ne trouve pas mon numéro de module. " * 100)
    form.fill("Votre adresse mail", "lea@free.fr")
    with full(app):
        check_kindness(form.click(status=503))
        assert tenant.browser.get("/espace").says(tenant.lease.reference)
    assert database_dump() == before
    assert form.click().status == 200
    assert {mail.to for mail in mailbox.read_all()} >= {SETTINGS["PORTAL_LANDLORD_EMAIL"]}
