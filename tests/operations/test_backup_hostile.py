"""Forged archives are refused in a sentence, change nothing, and take little memory."""

import hashlib
import io
import json
import os
import shutil
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from ..conftest import MakeApp
from ..support import released_states as states
from ..support.examples import few
from ..support.people import run
from ..support.portal_client import Portal
from ..support.steps import PASSWORD, log_in
from ..tools.freeze_state import FINISHED, NOTICE

pytestmark = pytest.mark.sqlite
ON_EITHER = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
DIGEST = hashlib.sha256(NOTICE).hexdigest()
CONTRACTS, NOTICES, ACCOUNTS = "portal_contracts", "portal_documents", "portal_accounts"
#: Bytes for the largest notice, its copy, and what is around it.
MEMORY_MAX = 60_000_000


class Forger:
    """A backup taken apart, to be changed and signed again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with zipfile.ZipFile(path) as archive:
            self.files = {name: archive.read(name) for name in archive.namelist()}
        self.manifest = json.loads(self.files.pop("manifest.json"))
        self.signs = True

    def rows(self, table: str) -> list[list[Any]]:
        """Return the rows of a table, column names first."""
        return [json.loads(line) for line in self.files[f"tables/{table}.jsonl"].splitlines()]

    def put(self, table: str, rows: list[Any]) -> None:
        self.files[f"tables/{table}.jsonl"] = b"".join(json.dumps(row).encode() + b"\n" for row in rows)

    def change(self, table: str, column: str, value: Any) -> None:
        """Set a column of a table's first row."""
        rows = self.rows(table)
        rows[1][rows[0].index(column)] = value
        self.put(table, rows)

    def write(self, *extra: Callable[[zipfile.ZipFile], None]) -> Path:
        if self.signs:
            for name, table in self.manifest["tables"].items():
                content = self.files[f"tables/{name}.jsonl"]
                table |= {"rows": content.count(b"\n") - 1, "sha256": hashlib.sha256(content).hexdigest()}
        with zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self.files.items():
                archive.writestr(name, content)
            if "manifest.json" not in self.files:
                archive.writestr("manifest.json", json.dumps(self.manifest))
            for add in extra:
                add(archive)
        return self.path


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a portal with a past."""
    folder = tmp_path_factory.mktemp("good")
    states.make(f"sqlite:///{folder / 'lived.sqlite3'}", states.REVISIONS[-1])
    states.put_notice(folder / "data", NOTICE, DIGEST)
    return folder


@pytest.fixture(scope="module")
def good(lived: Path) -> bytes:
    return states.saved(f"sqlite:///{lived / 'lived.sqlite3'}", lived)


@pytest.fixture
def forger(good: bytes, tmp_path: Path) -> Forger:
    path = tmp_path / "portail.zip"
    path.write_bytes(good)
    return Forger(path)


@pytest.fixture
def engine() -> str:
    """Name the database; tests that depend on it run on both."""
    return "sqlite"


@pytest.fixture
def target(request: pytest.FixtureRequest, make_app: MakeApp, tmp_path: Path, engine: str, lived: Path) -> Flask:
    """Return a portal with rows and an empty data folder."""
    if engine == "postgresql":
        url = request.getfixturevalue("postgres_url")
        states.make(url, states.REVISIONS[-1])
    else:
        url = f"sqlite:///{shutil.copy(lived / 'lived.sqlite3', tmp_path / 'target.sqlite3')}"
    return make_app(SQLALCHEMY_DATABASE_URI=url)


def url_of(app: Flask) -> str:
    return str(app.config["SQLALCHEMY_DATABASE_URI"])


def refused(app: Flask, archive: Path, *, memory: int = 0) -> str:
    """Restore an archive that must be refused without effect; return what is said."""
    before = states.contents(url_of(app))
    if memory:
        tracemalloc.start()
    try:
        code, said = run(app, "restore", str(archive), "--force")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert code == 2 and said.endswith("Rien n'a changé."), said
    assert peak <= memory, peak
    assert states.contents(url_of(app)) == before
    assert not Path(app.config["PORTAL_DATA_DIR"]).exists()
    return said


@ON_EITHER
def test_a_good_backup_that_was_taken_apart_and_put_together_is_restored(forger: Forger, target: Flask) -> None:
    forger.change(CONTRACTS, "last_name", "DURAND")
    assert run(target, "restore", str(forger.write()), "--force")[0] == 0
    assert "DURAND" in [row["last_name"] for row in states.rows(url_of(target))[CONTRACTS].values()]
    stored = Path(target.config["PORTAL_DATA_DIR"]) / "notices" / DIGEST[:2] / DIGEST
    assert stored.read_bytes() == NOTICE


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "../" * 9 + "etc/passwd", "aa/../../../x", "", DIGEST.upper(), "é" * 64]
)
@pytest.mark.parametrize(("engine", "where"), [("sqlite", "row"), ("sqlite", "both"), ("postgresql", "row")])
def test_a_digest_that_is_a_path_leads_nowhere(forger: Forger, target: Flask, name: str, where: str) -> None:
    forger.change(NOTICES, "digest", name)
    if where == "both":
        forger.manifest["documents"] = [name]
        forger.files[f"notices/{name}"] = NOTICE
    refused(target, forger.write())


def test_a_row_whose_digest_is_a_path_hands_out_nothing(forger: Forger, make_app: MakeApp, tmp_path: Path) -> None:
    """As an older portal restored it."""
    secret = tmp_path / "secret.pdf"
    secret.write_bytes(b"%PDF-1.4 somebody else's")
    url = f"sqlite:///{tmp_path / 'poisoned.sqlite3'}"
    states.make(url, states.REVISIONS[-1])
    states.poison(url, NOTICES, "digest", str(secret))
    app = make_app(SQLALCHEMY_DATABASE_URI=url)
    browser = Portal(app)
    log_in(browser, FINISHED.reference, PASSWORD)
    page = browser.get("/espace/avis")
    answer = browser.http.get(page.link("Avis de novembre 2026 PDF, 1 ko"))
    assert answer.status_code == 404 and b"somebody" not in answer.data
    code, said = run(app, "backup", str(tmp_path / "out.zip"))
    assert code == 3 and FINISHED.reference in said


def test_notices_whose_files_are_nowhere_are_told(forger: Forger, target: Flask) -> None:
    forger.manifest["documents"] = []
    del forger.files[f"notices/{DIGEST}"]
    code, said = run(target, "restore", str(forger.write()), "--force")
    assert code == 0 and f"- {FINISHED.reference}, novembre 2026" in said, said


_OF_MANIFEST: dict[str, Callable[[dict[str, Any]], Any]] = {
    "format is a text": lambda m: m.update(format="1"),
    "format is true": lambda m: m.update(format=True),
    "revision is a list": lambda m: m.update(revision=["0003"]),
    "revision is a path": lambda m: m.update(revision="../0003"),
    "moment without zone": lambda m: m.update(at="2026-11-23T09:00:00"),
    "moment of no year": lambda m: m.update(at="0001-01-01T00:00:00+14:00"),
    "moment is a number": lambda m: m.update(at=1),
    "tables is a list": lambda m: m.update(tables=list(m["tables"])),
    "documents is a text": lambda m: m.update(documents=DIGEST),
    "documents twice": lambda m: m["documents"].append(DIGEST),
    "documents of numbers": lambda m: m.update(documents=[1]),
    "document that is not there": lambda m: m["documents"].append("0" * 64),
    "document that no row names": lambda m: m["documents"].append(hashlib.sha256(b"%PDF-x").hexdigest()),
    "document that is no PDF": lambda m: m["documents"].append(hashlib.sha256(b"<html>").hexdigest()),
    "rows is a text": lambda m: m["tables"][ACCOUNTS].update(rows="3"),
    "rows is absurd": lambda m: m["tables"][ACCOUNTS].update(rows=10**30),
    "rows is negative": lambda m: m["tables"][ACCOUNTS].update(rows=-1),
    "rows is missing": lambda m: m["tables"][ACCOUNTS].pop("rows"),
    "checksum is a number": lambda m: m["tables"][ACCOUNTS].update(sha256=1),
    "table of the host": lambda m: m["tables"].update(employee=m["tables"][ACCOUNTS]),
    "table named as a path": lambda m: m["tables"].update({"../portal_x": m["tables"][ACCOUNTS]}),
    "table that is no table": lambda m: m["tables"].update(portal_nothing=m["tables"][ACCOUNTS]),
    "a thousand tables": lambda m: m["tables"].update({f"portal_{n}": m["tables"][ACCOUNTS] for n in range(1000)}),
}


@pytest.mark.parametrize("lie", _OF_MANIFEST)
def test_a_manifest_is_not_believed(forger: Forger, target: Flask, lie: str) -> None:
    forger.write()
    forger.files[f"notices/{hashlib.sha256(b'%PDF-x').hexdigest()}"] = b"%PDF-x"
    forger.files[f"notices/{hashlib.sha256(b'<html>').hexdigest()}"] = b"<html>"
    forger.files["tables/portal_nothing.jsonl"] = forger.files[f"tables/{ACCOUNTS}.jsonl"]
    forger.files["tables/../portal_x.jsonl"] = forger.files["tables/employee.jsonl"] = b""
    _OF_MANIFEST[lie](forger.manifest)
    forger.signs = False
    refused(target, forger.write())


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b"{", b"[" * 100_000, b'{"format":1' + b"0" * 90_000, b"\xff", b"{}" * 9]
)
def test_a_manifest_that_is_none_is_refused(forger: Forger, target: Flask, content: bytes) -> None:
    forger.files["manifest.json"] = content
    refused(target, forger.write())


@ON_EITHER
@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        (CONTRACTS, "id", True),
        (CONTRACTS, "id", "1"),
        (CONTRACTS, "id", None),
        (CONTRACTS, "id", 2**31),
        (CONTRACTS, "id", 10**400),
        (CONTRACTS, "id", 1.5),
        (CONTRACTS, "reference", 417201),
        (CONTRACTS, "reference", ""),
        (CONTRACTS, "reference", ["417201"]),
        (CONTRACTS, "last_name", {"a": 1}),
        (CONTRACTS, "last_name", "\ud800"),
        (CONTRACTS, "last_name", None),
        (CONTRACTS, "is_direct_debit", 1),
        (CONTRACTS, "is_direct_debit", "oui"),
        (CONTRACTS, "starts_on", 20260101),
        (CONTRACTS, "starts_on", "hier"),
        (CONTRACTS, "imported_at", "2026-11-23T09:00:00"),
        (CONTRACTS, "imported_at", "0001-01-01T00:00:00+14:00"),
        (CONTRACTS, "imported_at", "9999-12-31T23:59:59-14:00"),
        (CONTRACTS, "imported_at", 5),
        (CONTRACTS, "account_id", 4_000),
        ("portal_consents", "purpose", "of another kind"),
        ("portal_consents", "contract_id", 4_000),
        ("portal_mails", "content", "a text"),
        ("portal_mails", "state", 1),
        (NOTICES, "contract_id", 4_000),
        (NOTICES, "size", len(NOTICE) + 1),
        (NOTICES, "size", -1),
        (NOTICES, "digest", None),
    ],
)
def test_a_value_of_another_kind_is_refused(forger: Forger, target: Flask, table: str, column: str, value: Any) -> None:
    forger.change(table, column, value)
    refused(target, forger.write())


@pytest.mark.parametrize(
    "forge",
    [
        lambda rows: [*rows, rows[-1]],
        lambda rows: [rows[0], dict(zip(rows[0], rows[1], strict=True)), *rows[2:]],
        lambda rows: [rows[0], "x" * len(rows[0]), *rows[2:]],
        lambda rows: [rows[0], rows[1][:-1], *rows[2:]],
        lambda rows: [rows[0], [*rows[1], 1], *rows[2:]],
        lambda rows: [rows[0], 5, *rows[2:]],
        lambda rows: [[*rows[0][:-1], "1; DROP TABLE portal_accounts"], *rows[1:]],
        lambda rows: [[*rows[0], rows[0][0]], *rows[1:]],
        lambda rows: [{name: 1 for name in rows[0]}, *rows[1:]],
        lambda rows: [[1, 2, 3], *rows[1:]],
        lambda rows: [None, *rows[1:]],
    ],
)
def test_rows_of_another_shape_are_refused(forger: Forger, target: Flask, forge: Any) -> None:
    forger.put(CONTRACTS, forge(forger.rows(CONTRACTS)))
    refused(target, forger.write())


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\n\n\n", b'["id"]', b"[" * 100_000 + b"\n", b"\x00" * 999_999 + b"\n"]
)
def test_lines_that_are_no_rows_are_refused(forger: Forger, target: Flask, content: bytes) -> None:
    forger.files[f"tables/{CONTRACTS}.jsonl"] = content
    refused(target, forger.write())


def test_a_name_that_stands_twice_is_refused(forger: Forger, target: Flask) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        forger.write(lambda archive: archive.writestr(f"notices/{DIGEST}", NOTICE))
    refused(target, forger.path)


@pytest.mark.parametrize("kind", ["folder", "pipe", "nothing", "empty"])
def test_what_is_no_file_is_refused(target: Flask, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "portail.zip"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "empty":
        path.touch()
    refused(target, path)


def zeros(archive: zipfile.ZipFile, name: str, *, gibibytes: int = 3) -> None:
    """Add thousands of files of zeros, packed once."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    archive.writestr(zipfile.ZipInfo(name), piece * (gibibytes * 1024) + packer.flush())
    archive.filelist[-1].compress_type = zipfile.ZIP_DEFLATED
    archive.filelist[-1].file_size = gibibytes << 30


def padding(archive: zipfile.ZipFile) -> None:
    """Make the archive as large as if it held three gibibytes."""
    archive.writestr(zipfile.ZipInfo("padding"), os.urandom(1 << 20) * 20)


@pytest.mark.parametrize("is_padded", [False, True])
@pytest.mark.parametrize("where", [f"notices/{DIGEST}", f"tables/{CONTRACTS}.jsonl", "manifest.json"])
def test_a_bomb_is_not_unpacked(forger: Forger, target: Flask, where: str, is_padded: bool) -> None:
    forger.write()
    forger.files.pop(where, None)
    if where == "manifest.json":
        forger.manifest = {}
    forger.signs = False
    add = [lambda archive: zeros(archive, where)] + [padding] * is_padded
    if where == "manifest.json":
        with zipfile.ZipFile(forger.path, "w") as archive:
            for one in add:
                one(archive)
    else:
        forger.write(*add)
    assert forger.path.stat().st_size < 30_000_000
    refused(target, forger.path, memory=MEMORY_MAX)


def test_a_bomb_that_lies_about_its_size_is_refused(forger: Forger, target: Flask) -> None:
    forger.write()
    del forger.files[f"notices/{DIGEST}"]
    forger.signs = False

    def lie(archive: zipfile.ZipFile) -> None:
        zeros(archive, f"notices/{DIGEST}")
        archive.filelist[-1].file_size = len(NOTICE)

    refused(target, forger.write(lie), memory=MEMORY_MAX)


@pytest.mark.parametrize("unit", [b"[],", b'"a",', b"{},", b"1,"])
def test_a_manifest_of_many_small_values_is_refused(forger: Forger, target: Flask, unit: bytes) -> None:
    forger.files["manifest.json"] = b'{"documents":[' + unit * (90_000 // len(unit)) + b"1]}"
    refused(target, forger.write(), memory=MEMORY_MAX)


def test_rows_that_are_more_than_told_are_not_read_to_the_end(forger: Forger, target: Flask) -> None:
    forger.write()
    forger.files[f"tables/{CONTRACTS}.jsonl"] += b"[]\n" * 1_000_000
    forger.signs = False
    refused(target, forger.write(), memory=MEMORY_MAX)


def test_long_rows_are_not_gathered(forger: Forger, target: Flask) -> None:
    forger.write()
    rows = forger.rows("portal_events")
    rows[1][rows[0].index("detail")] = "x" * 900_000
    rows[2][0] = "no number"
    forger.put("portal_events", rows[:2] + [[n, *rows[1][1:]] for n in range(1_000, 1_030)] + rows[2:3])
    refused(target, forger.write(), memory=20_000_000)


def test_a_list_of_millions_of_files_is_not_read(target: Flask, tmp_path: Path) -> None:
    path = tmp_path / "portail.zip"
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", *[0] * 18)
    count = 2_100_000
    size = count * len(entry)
    path.write_bytes(entry * count + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, size, 0, 0))
    refused(target, path, memory=2 * size)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mangled")


_scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from([DIGEST, "../x"])
)
_values = _scalars | st.lists(_scalars, max_size=3) | st.dictionaries(st.text(max_size=5), _scalars, max_size=2)


def try_it(app: Flask, path: Path) -> None:
    """Restore an archive: whole, or refused without effect."""
    before = states.contents(url_of(app))
    code, said = run(app, "restore", str(path), "--force")
    assert code in {0, 2}, said
    if code == 2:
        assert said.endswith("Rien n'a changé."), said
        assert states.contents(url_of(app)) == before
    assert run(app, "db", "check")[0] == 0


@few(2)
@given(data=st.data())
def test_a_mangled_archive_is_restored_whole_or_refused(
    good: bytes, make_app: MakeApp, alone: Path, data: st.DataObject
) -> None:
    url = f"sqlite:///{alone / 'portal.sqlite3'}"
    if not (alone / "portal.sqlite3").exists():
        states.make(url, states.REVISIONS[-1])
    path = alone / "portail.zip"
    path.write_bytes(good)
    kind = data.draw(st.sampled_from(["bytes", "cut", "value", "manifest"]))
    if kind == "bytes":
        spoilt = bytearray(good)
        for at in data.draw(st.lists(st.integers(0, len(good) - 1), min_size=1, max_size=8)):
            spoilt[at] = data.draw(st.integers(0, 255))
        path.write_bytes(spoilt)
    elif kind == "cut":
        begun, ended = sorted(data.draw(st.tuples(*[st.integers(0, len(good))] * 2)))
        path.write_bytes(good[:begun] + good[ended:])
    else:
        forger = Forger(path)
        if kind == "value":
            table = data.draw(st.sampled_from(sorted(forger.manifest["tables"])))
            rows = forger.rows(table)
            row = data.draw(st.sampled_from(rows))
            row[data.draw(st.integers(0, len(row) - 1))] = data.draw(_values)
            forger.put(table, rows)
        else:
            key = data.draw(st.sampled_from(sorted(forger.manifest)))
            forger.manifest[key], forger.signs = data.draw(_values), False
        forger.write()
    app = make_app(SQLALCHEMY_DATABASE_URI=url)
    try_it(app, path)


@few(4)
@given(content=st.binary(max_size=300))
def test_arbitrary_bytes_are_no_backup(make_app: MakeApp, alone: Path, content: bytes) -> None:
    path = alone / "other.zip"
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("manifest.json", content)
    app = make_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{alone / 'none.sqlite3'}")
    for one in (content, written.getvalue()):
        path.write_bytes(one)
        code, said = run(app, "restore", str(path))
        assert code == 2 and "Rien n'a changé" in said
