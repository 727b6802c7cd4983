"""Rosters as programs and spreadsheets really write them: what staff read, and what is on file afterwards."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from tenant_portal import create_app, roster
from tenant_portal.contracts.sought import SearchWord
from tenant_portal.db import db
from tenant_portal.errors import RosterUnusable
from tenant_portal.models import Contract
from tenant_portal.roster import COLUMNS
from tests.support.paths import ROOT

from ..conftest import SETTINGS, MakeApp, close
from ..support.examples import few
from ..support.people import run

CASES = ROOT / "tests" / "data" / "cases"

on_both = pytest.mark.databases("sqlite", "postgresql")


@pytest.fixture
def take(app: Flask, tmp_path: Path) -> Callable[..., str]:
    """Return a function that imports a file of the cases, lines or bytes, and returns what staff read."""

    def run_import(source: str | bytes, *options: str, code: int = 0, into: Flask = app) -> str:
        path = CASES / f"{source!s}.csv" if isinstance(source, str) and "\n" not in source else tmp_path / "roster.csv"
        if path.parent == tmp_path:
            path.write_bytes(source if isinstance(source, bytes) else source.encode())
        found, said = run(into, "contracts", "import", str(path), *options)
        assert found == code, said
        return said

    return run_import


def counts(said: str) -> tuple[int, ...]:
    """Return added, changed, unchanged, ended, refused."""
    return tuple(int(line.split()[1]) for line in said.splitlines()[:5])


def on_file(app: Flask, *names: str) -> dict[str, Any]:
    """Return the running contracts by reference, with these columns."""
    with app.app_context():
        running = select(Contract).where(Contract.ended_at.is_(None)).order_by(Contract.reference)
        every = {one.reference: tuple(getattr(one, name) for name in names) for one in db.session.scalars(running)}
    return {reference: row[0] if len(row) == 1 else row for reference, row in every.items()}


# Zeros lost in a spreadsheet


@on_both
def test_r02_zeros_that_a_spreadsheet_ate_make_no_second_contract_and_end_none(
    app: Flask, take: Callable[..., str]
) -> None:
    take("R02_before")
    before = on_file(app, "module")
    said = take("R02_after_excel", "--complete")
    assert counts(said) == (0, 0, 50, 0, 0)
    assert "« 51631 » : C'est le contrat 051631" in said
    assert on_file(app, "module") == before


@on_both
def test_r02_zeros_that_come_back_are_the_same_contract_too(app: Flask, take: Callable[..., str]) -> None:
    take("R02_after_excel")
    before = on_file(app, "module")
    assert counts(take("R02_before", "--complete")) == (0, 0, 50, 0, 0)
    assert on_file(app, "module") == before


@on_both
def test_r02_modules_that_lost_zeros_stay_as_they_are(app: Flask, take: Callable[..., str]) -> None:
    take("Contrat;Module;Nom\n0051;007;A\n52;0008;B\n53;9;C\n")
    said = take("Contrat;Module;Nom\n51;7;A\n52;8;AUTRE\n0053;009;C\n", "--complete")
    assert counts(said) == (0, 1, 2, 0, 0)
    assert on_file(app, "module", "last_name") == {"0051": ("007", "A"), "52": ("0008", "AUTRE"), "53": ("9", "C")}
    assert "C'est le module 0008" in said


@on_both
def test_r02_two_contracts_on_file_that_it_may_be_are_told_and_stay(app: Flask, take: Callable[..., str]) -> None:
    take("Contrat;Module;Nom\n051;7;A\n0051;7;B\n00052;8;C\n77;1;D\n")
    said = take("Contrat;Module;Nom\n51;7;X\n52;9;C\n77;1;D\n00052;8;C\n", "--complete", code=3)
    assert "« 51 » : Est-ce le contrat 0051 ou le contrat 051 ?" in said
    assert counts(said) == (1, 0, 2, 0, 1), "another module is another contract"
    assert on_file(app, "last_name") == {"0051": "B", "051": "A", "00052": "C", "52": "C", "77": "D"}


@on_both
def test_r02_a_refused_line_without_its_zeros_keeps_its_contract(app: Flask, take: Callable[..., str]) -> None:
    take("Contrat;Module;Date de sortie\n" + "".join(f"{n:05};{n};\n" for n in range(51, 71)))
    lines = ["51;51;31/02/2030\n", *(f"{n};{n};\n" for n in range(52, 71))]
    said = take("Contrat;Module;Date de sortie\n" + "".join(lines), "--complete", code=3)
    assert counts(said) == (0, 0, 19, 0, 1)
    assert len(on_file(app, "module")) == 20


@on_both
def test_r02_a_contract_that_stands_there_with_and_without_its_zeros_is_one(
    app: Flask, take: Callable[..., str]
) -> None:
    take("Contrat;Module;Nom\n051;7;A\n052;8;B\n")
    said = take("Contrat;Module;Nom\n051;7;A\n51;7;A\n052;8;B\n", "--complete")
    assert counts(said) == (0, 0, 2, 0, 0)
    assert list(on_file(app)) == ["051", "052"]


# Not all bytes in one encoding


ACCENTS = "LEFÈVRE Éléonore, 3, place de l’Église, Sèvres, N° 5 œuvre"


def test_r03_a_bom_does_not_make_windows_bytes_utf8(app: Flask, take: Callable[..., str]) -> None:
    take("R03")
    assert on_file(app, "last_name", "city", "is_direct_debit") == {
        "100201": ("LEFÈVRE", "Sèvres", True),
        "100202": ("MAÇON", "Orléans", True),
    }


def test_r09_lines_of_two_encodings_are_each_read_as_what_they_are(app: Flask, take: Callable[..., str]) -> None:
    take("R09")
    assert list(on_file(app, "last_name").values()) == ["LEFÈVRE", "MAÇON", "GARÇON", "BÉRENGÈRE"]
    assert set(on_file(app, "street", "is_direct_debit").values()) == {("1, rue de l'Église", True)}


@pytest.mark.parametrize("first", ["utf-8", "cp1252"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_r09_a_few_lines_of_another_encoding_among_many(
    app: Flask, take: Callable[..., str], first: str, bom: bytes
) -> None:
    second = "cp1252" if first == "utf-8" else "utf-8"
    lines = [f"{n};{n};{ACCENTS}\n".encode(second if n % 40 == 0 else first) for n in range(1, 200)]
    take(bom + "Référence;Module;Nom\n".encode(first) + b"".join(lines))
    assert set(on_file(app, "last_name").values()) == {ACCENTS}
    assert len(on_file(app)) == 199


@pytest.mark.parametrize(("encoding", "other"), [("mac-roman", "cp850"), ("cp850", "mac-roman")])
def test_r10_a_file_of_a_mac_or_dos_is_refused_with_the_option_to_give(
    app: Flask, take: Callable[..., str], encoding: str, other: str
) -> None:
    lines = ["100201;20000001;LEFÈVRE;Éléonore;Sèvres;Prélèvement", "100202;20000002;MAÇON;Noël;Orléans;Prélèvement"]
    content = "\r".join(["Référence;Module;Nom;Prénom;Ville;Mode de paiement", *lines, ""]).encode(encoding)
    said = take(content, code=2)
    assert f"--encoding {encoding} (on y lit « Référence »)" in said and f"--encoding {other}" in said
    assert on_file(app) == {}
    take(content, "--encoding", encoding)
    assert on_file(app, "last_name", "first_name", "is_direct_debit")["100201"] == ("LEFÈVRE", "Éléonore", True)


def test_r10_the_mac_file_is_refused_before_anything_is_written(app: Flask, take: Callable[..., str]) -> None:
    assert "--encoding mac-roman" in take("R10_macroman", code=2)
    take("R10_macroman", "--encoding", "mac-roman")
    assert on_file(app, "last_name", "city") == {"100201": ("LEFÈVRE", "Sèvres"), "100202": ("MAÇON", "Orléans")}


@pytest.mark.parametrize(
    ("wrong", "times"),
    [("cp1252", 1), ("latin-1", 1), ("latin-1", 3), ("mac-roman", 1), ("mac-roman", 2), ("cp850", 2)],
)
def test_r09_text_that_was_encoded_twice_never_reaches_a_column(
    app: Flask, take: Callable[..., str], wrong: str, times: int
) -> None:
    twice = name = "LEFÈVRE Éléonore, N° 5, Sèvres"
    for _time in range(times):
        twice = twice.encode().decode(wrong)
    take(f"Contrat;Module;Nom\n1;2;{twice}\n")
    assert on_file(app, "last_name") == {"1": name}


@pytest.mark.parametrize(
    "name", ["LEF\ufffdVRE", "Lef?vre", "LefŽvre", "Lef\x8fvre", "No‰l", "Fran‡ois", "ÐuÃ\x8fo\ufffd"]
)
def test_r09_a_line_with_lost_letters_is_refused_and_its_contract_stays(
    app: Flask, take: Callable[..., str], name: str
) -> None:
    take("Contrat;Module;Nom;Ville\n1;2;LEFÈVRE;Sèvres\n3;4;B;Tours\n")
    said = take(f"Contrat;Module;Nom;Ville\n1;2;{name};Paris\n3;4;B;Tours\n", "--complete", code=3)
    assert "Des lettres se sont perdues" in said
    assert on_file(app, "last_name", "city") == {"1": ("LEFÈVRE", "Sèvres"), "3": ("B", "Tours")}


@pytest.mark.parametrize(
    "name",
    ["D’Angelo", "LECŒUR", "Œil", "Šimek", "Dvořák", "JOÃO", "CHÂTEAU", "ÅNGSTRÖM", "“Les Lilas”", "Saint–jean", "?"],
)
def test_r09_letters_that_are_right_stay(app: Flask, take: Callable[..., str], name: str) -> None:
    take(f"Contrat;Module;Adresse\n1;2;{name}\n")
    assert on_file(app, "street") == {"1": "" if name == "?" else name}


# A line broken in two


def test_r04_a_line_broken_in_two_is_refused_and_erases_nothing(app: Flask, take: Callable[..., str]) -> None:
    take("R04_before")
    before = on_file(app, "last_name", "street", "city", "ends_on", "email", "is_direct_debit")
    said = take("R04_after", code=3)
    assert "ligne 3, « 100202 » : La ligne a 6 cases au lieu de 13" in said
    assert on_file(app, "last_name", "street", "city", "ends_on", "email", "is_direct_debit") == before


@pytest.mark.parametrize("line", ["2;12;B\n", "2;12\n", "2\n", '2;12;"B\n', "2;12;B;rue\nBât. B;Angers\n"])
def test_r04_a_line_that_is_too_short_keeps_its_contract(app: Flask, take: Callable[..., str], line: str) -> None:
    header, full = "Contrat;Module;Nom;Adresse;Ville\n", "1;11;A;rue;Tours\n3;13;C;rue;Tours\n"
    take(header + full + "2;12;B;rue;Tours\n")
    take(header + full + line, "--complete", code=3)
    assert on_file(app, "last_name", "street", "city")["2"] == ("B", "rue", "Tours")


def test_r04_ends_of_lines_without_a_title_are_no_cells(app: Flask, take: Callable[..., str]) -> None:
    take("Contrat;Module;Nom;;\n1;11;A\n2;12;B;;;;\n")
    assert on_file(app, "last_name") == {"1": "A", "2": "B"}


# Headings


def test_r08_stars_footnotes_and_brackets_of_headings_do_not_count(app: Flask, take: Callable[..., str]) -> None:
    said = take("R08")
    assert on_file(app, "last_name", "first_name", "postcode", "is_direct_debit", "email") == {
        "100201": ("DURAND", "Anne", "49000", True, "a@example.org")
    }
    assert "« Nom de famille (majuscules) » → Nom" in said
    assert "« E-mail du locataire » → E-mail" in said


def test_r08_staff_read_which_columns_were_read_and_which_were_passed_over(
    app: Flask, take: Callable[..., str]
) -> None:
    text = (
        "Réf. contrat ¹;Module²;Nom du titulaire;Loyer (€);Date d'entrée jj/mm/aaaa;;Solde\n1;2;A;500;01/02/2019;;0\n"
    )
    trial = take(text, "--dry-run")
    assert on_file(app) == {}
    said = take(text)
    assert trial.replace("C'était un essai : rien n'a été enregistré.", "").strip() == said.strip()
    assert "« Réf. contrat ¹ » → Référence contrat" in said
    assert "« Date d'entrée jj/mm/aaaa » → Date d'entrée" in said
    assert "laissées de côté : « Loyer (€) », « Solde »." in said
    assert "Absent du fichier, donc inchangé : Civilité, Prénom" in said
    assert "n'ont pas été touchés (--complete les terminerait)" in said


def test_r28_of_two_columns_the_first_is_read_and_the_other_told(app: Flask, take: Callable[..., str]) -> None:
    said = take("R28_two_addresses")
    assert on_file(app, "street", "postcode", "city") == {"100201": ("1 rue A", "49000", "Angers")}
    assert "« Adresse » est lue, l'autre (« Adresse ») ne l'est pas." in said


@pytest.mark.parametrize(
    ("header", "read"),
    [("Rue;Adresse", "b"), ("Adresse (propriétaire);Adresse", "b"), ("Rue;Voie", "a"), ("Adresse;Rue", "a")],
)
def test_r28_the_very_name_wins_over_another(app: Flask, take: Callable[..., str], header: str, read: str) -> None:
    take(f"Contrat;Module;{header}\n1;2;a;b\n")
    assert on_file(app, "street") == {"1": read}


@pytest.mark.parametrize("header", ["Contrat;Module;Référence contrat", "Module;Contrat;Module"])
def test_r28_reference_and_module_may_not_be_doubtful(take: Callable[..., str], header: str) -> None:
    assert "Deux colonnes" in take(f"{header}\n1;2;3\n", code=2)


# Words for nothing, dates, the tail


def test_r17_words_for_nothing_are_nothing(app: Flask, take: Callable[..., str]) -> None:
    said = take("R17")
    assert on_file(app, "title", "last_name", "first_name", "payment", "ends_on", "email")["100202"] == (
        "",
        "PETIT",
        "",
        "Prélèvement",
        None,
        "",
    )
    assert "Cases prises pour vides : « NULL » (7)." in said


@pytest.mark.parametrize(
    "word", ["NULL", "null", "N/A", "Néant", "NÉANT", "-", "--", "—", "(null)", "\\N", "#N/A", "Ne\u0301ant"]
)
def test_r17_each_word_for_nothing_in_each_column(app: Flask, take: Callable[..., str], word: str) -> None:
    names = [
        "title",
        "last_name",
        "first_name",
        "street",
        "postcode",
        "city",
        "kind",
        "payment",
        "starts_on",
        "ends_on",
        "email",
    ]
    header = "Civilité;Nom;Prénom;Adresse;Code postal;Ville;Nature;Mode de paiement;Date d'entrée;Date de sortie;E-mail"
    take(f"Contrat;Module;{header}\n1;2;{';'.join([word] * len(names))}\n")
    assert not any(on_file(app, *names)["1"])


def test_r17_who_is_called_so_keeps_his_name(app: Flask, take: Callable[..., str]) -> None:
    take("Contrat;Module;Nom;Prénom;Ville\n1;2;NA;Nil;NA\n3;4;NULLOT;None;Néant-sur-Yvel\n")
    assert on_file(app, "last_name", "first_name", "city") == {
        "1": ("NA", "Nil", ""),
        "3": ("NULLOT", "None", "Néant-sur-Yvel"),
    }


def test_r18_zones_of_two_digits_are_read(app: Flask, take: Callable[..., str]) -> None:
    take("R18")
    days = {ref: [one and one.isoformat() for one in row] for ref, row in on_file(app, "starts_on", "ends_on").items()}
    assert days["100202"] == ["2019-07-01", "2027-06-30"]
    assert {row[0] for ref, row in days.items() if ref != "100202"} == {"2019-02-01"}


@pytest.mark.parametrize(
    "cell",
    [
        "2019-02-01T00:00:00Z",
        "2019-01-31T23:00:00.000Z",
        "2019-02-01 00:00:00 CET",
        "2019-02-01T00:00:00+01:00[Europe/Paris]",
        "01/02/2019 00:00:00 +0100",
        "2019-01-31 18:00:00-05",
    ],
)
def test_r18_midnight_of_the_landlord_is_his_day(app: Flask, take: Callable[..., str], cell: str) -> None:
    take(f"Contrat;Module;Date d'entrée\n1;2;{cell}\n")
    assert str(on_file(app, "starts_on")["1"]) == "2019-02-01"


def test_r19_a_year_of_two_digits_is_the_one_that_makes_sense(app: Flask, take: Callable[..., str]) -> None:
    said = take("R19", code=3)
    assert {ref: str(end) for ref, end in on_file(app, "ends_on").items()} == {
        "100201": "2099-12-31",
        "100202": "2099-12-31",
    }
    assert "La fin (01/02/1918) est avant le début (01/02/2019)." in said
    assert "La fin (31/01/2018) est avant le début (01/02/2019)." in said


@pytest.mark.parametrize(
    ("starts", "ends", "read"),
    [
        ("01/02/98", "31/12/05", ("1998-02-01", "2005-12-31")),
        ("01/02/45", "31/12/30", ("1945-02-01", "2030-12-31")),
        ("01/02/2019", "31/12/60", ("2019-02-01", "2060-12-31")),
        ("01.02.45", "31/12/2030", ("1945-02-01", "2030-12-31")),
        ("01/02/19", "01/02/19", ("2019-02-01", "2019-02-01")),
    ],
)
def test_r19_years_of_two_digits_beside_each_other(
    app: Flask, take: Callable[..., str], starts: str, ends: str, read: tuple[str, str]
) -> None:
    take(f"Contrat;Module;Date d'entrée;Date de sortie\n1;2;{starts};{ends}\n")
    assert tuple(map(str, on_file(app, "starts_on", "ends_on")["1"])) == read


def test_r27_a_ctrl_z_at_the_end_is_no_line(app: Flask, take: Callable[..., str]) -> None:
    assert counts(take("R27_ctrl_z")) == (3, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "tail", [b"\x1a", b"\r\n\x1a", b"\r\n\x1a\x1a\r\n", b"\r\n" + b"\0" * 3000, b"\r\n\r\n  \r\n\x1a\0\0"]
)
def test_r27_what_disks_leave_at_the_end_is_no_line(app: Flask, take: Callable[..., str], tail: bytes) -> None:
    assert counts(take(b"Nom;Contrat;Module\r\nA;1;11\r\nB;2;12" + tail)) == (2, 0, 0, 0, 0)
    assert on_file(app, "module") == {"1": "11", "2": "12"}


# Who is on direct debit


DIRECT_DEBIT = (
    "Prélèvement automatique",
    "PRLV SEPA",
    "PREL. AUTO",
    "Prél. auto.",
    "SDD",
    "sdd core",
    "mandat",
    "Mandat SEPA signé",
    "Domiciliation bancaire",
    "Prélèvement n°5",
    "Prélèvement : oui",
    "PRLVT le 5 du mois",
)
NO_DIRECT_DEBIT = (
    "Prélèvement : non",
    "Prélèvement N",
    "Prélèvement suspendu",
    "PRLV refusé",
    "Prélèvement en attente",
    "mandat rejeté",
    "Mandat révoqué le 01/02/2026",
    "Plus de prélèvement",
    "Non prélevé",
    "Sans prélèvement",
    "Mandat cash",
    "Virement SEPA",
    "TIP SEPA",
    "CB",
    "Chq",
)


@pytest.mark.parametrize(
    ("way", "is_direct_debit"), [*((way, True) for way in DIRECT_DEBIT), *((way, False) for way in NO_DIRECT_DEBIT)]
)
def test_payments_that_are_direct_debit_and_those_that_are_not(
    app: Flask, take: Callable[..., str], way: str, is_direct_debit: bool
) -> None:
    said = take(f"Contrat;Module;Mode de paiement\n1;2;{way}\n")
    assert on_file(app, "payment", "is_direct_debit") == {"1": (way, is_direct_debit)}
    assert "inconnus" not in said


def test_staff_read_which_payments_are_unknown_until_they_say_what_these_are(
    make_app: MakeApp, app: Flask, take: Callable[..., str]
) -> None:
    lines = "1;1;PA 5\n2;2;PA 5\n3;3;Prélèvement ou chèque\n4;4;ZZ\n5;5;\n6;6;Chèque\n"
    said = take("Contrat;Module;Mode de paiement\n" + lines)
    assert "Paiements inconnus" in said
    assert "« PA 5 » (2), « Prélèvement ou chèque » (1), « ZZ » (1)" in said
    assert not any(on_file(app, "is_direct_debit").values())
    told = make_app(PORTAL_DIRECT_DEBIT_WORDS="pa 5, Prélèvement ou chèque", PORTAL_OTHER_PAYMENT_WORDS="ZZ")
    said = take("Contrat;Module;Mode de paiement\n" + lines, into=told)
    assert "inconnus" not in said
    assert [ref for ref, debit in on_file(told, "is_direct_debit").items() if debit] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("yes", "no"), [("O", "N"), ("Oui", "Non"), ("1", "0"), ("X", ""), ("vrai", "faux"), ("VRAI", "FAUX"), ("-1", "0")]
)
@pytest.mark.parametrize("way", ["", ";Mode de paiement"])
def test_a_column_of_yes_and_no_says_who_is_on_direct_debit(
    app: Flask, take: Callable[..., str], yes: str, no: str, way: str
) -> None:
    more = ";" if way else ""
    said = take(f"Contrat;Module;Prélèvement{way}\n1;1;{yes}{more}\n2;2;{no}{more}\n3;3;{yes}{more}\n")
    assert on_file(app, "is_direct_debit") == {"1": True, "2": False, "3": True}
    assert "« Prélèvement » → Prélèvement" in said
    assert "inconnus" not in said


def test_two_columns_that_contradict_each_other_in_a_line_are_told(app: Flask, take: Callable[..., str]) -> None:
    said = take(
        "Contrat;Module;Mode de paiement;Prélèvement (O/N)\n"
        "1;1;Chèque;O\n2;2;Prélèvement;N\n3;3;Prélèvement;\n4;4;ZZ;O\n5;5;Virement;N\n6;6;Prélèvement;peut-être\n"
    )
    assert on_file(app, "is_direct_debit") == {"1": True, "2": False, "3": True, "4": True, "5": False, "6": True}
    assert "- ligne 2, Prélèvement (O/N), « O » : « Chèque » (Mode de paiement) dit le contraire." in said
    assert "- ligne 3, Prélèvement (O/N), « N » : « Prélèvement » (Mode de paiement) dit le contraire." in said
    assert said.count("dit le contraire") == 2
    assert "« ZZ » (1), « peut-être » (1)" in said


# Two tenants of one lease


@on_both
@pytest.mark.parametrize(
    ("lines", "title", "last_name", "first_name"),
    [
        (["M.;MARTIN;Paul", "Mme;DURAND;Anne"], "M. et Mme", "MARTIN Paul et DURAND Anne", ""),
        (["M.;MARTIN;Paul", "Mme;MARTIN;Anne"], "M. et Mme", "MARTIN", "Paul et Anne"),
        (["M.;MARTIN;", "Mme;MARTIN;"], "M. et Mme", "MARTIN", ""),
        (["M.;A;Paul", "M.;B;Luc", "M.;C;Max"], "M.", "A Paul, B Luc et C Max", ""),
        (["M.;A;Paul", "Mme;B;Anne", ";a;PAUL", "Mme;B;Anne"], "M. et Mme", "A Paul et B Anne", ""),
        ([";;", "Mme;B;Anne"], "Mme", "B", "Anne"),
    ],
)
def test_two_tenants_of_one_lease_are_one_contract_with_both_names(
    app: Flask, take: Callable[..., str], lines: list[str], title: str, last_name: str, first_name: str
) -> None:
    text = "Contrat;Module;Civilité;Nom;Prénom\n" + "".join(f"7;9;{line}\n" for line in lines) + "8;9;M.;X;Y\n"
    assert counts(take(text)) == (2, 0, 0, 0, 0)
    assert on_file(app, "title", "last_name", "first_name")["7"] == (title, last_name, first_name)
    said = take(text, "--complete")
    assert counts(said) == (0, 0, 2, 0, 0)
    assert "La ligne 2 est du même contrat : leurs locataires sont réunis." in said
    with app.app_context():
        assert db.session.scalar(select(SearchWord.word).where(SearchWord.value == last_name).limit(1))


@on_both
@pytest.mark.parametrize(
    ("one", "other", "column"),
    [
        ("MARTIN;Paul;Chèque;", "DURAND;Anne;Prélèvement;", "Mode de paiement"),
        ("MARTIN;Paul;Chèque;", "DURAND;Anne;Chèque;31/12/2030", "Date de sortie"),
        ("MARTIN;Paul;Chèque;", "MARTIN;Paul;Virement;", "Mode de paiement"),
    ],
)
def test_what_else_differs_between_two_tenants_is_told_and_refused(
    app: Flask, take: Callable[..., str], one: str, other: str, column: str
) -> None:
    header = "Contrat;Module;Nom;Prénom;Mode de paiement;Date de sortie\n"
    take(f"{header}7;9;ANCIEN;Nom;Chèque;\n")
    said = take(f"{header}7;9;{one}\n7;9;{other}\n", "--complete", code=3)
    assert f"avec un autre contenu ({column}). Aucune n'est prise." in said.replace("Nom, Prénom, ", "")
    assert on_file(app, "last_name") == {"7": "ANCIEN"}


def test_tenants_with_a_mail_address_each_keep_the_first(app: Flask, take: Callable[..., str]) -> None:
    said = take("Contrat;Module;Nom;E-mail\n7;9;MARTIN;\n7;9;DURAND;d@free.fr\n7;9;PETIT;p@free.fr\n")
    assert on_file(app, "last_name", "email") == {"7": ("MARTIN, DURAND et PETIT", "d@free.fr")}
    assert "réunis, avec la première adresse mail" in said


@on_both
def test_more_tenants_than_a_name_can_hold_are_told(app: Flask, take: Callable[..., str]) -> None:
    text = "Contrat;Module;Nom;Prénom\n" + "".join(f"7;9;NOM{n:04};Prénom\n" for n in range(40))
    said = take(text)
    assert "trop longs ensemble : les derniers manquent" in said
    name = on_file(app, "last_name")["7"]
    assert name.startswith("NOM0000 Prénom, NOM0001 Prénom, ") and len(name) <= 200
    assert counts(take(text)) == (0, 0, 1, 0, 0)


# Harm in bulk

FULL = "Contrat;Module;Nom;Adresse;Ville;Mode de paiement;Date de sortie;E-mail\n"


def leases(*, changed: int, to: str, of: int = 40) -> str:
    """Return a roster of so many leases, of which the first have other contents."""
    usual = "NOM;rue;Tours;Prélèvement;;a@free.fr"
    return FULL + "".join(f"{100 + n};{n};{to if n < changed else usual}\n" for n in range(of))


@on_both
@pytest.mark.parametrize(
    ("to", "loss"),
    [
        ("NOM;rue;Tours;Chèque;;a@free.fr", "prélèvement perdu"),
        ("NOM;rue;Tours;NULL;;a@free.fr", "prélèvement perdu"),
        (";rue;Tours;Prélèvement;;a@free.fr", "nom effacé"),
        ("NOM;-;-;Prélèvement;;a@free.fr", "adresse effacée"),
        ("NOM;rue;Tours;Prélèvement;;", "adresse mail effacée"),
        ("NOM;rue;Tours;Prélèvement;01/01/2020;a@free.fr", "bail terminé"),
    ],
)
def test_an_import_that_takes_something_from_more_than_a_tenth_is_refused(
    app: Flask, take: Callable[..., str], to: str, loss: str
) -> None:
    take(leases(changed=0, to=to))
    before = on_file(app, "last_name", "street", "is_direct_debit", "ends_on", "email")
    for options in [(), ("--dry-run",), ("--complete",)]:
        said = take(leases(changed=5, to=to), *options, code=2)
        assert f"{loss}" in said and ": 5 (100, 101, 102, 103, 104)" in said
        assert "parmi les 40 en cours" in said and "--force" in said
        assert on_file(app, "last_name", "street", "is_direct_debit", "ends_on", "email") == before
    assert counts(take(leases(changed=4, to=to))) == (0, 4, 36, 0, 0), "a tenth is not more than a tenth"
    assert counts(take(leases(changed=20, to=to), "--force")) == (0, 16, 24, 0, 0)


@on_both
def test_a_complete_roster_that_lacks_more_than_a_tenth_is_refused(app: Flask, take: Callable[..., str]) -> None:
    take(leases(changed=0, to=""))
    said = take(leases(changed=0, to="", of=30), "--complete", code=2)
    assert "bail absent du fichier, donc terminé : 10 (130, 131, 132, 133, 134, …)" in said
    assert counts(take(leases(changed=0, to="", of=36), "--complete")) == (0, 0, 36, 4, 0)
    assert counts(take(leases(changed=0, to="", of=10), "--complete", "--force")) == (0, 0, 10, 26, 0)


def test_a_file_whose_accents_are_lost_switches_no_direct_debit_off(app: Flask, take: Callable[..., str]) -> None:
    take(leases(changed=0, to=""))
    said = take(leases(changed=0, to="").replace("Prélèvement", "Pr?l?vement"), "--complete", code=3)
    assert counts(said) == (0, 0, 0, 0, 40)
    assert all(on_file(app, "is_direct_debit").values())


# Whatever stands there


_cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    [
        "NULL",
        "Prélèvement",
        "SDD",
        "Ã©",
        "√©",
        "31/12/99",
        "01/02/19",
        "2019-02-01 00:00:00+01",
        "0012",
        "12",
        "a\x1a",
        "\ufffd",
        "M.",
    ]
)
_titles = st.sampled_from(
    [*(column.label for column in COLUMNS.values()), "Nom (1)", "* Ville", "Loyer", "Rue", "É?", ""]
)


@few(2)
@given(
    titles=st.lists(_titles, max_size=6),
    rows=st.lists(st.lists(_cells, max_size=10), min_size=1, max_size=8),
    encodings=st.lists(st.sampled_from(["utf-8", "cp1252", "mac-roman", "cp850", "utf-16"]), min_size=1, max_size=3),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    force=st.booleans(),
)
def test_whatever_a_file_holds_nothing_is_written_half_and_no_letter_lost(
    rolling: Callable[..., None], titles: list[str], rows: list[list[str]], encodings: list[str], end: str, force: bool
) -> None:
    lines = [["Contrat", "Module", *titles], *rows]
    rolling(
        b"".join((";".join(row) + end).encode(encodings[n % len(encodings)], "replace") for n, row in enumerate(lines)),
        force,
    )


@pytest.fixture(scope="module")
def rolling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[bytes, bool], None]]:
    """Return a function that imports a file over a roster, looks at what is on file, and undoes it."""
    folder = tmp_path_factory.mktemp("rolling")
    app = create_app({**SETTINGS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'p.sqlite3'}"})
    app.test_cli_runner().invoke(args=["portal", "db", "upgrade"])
    path = folder / "roster.csv"
    with app.app_context():
        roster.take([{"reference": f"00{n}", "module": "1", "last_name": "A"} for n in range(20)], name="x")
        db.session.commit()

    def run_import(content: bytes, force: bool) -> None:
        path.write_bytes(content)
        with app.app_context():
            try:
                report = roster.take(roster.read(path), name="x", force=force)
                every = db.session.scalars(select(Contract)).all()
                assert len(every) == 20 + report.added
                assert not [c for c in every if set("\ufffdÃ√├") & set(c.last_name + c.street + c.payment + c.city)]
                assert not [c for c in every if c.starts_on and c.ends_on and c.ends_on < c.starts_on]
            except RosterUnusable as trouble:
                assert str(trouble).endswith(".")
            finally:
                db.session.rollback()
                assert db.session.scalar(select(func.count()).select_from(Contract)) == 20

    yield run_import
    close(app)
