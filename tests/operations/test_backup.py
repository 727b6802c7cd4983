"""Backup and restore: all of one moment comes back, on either database, and nothing else is harmed."""

import hashlib
import json
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from tenant_portal.db import begin_write, db, utcnow
from tenant_portal.mail import outbox
from tenant_portal.models import Account, Contract, Mail

from ..conftest import MakeApp
from ..support import hosts
from ..support import released_states as states
from ..support.people import run
from ..support.portal_client import Portal
from ..support.post import Mailbox
from ..support.steps import PASSWORD, log_in, sign_up
from ..tools.freeze_state import FINISHED, FREE, NOTICE

DIGEST = hashlib.sha256(NOTICE).hexdigest()
ENGINES = ("sqlite", "postgresql")
AddressOf = Callable[[str], str]


@pytest.fixture
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> AddressOf:
    """Return a function that returns the address of an empty database."""

    def make(engine: str) -> str:
        if engine == "postgresql":
            return str(request.getfixturevalue("postgres_server").new_database())
        return f"sqlite:///{tmp_path / 'new.sqlite3'}"

    return make


@pytest.fixture
def lived_in(tmp_path: Path) -> str:
    """Return a SQLite database with a row in each table, and its notice."""
    url = f"sqlite:///{tmp_path / 'lived.sqlite3'}"
    states.make(url, states.REVISIONS[-1])
    states.put_notice(tmp_path / "data", NOTICE, DIGEST)
    return url


@pytest.fixture
def portal_on(make_app: MakeApp, tmp_path: Path) -> Callable[..., Flask]:
    """Return a function that returns a portal on a database, with its own data folder."""
    return lambda url, data="data": make_app(SQLALCHEMY_DATABASE_URI=url, PORTAL_DATA_DIR=str(tmp_path / data))


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("source", ENGINES)
@pytest.mark.parametrize("target", ENGINES)
def test_every_row_and_every_notice_comes_back_on_either_database(
    lived_in: str, portal_on: Callable[..., Flask], new_url: AddressOf, tmp_path: Path, source: str, target: str
) -> None:
    url = lived_in
    if source == "postgresql":
        url = new_url(source)
        states.make(url, states.REVISIONS[-1])
    before = states.rows(url)
    assert all(before.values()), "a row in each table"
    archive = tmp_path / "portail.zip"
    code, said = run(portal_on(url), "backup", str(archive))
    assert code == 0 and "1 avis d'échéance" in said and "secrets" in said, said
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.glob("tmp*")] == []

    elsewhere = new_url(target)
    app = portal_on(elsewhere, "elsewhere")
    code, said = run(app, "restore", str(archive))
    assert code == 0 and f"{sum(map(len, before.values()))} lignes" in said, said
    assert states.rows(elsewhere) == before
    assert files_in(tmp_path / "elsewhere") == files_in(tmp_path / "data")
    assert run(app, "db", "check")[0] == 0


def test_people_go_on_after_a_restore(
    lived_in: str, portal_on: Callable[..., Flask], postgres_url: str, tmp_path: Path
) -> None:
    archive = str(tmp_path / "portail.zip")
    assert run(portal_on(lived_in), "backup", archive)[0] == 0
    app = portal_on(postgres_url, "elsewhere")
    assert run(app, "restore", archive)[0] == 0
    browser = Portal(app)
    assert log_in(browser, FINISHED.reference, PASSWORD).path == "/espace"
    address = browser.get("/espace/avis").link("Avis de novembre 2026 PDF, 1 ko")
    assert browser.http.get(address, buffered=True).data == NOTICE
    assert sign_up(Portal(app), FREE, email="claire@orange.fr").h1 == "Consultez vos e-mails"


def write_something(app: Flask) -> None:
    """Write rows of several tables in one transaction."""
    with app.app_context():
        begin_write()
        contract = Contract(
            reference="999999", module="1", account=Account(email="x@y.fr", password_hash="-", signup_key="-")
        )
        db.session.add(contract)
        db.session.flush()
        content = {"digits": "999", "link": "-", "until": utcnow().isoformat()}
        outbox.put("reset", "x@y.fr", account=contract.account, contract=contract, content=content)
        db.session.commit()


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_written_during_a_backup_is_whole_in_the_database_and_not_at_all_in_the_backup(
    portal_on: Callable[..., Flask], new_url: AddressOf, tmp_path: Path, engine: str
) -> None:
    url = new_url(engine)
    states.make(url, states.REVISIONS[-1])
    states.put_notice(tmp_path / "data", NOTICE, DIGEST)
    before = states.rows(url)
    app, writer = portal_on(url), portal_on(url)
    written = []

    def write_now(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "FROM portal_accounts" in statement and not written:
            written.append(statement)
            write_something(writer)

    with app.app_context():
        event.listen(db.engine, "after_cursor_execute", write_now)
    archive = str(tmp_path / "portail.zip")
    assert run(app, "backup", archive)[0] == 0
    assert written
    with writer.app_context():
        assert db.session.scalars(select(Mail).where(Mail.recipient == "x@y.fr")).one().contract_id is not None
    assert run(writer, "restore", archive, "--force")[0] == 0
    assert states.rows(url) == before


def test_a_database_that_holds_something_is_left_alone_unless_told(
    lived_in: str, portal_on: Callable[..., Flask], tmp_path: Path
) -> None:
    archive = str(tmp_path / "portail.zip")
    app = portal_on(lived_in)
    assert run(app, "backup", archive)[0] == 0
    write_something(app)
    after = states.rows(lived_in)
    code, said = run(app, "restore", archive)
    assert code == 1 and "--force" in said and "Rien n'a changé" in said
    assert states.rows(lived_in) == after
    assert run(app, "restore", archive, "--force")[0] == 0
    assert states.rows(lived_in) != after


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("revision", states.REVISIONS)
def test_a_backup_of_every_released_format_is_restored_and_brought_forward(
    portal_on: Callable[..., Flask], new_url: AddressOf, tmp_path: Path, revision: str, engine: str, mailbox: Mailbox
) -> None:
    old = f"sqlite:///{tmp_path / 'old.sqlite3'}"
    states.make(old, revision)
    states.put_notice(tmp_path / "data", NOTICE, DIGEST)
    before = states.rows(old)
    archive = str(tmp_path / "portail.zip")
    assert run(portal_on(old), "backup", archive)[0] == 0
    assert states.rows(old) == before, "a database is saved in the format that it has"
    url = new_url(engine)
    app = portal_on(url)
    code, said = run(app, "restore", archive)
    assert code == 0 and ("format antérieur" in said) == (revision != states.REVISIONS[-1]), said
    assert not states.lost(before, states.rows(url))
    assert run(app, "db", "check")[0] == 0


@pytest.mark.parametrize("harm", ["cut", "table", "document", "manifest", "newer", "nothing", "other", "lacking"])
def test_an_archive_that_is_not_whole_changes_nothing(
    lived_in: str, portal_on: Callable[..., Flask], tmp_path: Path, harm: str
) -> None:
    archive = tmp_path / "portail.zip"
    app = portal_on(lived_in, "elsewhere" if harm == "document" else "data")
    assert run(portal_on(lived_in), "backup", str(archive))[0] == 0
    spoil(archive, harm)
    before = states.rows(lived_in)
    code, said = run(app, "restore", str(archive), "--force")
    assert code == 2 and "Rien n'a changé" in said, said
    assert states.rows(lived_in) == before
    assert not (tmp_path / "elsewhere").exists()


def spoil(path: Path, harm: str) -> None:
    if harm in {"cut", "nothing", "other"}:
        whole = path.read_bytes()
        path.unlink()
        if harm != "nothing":
            path.write_bytes(whole[: len(whole) // 2] if harm == "cut" else b"reference;module\n1;2\n")
        return
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files["manifest.json"])
    if harm == "table":
        files["tables/portal_accounts.jsonl"] = files["tables/portal_accounts.jsonl"].replace(b"orange", b"orangE")
    elif harm == "document":
        files[f"notices/{DIGEST}"] += b" "
    elif harm == "lacking":
        files.pop("tables/portal_documents.jsonl")
    elif harm == "newer":
        manifest["revision"] = "9999"
    else:
        manifest["tables"]["portal_accounts"]["rows"] += 1
    files["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def test_a_notice_that_is_lost_is_named_and_the_rest_is_saved(
    lived_in: str, portal_on: Callable[..., Flask], tmp_path: Path
) -> None:
    (tmp_path / "data" / "notices" / DIGEST[:2] / DIGEST).write_bytes(b"harmed")
    archive = str(tmp_path / "portail.zip")
    app = portal_on(lived_in)
    code, said = run(app, "backup", archive)
    assert code == 3 and f"- {FINISHED.reference}, novembre 2026" in said, said
    before = states.rows(lived_in)
    assert run(app, "restore", archive, "--force")[0] == 0
    assert states.rows(lived_in) == before


def test_a_backup_that_cannot_be_written_leaves_the_former_one(
    lived_in: str, portal_on: Callable[..., Flask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = portal_on(lived_in)
    code, said = run(app, "backup", str(tmp_path / "no such folder" / "portail.zip"))
    assert code == 1 and "Aucun fichier n'a changé" in said
    archive = tmp_path / "portail.zip"
    assert run(app, "backup", str(archive))[0] == 0
    former = archive.read_bytes()
    with app.app_context():
        event.listen(db.engine, "after_cursor_execute", _no_room)
    code, said = run(app, "backup", str(archive))
    assert code == 1 and "No space left" in said, said
    assert archive.read_bytes() == former and [path.name for path in tmp_path.glob("tmp*")] == []


def _no_room(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
    if "FROM portal_mails" in statement:
        raise OSError(28, "No space left on device")


def test_an_empty_database_has_nothing_to_save(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path / 'none.sqlite3'}")
    code, said = run(app, "backup", str(tmp_path / "portail.zip"))
    assert code == 1 and "flask portal db upgrade" in said
    assert not (tmp_path / "portail.zip").exists()


class TestInAHost:
    """The host's engine begins transactions its own way and has other tables."""

    @pytest.fixture
    def home(self) -> Iterator[str]:
        yield hosts.EXTENSION

    def test_the_tables_of_the_host_are_neither_saved_nor_touched(
        self, lived_in: str, portal_on: Callable[..., Flask], tmp_path: Path
    ) -> None:
        app, writer = portal_on(lived_in), portal_on(lived_in)
        hosts.add_staff(app)
        before = states.rows(lived_in)
        archive = str(tmp_path / "portail.zip")
        assert run(app, "backup", archive)[0] == 0
        with zipfile.ZipFile(archive) as saved:
            assert not [name for name in saved.namelist() if "employee" in name]
        write_something(writer)
        assert run(app, "restore", archive, "--force")[0] == 0
        assert states.rows(lived_in) == before
        with app.app_context():
            assert db.session.get(app.extensions["employee"], 1).name == "Mme Moreau"
