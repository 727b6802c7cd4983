"""From each released format to the newest: nothing is lost, and people go on."""

import hashlib
from pathlib import Path

import pytest
from flask import Flask

from tenant_portal.operations import migrations

from ..conftest import MakeApp, upgrade
from ..support import released_states as states
from ..support.people import must_run
from ..support.portal_client import Portal
from ..support.post import Mailbox
from ..support.steps import PASSWORD, finish, log_in, sign_up
from ..tools.freeze_state import CLOSED, FINISHED, FREE, NOTICE, PENDING, PENDING_EMAIL, STATES, WISHED_EMAIL

pytestmark = pytest.mark.databases("sqlite", "postgresql")


@pytest.fixture(params=states.REVISIONS)
def revision(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def app(make_app: MakeApp, empty_database: str, revision: str, tmp_path: Path) -> Flask:
    """Return the portal on the database of then, migrated."""
    states.make(empty_database, revision)
    before = states.rows(empty_database)
    app = make_app(SQLALCHEMY_DATABASE_URI=empty_database)
    upgrade(app)
    assert not states.lost(before, states.rows(empty_database))
    states.put_notice(tmp_path / "data", NOTICE, hashlib.sha256(NOTICE).hexdigest())
    return app


def test_people_of_every_released_portal_go_on_in_the_newest(
    app: Flask, revision: str, portal: Portal, mailbox: Mailbox
) -> None:
    must_run(app, "db", "check")
    assert "[>] 9." in must_run(app, "contracts", "show", PENDING.reference)
    assert "[x] 12." in must_run(app, "contracts", "show", FINISHED.reference)
    assert log_in(portal, FINISHED.reference, PASSWORD).path == "/espace"
    if revision >= "0002":
        page = portal.get("/espace/avis")
        assert page.says("novembre 2026")
        assert log_in(Portal(app), CLOSED.reference, PASSWORD).path == "/reouverture"
    if revision >= "0003":
        assert portal.get("/espace/compte").says(WISHED_EMAIL)
    link = mailbox.read(to=PENDING_EMAIL).link
    if revision == "0001":  # its links knew nothing of closing
        Portal(app).get(link, status=410)
        pending = Portal(app)
        log_in(pending, PENDING.reference, PASSWORD)
        pending.click("Renvoyer l'e-mail")
        link = mailbox.read(to=PENDING_EMAIL).link
    assert finish(Portal(app), link, PENDING.reference).path == "/espace", "the mail that waited leads home"
    sign_up(Portal(app), FREE, email="claire@orange.fr")
    assert {mail.to for mail in mailbox.read_all()} == {PENDING_EMAIL, "claire@orange.fr"}


def test_every_migration_has_its_released_state() -> None:
    missing = [revision for revision in states.REVISIONS if not (STATES / f"{revision}.sql").exists()]
    assert not missing, f"run `python -m tests.tools.freeze_state` at {missing}, and keep what it writes"
    assert {path.stem for path in STATES.iterdir()} == set(
        states.REVISIONS
    ) and migrations.newest() == states.REVISIONS[-1]
