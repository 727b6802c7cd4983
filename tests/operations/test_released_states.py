"""From each released format, with data in it, to the newest: nothing is lost, and people go on from there."""

import hashlib
from pathlib import Path

import pytest
from flask import Flask

from tenant_portal.operations import migrations

from ..conftest import MakeApp, upgrade
from ..support import released_states as states
from ..support.people import PASSWORD, fill_sign_up, log_in
from ..support.portal_client import Portal
from ..support.post import Mailbox
from ..tools.freeze_state import CLOSED, FINISHED, FREE, NOTICE, PENDING, PENDING_EMAIL, STATES, WISHED_EMAIL


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'old.sqlite3'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=states.REVISIONS)
def revision(request: pytest.FixtureRequest) -> str:
    """Return each released migration."""
    return str(request.param)


@pytest.fixture
def app(make_app: MakeApp, url: str, revision: str, tmp_path: Path) -> Flask:
    """Return the portal of today on the database of then, brought to the newest format."""
    states.make(url, revision)
    before = states.rows(url)
    app = make_app(SQLALCHEMY_DATABASE_URI=url)
    upgrade(app)
    assert not states.lost(before, states.rows(url))
    states.put_notice(tmp_path / "data", NOTICE, hashlib.sha256(NOTICE).hexdigest())
    return app


def test_people_of_every_released_portal_go_on_in_the_newest(
    app: Flask, revision: str, portal: Portal, mailbox: Mailbox
) -> None:
    def run(*args: str) -> str:
        result = app.test_cli_runner().invoke(args=["portal", *args])
        assert result.exit_code == 0, result.output
        return result.output

    run("db", "check")
    assert "[>]  9." in run("contracts", "show", PENDING.reference)
    assert "[x] 12." in run("contracts", "show", FINISHED.reference)
    assert log_in(portal, FINISHED.reference, PASSWORD).path == "/espace"
    if revision >= "0002":
        page = portal.get("/espace/avis")
        assert page.says("novembre 2026")
        assert log_in(Portal(app), CLOSED.reference, PASSWORD).path == "/reouverture"
    if revision >= "0003":
        assert portal.get("/espace/compte").says(WISHED_EMAIL)
    link = mailbox.read(to=PENDING_EMAIL).link
    if revision == "0001":  # its links did not yet tell of closing: whoever has one is helped on to another
        Portal(app).get(link, status=410)
        pending = Portal(app)
        log_in(pending, PENDING.reference, PASSWORD)
        pending.click("Renvoyer l'e-mail")
        link = mailbox.read(to=PENDING_EMAIL).link
    form = Portal(app).get(link).form("Je me connecte").fill("Ma référence contrat", PENDING.reference)
    assert form.fill("Mon mot de passe", PASSWORD).click().path == "/espace", "the mail that waited leads home"
    fill_sign_up(Portal(app), FREE, email="claire@orange.fr")
    assert {mail.to for mail in mailbox.read_all()} == {PENDING_EMAIL, "claire@orange.fr"}


def test_every_migration_has_its_released_state() -> None:
    missing = [revision for revision in states.REVISIONS if not (STATES / f"{revision}.sql").exists()]
    assert not missing, f"run `python -m tests.tools.freeze_state` at {missing}, and keep what it writes"
    assert {path.stem for path in STATES.iterdir()} == set(
        states.REVISIONS
    ) and migrations.newest() == states.REVISIONS[-1]
