"""Reading a roster and importing it: no crash, no line lost, none taken twice."""

import codecs
import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from tenant_portal import create_app, roster
from tenant_portal.db import begin_write, db, utcnow
from tenant_portal.errors import RosterUnusable
from tenant_portal.models import Account, Contract, Import
from tenant_portal.roster import columns, csv_reader, decoding, words
from tenant_portal.roster.report import Report
from tests.support.paths import ROOT

from ..conftest import SETTINGS, Clock, MakeApp, close
from ..support.examples import few

SHARED = ROOT.parent / "shared" / "data"
DATA = SHARED if SHARED.is_dir() else ROOT / "tests" / "data"
HEADER = ["Référence contrat", "N° module", "Nom", "Adresse", "Mode de paiement", "Date d'entrée", "Date de sortie"]
LENGTH = (1, 12)

on_both = pytest.mark.databases("sqlite", "postgresql")


@pytest.fixture
def inside(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def take(source: Any, **options: Any) -> Report:
    """Import a file, or rows of a host."""
    rows = csv_reader.read(source) if isinstance(source, Path) else source
    report = roster.take(rows, name="contrats.csv", **options)
    db.session.commit()
    return report


def rows_of(path: Path, **options: str) -> Iterator[tuple[int, tuple[str, ...], str]]:
    """Yield line, cells and fault of each row."""
    for batch in csv_reader.read(path, **options).batches:
        yield from zip(batch.lines, zip(*batch.columns.values(), strict=True), batch.troubles, strict=True)


def counts(report: Report) -> tuple[int, int, int, int, int]:
    """Return added, changed, unchanged, ended, refused."""
    return report.added, report.changed, report.unchanged, report.ended, report.refused


def contract(reference: str) -> Contract:
    return db.session.scalars(select(Contract).where(Contract.reference == reference)).one()


def how_many() -> int:
    return db.session.scalar(select(func.count()).select_from(Contract)) or 0


def a_file(tmp_path: Path, text: str | bytes, encoding: str = "utf-8") -> Path:
    path = tmp_path / "contrats.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


@on_both
def test_the_landlords_export_gives_its_2000_contracts(app: Flask) -> None:
    with app.app_context():
        assert counts(take(DATA / "contrats.csv")) == (2000, 0, 0, 0, 0)
        with (DATA / "contrats.csv").open(encoding="cp1252", newline="") as file:
            lines = list(csv.DictReader(file, delimiter=";"))
        stored = {c.reference: c for c in db.session.scalars(select(Contract))}
        assert len(lines) == len(stored) == 2000
        for line in lines:
            row = stored[line["Référence contrat"]]
            assert (row.module, row.last_name, row.city) == (line["N° module"], line["Nom"], line["Ville"])
            assert row.is_direct_debit == line["Mode de paiement"].startswith("Prélèvement")
            assert row.starts_on is not None
            assert row.starts_on.strftime("%d/%m/%Y") == line["Date d'entrée"]
        report = take(DATA / "contrats.csv")
        assert counts(report) == (0, 0, 2000, 0, 0)
        assert report.is_without_effect


@on_both
def test_each_fault_of_a_real_export_becomes_what_was_decided(app: Flask) -> None:
    faults = json.loads((DATA / "contrats_sales.json").read_text(encoding="utf-8"))
    with app.app_context():
        report = take(DATA / "contrats_sales.csv")
        refusals = {(f.line, f.column): f for f in report.refusals}
        warnings = {(f.line, f.column): f for f in report.warnings}
        expected = {(f["line"], f["column"]) for f in faults if "refused" in f["fault"]} | {(15, "Référence contrat")}
        assert set(refusals) == expected
        assert set(warnings) == {(f["line"], f["column"]) for f in faults if "warning" in f["fault"]}
        for fault in faults:
            told = (refusals | warnings).get((fault["line"], fault["column"]))
            if told is not None and "not ASCII" not in fault["fault"]:  # which the file could not hold
                assert told.value == fault["value"]
        assert counts(report) == (60 - 8, 0, 0, 0, 8)
        assert contract("074248").module == "33343252"
        assert contract("099702").module == "27643311"
        assert contract("062981").module == "77097846"
        assert contract("076954").ends_on == date(2026, 12, 31)
        assert contract("578814").is_direct_debit
        assert contract("614984").is_direct_debit
        assert contract("614984").payment == "prélèvement automatique"
        assert contract("190505").email == ""
        assert contract("051631").last_name == '=HYPERLINK("http://x")'
        assert db.session.scalars(select(Contract).where(Contract.reference == "954893")).all() == []


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("051631", "051631"),
        ("L/051631", "051631"),
        ("l / 051 631 ", "051631"),
        ("L-051631", "051631"),
        ("L051631", "051631"),
        ("051\u202f631\u00a0", "051631"),
        ('="051631"', "051631"),
        ('="L/051631"', "051631"),
        ("1", "1"),
        ("123456789012", "123456789012"),
    ],
)
def test_a_number_loses_its_prefix_and_spaces_only(typed: str, number: str) -> None:
    assert columns.number(typed, LENGTH) == number


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "vide"),
        ("  ", "vide"),
        ("L/", "lettre"),
        ('=""', "vide"),
        ("12A456", "lettre"),
        ("1,2345E+07", "tableur"),
        ("1.2345E+07", "tableur"),
        ("1,2345e7", "tableur"),
        ("12E45", "tableur"),
        ("12345678.0", "tableur"),
        ("12345678,00", "tableur"),
        ("٣٤٥٦٧٨", "0 à 9"),
        ("１２３", "0 à 9"),
        ("12²", "caractère"),
        ("12-34", "caractère"),
        ("12\x0034", "caractère"),
        ("-12", "caractère"),
        ("1234567890123", "13 chiffres"),
        ("??????", "caractère"),
        ("LL12", "lettre"),
        ("=12+34", "caractère"),
    ],
)
def test_what_is_no_number_is_refused_with_what_happened_to_it(inside: None, typed: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        columns.number(typed, LENGTH)


@pytest.mark.parametrize(
    ("typed", "iso"),
    [
        ("", None),
        (" ", None),
        ("00/00/0000", None),
        ("0000-00-00 00:00:00", None),
        ("31/12/2026", "2026-12-31"),
        ("1/2/2026", "2026-02-01"),
        ("31-12-2026", "2026-12-31"),
        ("31.12.2026", "2026-12-31"),
        ("31/12/98", "1998-12-31"),
        ("31/12/30", "2030-12-31"),
        ("2026-12-31", "2026-12-31"),
        ("2026/12/31", "2026-12-31"),
        ("2026-12-31T00:00:00", "2026-12-31"),
        ("2026-12-31 10:30:00.000+01:00", "2026-12-31"),
        ("31/12/2026 00:00", "2026-12-31"),
        ("31/12/9999", "9999-12-31"),
        ("29/02/2024", "2024-02-29"),
    ],
)
def test_french_and_iso_dates_are_understood(typed: str, iso: str | None) -> None:
    assert columns.day(typed, 2026) == iso


@pytest.mark.parametrize(
    "typed", ["31/02/2026", "29/02/2025", "12/31/2026", "hier", "46387", "2026", "01/01/0202", "3/1"]
)
def test_a_day_that_does_not_exist_is_refused(inside: None, typed: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        columns.day(typed, 2026)


@pytest.mark.parametrize(
    "typed", ["Prélèvement automatique", "PRELEVEMENT", "  pré lèvement", "pre\u0301le\u0300vement SEPA"]
)
def test_direct_debit_is_known_in_any_spelling(typed: str) -> None:
    assert words.is_direct_debit(typed, {})


@pytest.mark.parametrize("typed", ["", "Chèque", "Virement", "TIP SEPA", "pas de prélèvement"])
def test_other_ways_of_paying_are_no_direct_debit(typed: str) -> None:
    assert words.is_direct_debit(typed, {}) is False


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("Référence contrat", "reference"),
        ("REF. CONTRAT", "reference"),
        ("N° contrat", "reference"),
        ("Nº de contrat", "reference"),
        ("Numéro du contrat", "reference"),
        ("reference_contrat", "reference"),
        ("Contrat", "reference"),
        ("\ufeffReference", "reference"),
        ("N° module", "module"),
        ("Module n°", "module"),
        ("Date d’entrée", "starts_on"),
        ("DATE D'ENTREE", "starts_on"),
        ("E-Mail", "email"),
        ("Adresse e-mail", "email"),
        ("Adresse", "street"),
        ("Mode de\nrèglement", "payment"),
        ("Loyer", None),
        ("", None),
    ],
)
def test_columns_are_known_by_their_headers(header: str, column: str | None) -> None:
    found = words.column_of(header)
    assert (found.name if found else None) == column


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("delimiter", list(";,\t|"))
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encoding_delimiter_and_order_are_found_out(
    inside: None, tmp_path: Path, encoding: str, delimiter: str, end: str
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
    writer.writerow(["Prénom", "N° module", "Mode de paiement", "Inconnu", "Référence contrat"])
    writer.writerow(["Élodie", "00000012", "Prélèvement", "a;b,c\td|e", "000451"])
    writer.writerow(["Noël", "00000013", "Chèque", 'un "mot"', "000452"])
    rows = list(rows_of(a_file(tmp_path, text.getvalue(), encoding)))
    assert rows == [
        (2, ("000451", "00000012", "Élodie", "Prélèvement"), ""),
        (3, ("000452", "00000013", "Noël", "Chèque"), ""),
    ]


def test_a_title_above_the_header_is_passed_over(inside: None, tmp_path: Path) -> None:
    path = a_file(tmp_path, "sep=;\n\nÉtat des contrats;au 22/11/2026\n\nContrat;Module\n\n1;2\n;\n3;4\n")
    assert [(line, cells) for line, cells, _ in rows_of(path)] == [(7, ("1", "2")), (9, ("3", "4"))]


def test_quoted_lines_stray_quotes_and_odd_rows_lose_nothing(inside: None, tmp_path: Path) -> None:
    lines = [
        "Nom;Référence;Module;Adresse",  # 1
        'A;1;11;"2, rue X',  # 2: an address of two lines
        'Bât. B"',
        'B;2;12;Résidence "Les Lilas"',
        'C;3;13;"Résidence "Les Lilas""',
        'D;4;14;"Résidence',  # 6: never closed
        'E;5;15;5" rue',
        'F;6;16;"Tour";',
        "G;7;17",
        "H;8;18;rue;un;de;trop",
        '"I;9;19;rue',  # 11: a stray mark that closes two lines later
        "J;10;20;rue",
        'K";11;21;rue',
        "L\x00;12;22;rue",
        'M;13;23;"rue "" Y"',
        "N;14;24;fin",
    ]
    path = a_file(tmp_path, "\r\n".join(lines) + "\r\n")
    rows = {cells[0]: (line, cells, trouble) for line, cells, trouble in rows_of(path)}
    assert set(rows) == {str(n) for n in range(1, 15)}
    assert rows["1"][:2] == (2, ("1", "11", "A", "2, rue X\nBât. B"))
    assert [rows[str(n)][0] for n in range(2, 15)] == list(range(4, 17))
    assert {n for n, (_line, _cells, trouble) in rows.items() if trouble} == {"7", "8"}
    assert rows["4"][1][3] == "Résidence"
    assert rows["9"][1][2] == "I"


def test_a_quoted_delimiter_before_a_line_end_makes_no_row_of_its_own(inside: None, tmp_path: Path) -> None:
    path = a_file(tmp_path, 'Module,Référence,Adresse,Nom\n7,"1,2E+05","2 rue X\nBât. B",A\n8,9,rue,B\n')
    rows = [(line, cells) for line, cells, _ in rows_of(path)]
    assert rows == [(2, ("1,2E+05", "7", "A", "2 rue X\nBât. B")), (4, ("9", "8", "B", "rue"))]


def test_a_file_cut_in_the_middle_of_a_line_refuses_that_line(inside: None, tmp_path: Path) -> None:
    path = a_file(tmp_path, "Référence;Module;Nom\n1;2;A\n3;45")
    assert [bool(trouble) for _line, _cells, trouble in rows_of(path)] == [False, True]


def test_utf8_with_a_few_bytes_of_windows_keeps_all_accents(inside: None, tmp_path: Path) -> None:
    text = "Référence;Module;Nom\n" + "1;2;Éléonore\n" * 3
    path = a_file(tmp_path, text.encode() + b"2;3;No\xebl\n")
    assert [cells[2] for _line, cells, _ in rows_of(path)] == ["Éléonore"] * 3 + ["Noël"]


def test_an_encoding_that_the_file_does_not_have_is_refused(inside: None, tmp_path: Path) -> None:
    path = a_file(tmp_path, "Reference;Module;Nom\n" + "1;2;Jean\n" * 9999 + "1;2;Noël\n", "cp1252")
    with pytest.raises(RosterUnusable, match="utf-8"):
        take(csv_reader.read(path, encoding="utf-8"))
    assert how_many() == 0
    assert len(list(rows_of(path, encoding="latin-1"))) == 10_000


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "vide"),
        (b"\xef\xbb\xbf\r\n", "vide"),
        (b"\x00" * 3000, "vide"),
        (b"PK\x03\x04" + b"\x00\x01" * 50, "Excel"),
        (b"\xd0\xcf\x11\xe0", "Excel"),
        (b"%PDF-1.4", "PDF"),
        (b"\x89PNG\r\n", "image"),
        (b"  <!DOCTYPE html><table>", "page web"),
        ("Nom;Prénom\nA;B\n".encode(), "pas une liste"),
        ("Référence;Nom\n1;A\n".encode(), "N° module"),
        (b"Module;Nom\n1;A\n", "Référence contrat"),
        ("Référence;Module;N° contrat\n1;2;3\n".encode(), "Deux colonnes"),
        (os.urandom(5000), "contrats|vide"),
    ],
)
def test_what_is_no_roster_is_refused_with_its_cause(inside: None, tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(RosterUnusable, match=why):
        csv_reader.read(a_file(tmp_path, content))


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the readers of the csv module, and the characters that they get."""
    counted, make = Counter[str](), csv.reader

    def reader(lines: Iterator[str], **options: Any) -> Any:
        def given() -> Iterator[str]:
            for line in lines:
                counted["signs"] += len(line)
                yield line

        counted["readers"] += 1
        return make(given(), **options)

    monkeypatch.setattr(csv, "reader", reader)
    return counted


#: A line by its number, for files in which many have a fault.
_ASTRAY: dict[str, Callable[[int], str]] = {
    "opened and never closed": lambda n: f'{n};{n};Nom;"rue\n',
    "opened in the first cell": lambda n: f'"{n};{n};Nom;rue\n',
    "opened at the end": lambda n: f'{n};{n};Nom;"\n',
    "opened by three": lambda n: f'{n};{n};Nom;"""rue\n',
    "every other line": lambda n: f"{n};{n};Nom;{'' if n % 2 else chr(34)}rue\n",
    "nothing but one": lambda n: '"\n',
}


@pytest.mark.parametrize("kind", _ASTRAY)
def test_quotation_marks_that_are_never_closed_are_told_early(
    inside: None, tmp_path: Path, parsed: Counter[str], kind: str
) -> None:
    """One by one, ten million such lines would take too long."""
    text = "Référence;Module;Nom;Adresse\n" + "1;1;Nom;rue\n" * 5 + "".join(map(_ASTRAY[kind], range(10, 100_000)))
    read = csv_reader.read(a_file(tmp_path, text))
    with pytest.raises(RosterUnusable, match=r"À la ligne\W[78], un guillemet ouvre une case.* en doublant"):
        take(read)
    assert parsed["readers"] < 10_000
    db.session.rollback()
    assert how_many() == 0


def test_a_thousand_marks_astray_and_a_tenth_of_all_lines_are_repaired(inside: None, tmp_path: Path) -> None:
    marks = [n <= 900 or n > 10_000 and n % 12 == 0 for n in range(1, 40_001)]
    text = "".join(f"{n};{n};Nom;{chr(34) if mark else ''}rue\n" for n, mark in enumerate(marks, 1))
    report = take(csv_reader.read(a_file(tmp_path, "Référence;Module;Nom;Adresse\n" + text)))
    assert counts(report) == (40_000, 0, 0, 0, 0)


_SLOW: dict[str, tuple[str, int]] = {
    "no mark": ("1;1;Nom;rue\n", 9_000),
    "closed": ('1;1;"Nom";"rue"\n', 9_000),
    "closed within its cell": ('1;1;Nom;"Lilas" rue\n', 9_000),
    "opened each 61st line": ('1;1;Nom;"rue\n' + "1;1;Nom;rue\n" * 60, 150),
    "opened each 60th line, doubled ones between": ('1;1;Nom;"rue\n' + '1;1;Nom;"" rue\n' * 59, 150),
    "opened each 15th line": ('1;1;Nom;"rue\n' + "1;1;Nom;rue\n" * 14, 600),
    "rows of 59 lines": ('1;1;Nom;"rue\n' + "rue\n" * 57 + 'rue"\n', 150),
    "closed by the next line": ('1;";Nom;rue\n', 9_000),
    "blank": ("\n", 9_000),
    "marks and delimiters": (';"' * 20 + "\n", 9_000),
    "lines of one megabyte": ('1;1;Nom;"' + "x" * 1_000_000 + "\n", 20),
    "marks on lines of one megabyte": ('1;1;Nom;"' + '"x' * 499_990 + "\n", 10),
    "no end of line": ('1;1;"' * 40_000, 100),
    "NUL": ("\0" * 200_000, 100),
    "old ends of line": ("\r", 9_000),
}


@pytest.mark.parametrize("kind", _SLOW)
def test_no_line_is_read_many_times(inside: None, tmp_path: Path, parsed: Counter[str], kind: str) -> None:
    """The csv module gets each line five times at the most."""
    unit, times = _SLOW[kind]
    path = a_file(tmp_path, "Référence;Module;Nom;Adresse\n" + unit * times)
    for _row in rows_of(path):
        pass
    lines = path.read_bytes().count(unit[-1:].encode()) if unit[-1:] in "\n\r" else times
    assert parsed["signs"] <= 5 * path.stat().st_size + 100_000
    assert parsed["readers"] <= 3 * lines + 100


def test_a_mark_astray_in_the_header_swallows_no_row(inside: None, tmp_path: Path) -> None:
    text = 'Référence;Module;"Nom;Adresse\n' + "".join(f"{n};{n};Nom;rue\n" for n in range(1, 9))
    assert counts(take(csv_reader.read(a_file(tmp_path, text)))) == (8, 0, 0, 0, 0)
    path = a_file(tmp_path, 'Référence;Module;"Date\nd\'entrée"\n21;2;01/02/2003\n')
    assert [(line, cells) for line, cells, _ in rows_of(path)] == [(3, ("21", "2", "01/02/2003"))]


def test_what_cannot_be_opened_is_refused(inside: None, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "absent", tmp_path / ("x" * 300), tmp_path / "pipe", tmp_path / "a\x00b"):
        with pytest.raises(RosterUnusable):
            csv_reader.read(path)


@on_both
def test_changes_are_told_from_what_stands(app: Flask, tmp_path: Path, clock: Clock) -> None:
    with app.app_context():
        take(a_file(tmp_path, "Contrat;Module;Nom;Mail\n1;11;A;a@x.fr\n2;12;B;\n3;13;C;c@x.fr\n"))
        begin_write()
        contract("2").account = Account(email="b@x.fr", password_hash="-", signup_key="-")
        contract("3").ended_at = utcnow()
        db.session.commit()
        clock.move(days=1)
        report = take(a_file(tmp_path, "Contrat;Module;Mail\n1;11;a@x.fr\n2;99;\n3;13;c@x.fr\n4;14;\n"))
        assert counts(report) == (1, 2, 1, 0, 0)
        assert contract("2").module == "99"
        assert contract("2").account is not None
        assert contract("3").ended_at is None
        assert [contract(n).last_name for n in "1234"] == ["A", "B", "C", ""]  # a missing column wipes nothing
        assert contract("1").imported_at < contract("2").imported_at
        assert contract("4").imported_at.tzinfo == UTC
        imports = db.session.scalars(select(Import).order_by(Import.id)).all()
        assert [(i.name, i.added, i.changed, i.unchanged) for i in imports] == [
            ("contrats.csv", 3, 0, 0),
            ("contrats.csv", 1, 2, 1),
        ]


@on_both
def test_a_reference_on_several_lines_is_taken_once_or_not_at_all(app: Flask, tmp_path: Path) -> None:
    text = "Contrat;Module;Nom;Date de sortie\n1;11;A;\nL/1;11; A;\n2;12;B;\n2;12;B;31/12/2026\n"
    text += "3;13;C;\n3;14;C;\n1;11;A;\n4;x;;\n4;5;D;"
    with app.app_context():
        report = take(a_file(tmp_path, text + "\n"))
        assert (counts(report), report.repeated) == ((2, 0, 0, 0, 5), 2)
        assert [(f.line, f.value) for f in report.refusals] == [(4, "2"), (5, "2"), (6, "3"), (7, "3"), (9, "x")]
        reasons = {f.line: f.reason for f in report.refusals}
        assert "Date de sortie" in reasons[4]
        assert "Module" in reasons[6]
        assert "7" in reasons[6]
        assert [f.line for f in report.warnings] == [3, 8]
        assert how_many() == 2


@on_both
def test_a_complete_roster_spares_the_contracts_of_its_refused_lines(app: Flask, tmp_path: Path) -> None:
    lines = [f"{n};{n + 500};;" for n in range(10, 40)]
    header = "Contrat;Module;Date de sortie;Date d'entrée\n"
    with app.app_context():
        take(a_file(tmp_path, header + "\n".join(lines) + "\n77;78;01/01/2020;\n78;79;;01/01/2030\n"))
        lines[0] = "10;510;31/02/2026;"  # a bad date
        lines[1:3] = ["11;1;;", "11;2;;"]  # in doubt; and 12 lacks
        lines[3] = "1,3E+01;513;;"  # a reference that a spreadsheet broke: its module names it
        lines.pop(4)  # 14 lacks
        report = take(a_file(tmp_path, header + "\n".join(lines) + "\n"), complete=True)
        ended = db.session.scalars(select(Contract.reference).where(Contract.ended_at.is_not(None))).all()
        assert sorted(ended) == ["12", "14", "78"]
        assert report.ended == 3


@on_both
def test_a_refused_line_without_any_number_keeps_no_contract_of_a_complete_roster(app: Flask, tmp_path: Path) -> None:
    header, lines = "Contrat;Module;Date de sortie\n", [f"{n};{n + 500};" for n in range(10, 20)]
    with app.app_context():
        take(a_file(tmp_path, header + "\n".join(lines) + "\n"))
        begin_write()  # as only another program writes it
        is_postgres = db.engine.dialect.name == "postgresql"
        allow = "ALTER TABLE portal_contracts DROP CONSTRAINT ck_portal_contracts_numbers"
        db.session.execute(text(allow if is_postgres else "PRAGMA ignore_check_constraints = ON"))
        db.session.execute(text("UPDATE portal_contracts SET module = '' WHERE reference = '10'"))
        db.session.commit()
        lines[0:1] = ["?;?;", ";;31/02/2026", "trop;de;cases;ici"]
        lines[4] = "12;;"  # by its reference
        lines[5] = "?;513;"  # by its module
        report = take(a_file(tmp_path, header + "\n".join(lines) + "\n"), complete=True)
        ended = db.session.scalars(select(Contract.reference).where(Contract.ended_at.is_not(None))).all()
        assert ended == ["10"]
        assert (report.ended, report.refused, report.nameless) == (1, 5, 3)


@on_both
def test_a_complete_roster_that_would_end_too_many_changes_nothing(app: Flask, tmp_path: Path) -> None:
    lines = [f"{n};{n};A" for n in range(10, 20)]
    with app.app_context():
        take(a_file(tmp_path, "Contrat;Module;Nom\n" + "\n".join(lines) + "\n"))
        fewer = a_file(tmp_path, "Contrat;Module;Nom\n" + "\n".join(lines[3:]) + "\n1;1;NEW\n")
        with pytest.raises(RosterUnusable, match=r"parmi les.10 en cours.*donc terminé.*3 \(10, 11, 12\).*--force"):
            take(fewer, complete=True)
        db.session.rollback()
        assert how_many() == 10
        assert counts(take(fewer, complete=True, force=True, dry_run=True)) == (1, 0, 7, 3, 0)
        assert how_many() == 10
        assert counts(take(fewer, complete=True, force=True)) == (1, 0, 7, 3, 0)


def test_a_long_text_is_cut_and_told(inside: None, tmp_path: Path) -> None:
    report = take(a_file(tmp_path, f"Contrat;Module;Nom;Ville\n1;2;{'é' * 300};Angers\n"))
    assert contract("1").last_name == "é" * 200
    assert [(f.line, f.column) for f in report.warnings] == [(2, "Nom")]
    assert counts(report) == (1, 0, 0, 0, 0)


@on_both
def test_a_host_hands_in_rows_of_its_own_tables(app: Flask) -> None:
    rows = [
        {
            "reference": "1",
            "module": 12,
            "last_name": None,
            "starts_on": date(2020, 1, 2),
            "payment": "prélèvement",
            "rent": 3,
        },
        {"reference": "L/2", "module": "13", "last_name": "B", "starts_on": None, "payment": ""},
        {"reference": "", "module": "13", "last_name": "C", "starts_on": None, "payment": ""},
    ]
    with app.app_context():
        report = take(rows)
        assert counts(report) == (2, 0, 0, 0, 1)
        assert contract("1").starts_on == date(2020, 1, 2)
        assert contract("1").is_direct_debit
        assert [(f.line, f.column) for f in report.refusals] == [(3, "Référence contrat")]
        for unusable in ([], [{"reference": "1"}]):
            with pytest.raises(RosterUnusable):
                take(unusable)


def test_progress_is_told_up_to_the_last_byte(inside: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = a_file(tmp_path, "Contrat;Module\n" + "".join(f"{n};{n}\n" for n in range(12_000)))
    rows, seen = csv_reader.read(path), []
    take(rows, progress=lambda: seen.append(rows.position()))
    assert len(set(seen)) > 1
    assert seen == sorted(seen)
    assert seen[-1] == rows.size == path.stat().st_size


def test_many_faults_wait_in_a_file_and_keep_their_order(inside: None, tmp_path: Path) -> None:
    path = a_file(tmp_path, "Contrat;Module\n" + "".join(f"{n}A;{n}\n" for n in range(12_000)))
    report = take(path)
    assert [f.line for f in report.refusals] == list(range(2, 12_002))
    assert len(report.refusals) == report.refused == 12_000


CRASH = """
import json, sys
from tenant_portal import create_app, roster
app = create_app(json.loads(sys.argv[1]))

def rows():
    for number in range(1, 30_000):
        if sys.argv[2] == "reading" and number == 25_000:
            print("now", flush=True)
            sys.stdin.readline()
        yield {"reference": str(number), "module": str(number)}

with app.app_context():
    roster.take(rows(), name="crash", complete=True, force=True)
    print("now", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.parametrize("moment", ["reading", "before the commit"])
def test_an_import_that_is_killed_changes_nothing(make_app: MakeApp, moment: str) -> None:
    app = make_app()
    with app.app_context():
        take([{"reference": "1", "module": "5"}, {"reference": "99999", "module": "6"}])
    config = {**SETTINGS, "SQLALCHEMY_DATABASE_URI": app.config["SQLALCHEMY_DATABASE_URI"]}
    command = [sys.executable, "-c", CRASH, json.dumps(config), moment]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout
        assert process.stdout.readline() == "now\n"
        process.send_signal(signal.SIGKILL)
    with app.app_context():
        assert how_many() == 2
        assert contract("1").module == "5"
        assert contract("99999").ended_at is None
        assert counts(take([{"reference": "2", "module": "5"}])) == (1, 0, 0, 0, 0)


_cell = st.text(st.characters(codec="cp1252", exclude_characters="\r\x00\x1a", exclude_categories=["Cc"]), max_size=12)
_texts = st.one_of(_cell, st.sampled_from(['"', '""', "a\nb", ";", '5" rue', "'", "=1+1", " x ", 'Le "Bon" coin']))
_numbers = st.integers(0, 10**12 - 1).map(str)
_references = st.one_of(
    st.integers(0, 30).map(str), _numbers, st.sampled_from(["", "L/7", "12A", "1,2E+05", "٣", " 8 "])
)
_dates = st.sampled_from(["", "01/02/2020", "2020-02-01", "31/02/2020", "01/02/2020 00:00"])
_row = st.tuples(_references, _numbers, _texts, _texts, st.sampled_from(["Chèque", "prélèvement", ""]), _dates, _dates)


@pytest.fixture(scope="module")
def rolling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Report]]:
    """Return a function that imports into an empty database and undoes it."""
    folder = tmp_path_factory.mktemp("rolling")
    app = create_app({**SETTINGS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'p.sqlite3'}"})
    app.test_cli_runner().invoke(args=["portal", "db", "upgrade"])

    def run(content: bytes) -> Report:
        with app.app_context():
            try:
                return roster.take(csv_reader.read(a_file(folder, content)), name="x", dry_run=True)
            finally:
                db.session.rollback()

    yield run
    close(app)


@few(2)
@given(
    rows=st.lists(_row, min_size=1, max_size=12),
    order=st.permutations(range(7)),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    delimiter=st.sampled_from(list(";,\t|")),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_a_written_roster_comes_back_without_loss_or_double(
    rolling: Callable[..., Report],
    rows: list[tuple[str, ...]],
    order: list[int],
    encoding: str,
    delimiter: str,
    end: str,
    quoting: Any,
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    for row in [HEADER, *rows]:
        writer.writerow([row[at] for at in order])
    content = text.getvalue().encode(encoding, "replace")
    report = rolling(content)
    assert report.added + report.refused + report.repeated == len(rows)
    assert (report.changed, report.unchanged, report.ended) == (0, 0, 0)
    told = [fault.line for fault in report.refusals]
    assert told == sorted(told)
    assert len(set(told)) == report.refused


@few(2)
@given(
    rows=st.lists(st.tuples(st.integers(1, 10**6), _texts, _texts), unique_by=lambda row: row[0], max_size=15),
    delimiter=st.sampled_from(list(";,\t|")),
)
def test_no_line_is_lost_whatever_quotation_marks_do(
    rolling: Callable[..., Report], rows: list[tuple[int, str, str]], delimiter: str
) -> None:
    lines = [delimiter.join(("Contrat", "Module", "Nom", "Ville"))]
    for number, *texts in rows:
        astray = [text.replace(delimiter, " ").replace("\n", " ") for text in texts]
        lines.append(delimiter.join((str(number), str(number + 1), *astray)))
    lines.append(delimiter.join(("9999999", "9", "fin", "")))
    report = rolling(("\n".join(lines) + "\n").encode("utf-8"))
    assert report.added + report.refused == len(rows) + 1


@few(1)
@given(
    head=st.sampled_from(
        [b"", b"Contrat;Module\n", b"\xef\xbb\xbfContrat,Module,Nom\r\n", b"\xff\xfeC\x00", b'"Contrat"\tModule\r']
    ),
    body=st.one_of(st.binary(max_size=300), st.text('1;,\t|"\n\r\x00L/ aé', max_size=200).map(lambda t: t.encode())),
)
@example(head=b"Contrat;Module\n", body=b'1;2\n"' * 200)
@example(head=b"Contrat;Module\n", body=b'1;"' + b"x" * 300_000 + b"\n3;4\n")
@example(head="Contrat;Module\n".encode("utf-16"), body=b"\x00\xd8\x00")
def test_arbitrary_bytes_never_crash_the_import(rolling: Callable[..., Report], head: bytes, body: bytes) -> None:
    try:
        report = rolling(head + body)
    except RosterUnusable as trouble:
        assert str(trouble).endswith(".")
    else:
        assert report.refused == len({fault.line for fault in report.refusals})


def test_windows_bytes_are_registered_for_files_of_utf8_only() -> None:
    with pytest.raises(UnicodeEncodeError):
        "\ud800".encode("utf-8", decoding._WINDOWS_BYTES)
    assert codecs.lookup_error(decoding._WINDOWS_BYTES)
