"""A monthly roster: only what differs changes, and nobody waits while it is read."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update

from tenant_portal import create_app
from tenant_portal.db import begin_write, db, utcnow
from tenant_portal.models import Contract, RateLimitCounter

from ..conftest import SETTINGS, MakeApp, close
from ..support import hosts
from ..support.examples import few
from .test_importer import a_file, contract, counts, how_many, on_both, take

HEADER = "Contrat;Module;Nom;Mode de paiement;Date de sortie;Mail\n"


def lines_of(numbers: range) -> list[str]:
    """Return lines, together longer than one read."""
    return [f"{n};{n + 5};NOM {n};Prélèvement;31/12/2040;n{n}@free.fr" for n in numbers]


def of(tmp_path: Path, lines: list[str]) -> Path:
    return a_file(tmp_path, HEADER + "\n".join(lines) + "\n")


@on_both
def test_a_roster_of_next_month_changes_what_differs_only(app: Flask, tmp_path: Path) -> None:
    lines = lines_of(range(10_000, 14_000))
    lines[950] = lines[950].replace("31/12/2040", "")
    with app.app_context():
        take(of(tmp_path, lines))
        assert counts(take(of(tmp_path, lines), complete=True)) == (0, 0, 4000, 0, 0)
        begin_write()
        db.session.execute(update(Contract).where(Contract.reference == "10500").values(is_direct_debit=False))
        db.session.execute(update(Contract).where(Contract.reference == "10600").values(ended_at=utcnow()))
        db.session.commit()
        lines[700] = lines[700].replace("NOM", "AUTRE")
        lines[800] = lines[800].replace("31/12/2040", "")
        lines[900] = lines[900].replace("31/12/2040", "31/02/2040")
        lines[950] = lines[950].replace(";;", ";31/02/2040;")
        lines[1000:1001] = lines_of(range(99_000, 99_003))  # 11000 lacks, three are new
        lines[2000:] = reversed(lines[2000:])
        assert counts(take(of(tmp_path, lines), complete=True)) == (3, 4, 3993, 1, 2)
        assert contract("10500").is_direct_debit
        assert contract("10600").ended_at is None
        assert contract("10700").last_name == "AUTRE 10700"
        assert contract("10800").ends_on is None
        assert contract("10900").ended_at is None
        assert contract("11000").ended_at is not None
        assert how_many() == 4003


@on_both
def test_a_line_that_contradicts_one_that_stands_is_told_with_the_other(app: Flask, tmp_path: Path) -> None:
    lines = lines_of(range(10_000, 12_000))
    with app.app_context():
        take(of(tmp_path, lines))
        lines += [lines[100], lines[200].replace("2040", "2041")]
        report = take(of(tmp_path, lines), complete=True)
        assert (counts(report), report.repeated) == ((0, 0, 1999, 0, 2), 1)
        told = [(f.line, f.value, f.reason) for f in [*report.warnings, *report.refusals]]
        assert [(line, value) for line, value, _reason in told] == [(2002, "10100"), (202, "10200"), (2003, "10200")]
        assert [other in reason for (_l, _v, reason), other in zip(told, ["102", "2003", "202"], strict=True)] == [
            True
        ] * 3
        assert contract("10200").last_name == "NOM 10200"


def test_a_number_that_was_good_before_is_refused_once_the_landlord_counts_otherwise(
    make_app: MakeApp, tmp_path: Path
) -> None:
    path = of(tmp_path, lines_of(range(998, 1002)))
    with make_app().app_context():
        assert counts(take(path)) == (4, 0, 0, 0, 0)
    with make_app(PORTAL_REFERENCE_LENGTH="4-4").app_context():
        assert counts(take(path)) == (0, 0, 2, 0, 2)


@on_both
def test_signs_that_mean_something_to_a_database_are_text(app: Flask, tmp_path: Path) -> None:
    names = ["C:\\temp\\N", "\\Ne", "\\.", "100 % %s {} $1 ?", "l'été", "NULLE", "a|b", "\\"]
    lines = [f"{n};5;{name};;;" for n, name in enumerate(names)]
    with app.app_context():
        assert take(of(tmp_path, lines)).added == len(names)
        assert [contract(str(n)).last_name for n in range(len(names))] == names
        assert take(of(tmp_path, lines)).unchanged == len(names)


@pytest.mark.parametrize("home", [hosts.STANDALONE, hosts.EXTENSION], indirect=True)
def test_everybody_goes_on_writing_while_a_file_is_read(make_app: MakeApp, tmp_path: Path) -> None:
    app, other = make_app(), make_app()
    lines = lines_of(range(10_000, 14_000))

    def write() -> None:
        with other.app_context():
            begin_write()
            count = db.session.scalar(select(func.count()).select_from(RateLimitCounter))
            db.session.add(RateLimitCounter(key=f"{count}", since=utcnow()))
            db.session.commit()

    with app.app_context():
        take(of(tmp_path, lines), progress=write)
        lines[50] = lines[50].replace("NOM", "AUTRE")
        assert counts(take(of(tmp_path, lines), progress=write)) == (0, 1, 3999, 0, 0)
        assert (db.session.scalar(select(func.count()).select_from(RateLimitCounter)) or 0) > 2


@pytest.mark.sqlite  # PostgreSQL makes the second import wait
def test_of_two_rosters_at_once_the_one_that_ends_last_counts_whole(make_app: MakeApp, tmp_path: Path) -> None:
    app, other = make_app(), make_app()
    path, rows = of(tmp_path, lines_of(range(10_000, 11_000))), [{"reference": "10001", "module": "77"}]

    def meanwhile() -> None:
        with other.app_context():
            assert counts(take(rows)) == (0, 1, 0, 0, 0)

    with app.app_context():
        take(path)
        assert counts(take(path, progress=meanwhile)) == (0, 1, 999, 0, 0)
        assert contract("10001").module == "10006"


@pytest.fixture(scope="module")
def in_turn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., list[Any]]]:
    """Return a function that imports rosters one after another.

    It returns the last report, and the contracts by reference.
    """
    folder = tmp_path_factory.mktemp("in-turn")
    app = create_app({**SETTINGS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder}/p.db"})
    assert app.test_cli_runner().invoke(args=["portal", "db", "upgrade"]).exit_code == 0
    columns = [c for c in Contract.__table__.c if c.name not in ("id", "imported_at", "ended_at")]

    def run(*rosters: str, complete: bool) -> Any:
        with app.app_context():
            begin_write()
            db.session.execute(delete(Contract))
            db.session.commit()
            reports = [take(a_file(folder, HEADER + text), complete=complete, force=True) for text in rosters]
            rows = db.session.execute(select(*columns, Contract.ended_at.is_(None)))
            return reports[-1], {row.reference: tuple(row) for row in rows}

    yield run
    close(app)


_row = st.tuples(
    st.integers(1, 15).map(str) | st.sampled_from(["L/3", "4A", ""]),
    st.sampled_from(["1", "2"]),
    st.sampled_from(["A", " A", "B  b", "=1"]),
    st.sampled_from(["Prélèvement", "Chèque", ""]),
    st.sampled_from(["", "31/12/2040", "2040-12-31", "31/02/2040", "01/01/2020"]),
    st.sampled_from(["", "a@free.fr", "A@Free.FR", "x"]),
)
_rosters = st.lists(_row, min_size=1, max_size=15).flatmap(
    lambda rows: st.tuples(
        st.just(rows),
        st.lists(st.sampled_from(rows) | _row, max_size=5).map(lambda more: [*rows, *more])
        | st.lists(st.sampled_from(rows) | _row, min_size=1, max_size=15),
    )
)


@few(2)
@given(rosters=_rosters, complete=st.booleans())
def test_a_roster_means_the_same_whatever_stood_before(
    in_turn: Callable[..., Any], rosters: Any, complete: bool
) -> None:
    first, second = ("".join(";".join(row) + "\n" for row in rows) for rows in rosters)
    alone, contracts_alone = in_turn(second, complete=complete)
    after, contracts_after = in_turn(first, second, complete=complete)
    again, contracts_again = in_turn(first, second, second, complete=complete)
    assert again.is_without_effect
    assert contracts_again == contracts_after
    assert contracts_after | contracts_alone == contracts_after
    assert alone.added == after.added + after.changed + after.unchanged == again.unchanged
    for report in (after, again):
        assert (report.refused, report.repeated) == (alone.refused, alone.repeated)
        assert list(report.refusals) == list(alone.refusals)
        assert list(report.warnings) == list(alone.warnings)
