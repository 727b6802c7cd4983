"""What the names of notices mean, held against the contracts on file and the calendar."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tenant_portal.contracts import lookup
from tenant_portal.documents import archive, names
from tenant_portal.documents.archive import Refused
from tenant_portal.documents.owners import owner_of
from tenant_portal.formats import month as spelt

from ..conftest import Clock, MakeApp
from ..support.people import Roster
from ..support.rent_notices import counts, in_folder, pdf, publish, standing

REFERENCE, MODULE = "123456", "60318401"
NOVEMBER = date(2026, 11, 1)


@pytest.fixture(autouse=True)
def november(clock: Clock) -> None:
    """Stand in November 2026."""


@pytest.mark.parametrize(
    "name",
    [
        "AVIS_123456_202611.pdf",
        "avis novembre 2026 123456.pdf",
        "AVIS_123456_20261101.pdf",
        # Months in words.
        "123456 Novembre 2026.pdf",
        "123456_NOV_2026.PDF",
        "123456-nov.2026.pdf",
        "123456 nov. 2026.pdf",
        "2026 novembre 123456.pdf",
        "nov-26_123456.pdf",
        "123456nov2026.pdf",
        "November 2026 - 123456.pdf",
        "Novembre_123456_2026.pdf",
        "1er novembre 2026 L-123456.pdf",
        # Months and days in digits.
        "123456_2026.11.pdf",
        "123456 2026 11.pdf",
        "123456_11-2026.pdf",
        "11.2026_123456.pdf",
        "123456_112026.pdf",
        "123456_01-11-2026.pdf",
        "123456_01112026.pdf",
        "20261101-123456.pdf",
        "123456 2026–11.pdf",
        "2026-11-01_123456.pdf",
        "123456_2026-11-30.pdf",
        # Words, separators and other numbers.
        "AVIS123456_202611.pdf",
        "L/123456 202611.pdf".replace("/", "∕"),
        "Avis d'échéance n° 123456 (Élodie MARTIN) novembre 2026.pdf",
        "AVIS,123456;202611.pdf",
        "avis nº123456 11 - 2026.pdf",
        "123456#202611.pdf",
        "AVIS_123456_60318401_202611.pdf",
        "AVIS_60318401_123456_202611.pdf",
        "00045871_123456_202611.pdf",
        "AVIS_123456_202611_0001.pdf",
        "123456_2026-11 (1).pdf",
        "123456_202611 (2).pdf",
        "Avis MARS Avril 123456 2026-11.pdf",
        "Avis Bruno MARS 123456 11-2026.pdf",
        "lot 3/AVIS_123456_202611.pdf",
        "123456_202611.pdf.pdf",
    ],
)
def test_names_of_a_landlords_own_kind_are_read_where_one_reading_alone_is_on_file(
    app: Flask, roster: Roster, folder: Path, name: str
) -> None:
    roster.add(reference=REFERENCE, module=MODULE)
    roster.add(reference="999999")
    code, said = publish(app, in_folder(folder, {name: pdf()}))
    assert (code, counts(said)) == (0, [1, 0, 0, 0]), said
    assert list(standing(app)) == [(REFERENCE, "2026-11-01")]


@pytest.mark.parametrize(
    ("said", "month"),
    [
        ("janv. 2026", "01"),
        ("Février 2026", "02"),
        ("FEVR 2026", "02"),
        ("fe\u0301vrier 2026", "02"),
        ("mars 2026", "03"),
        ("avr. 2026", "04"),
        ("mai 2026", "05"),
        ("juin 2026", "06"),
        ("juil 2026", "07"),
        ("Août 2026", "08"),
        ("aout2026", "08"),
        ("sept 2026", "09"),
        ("octobre 2026", "10"),
        ("déc. 2026", "12"),
    ],
)
def test_months_are_read_in_words_with_accents_or_none(
    app: Flask, roster: Roster, folder: Path, said: str, month: str
) -> None:
    roster.add(reference=REFERENCE)
    code, told = publish(app, in_folder(folder, {f"Avis {said} {REFERENCE}.pdf": pdf()}))
    assert (code, list(standing(app))) == (0, [(REFERENCE, f"2026-{month}-01")]), told


@pytest.mark.parametrize(
    ("name", "options", "readings", "way_out"),
    [
        (
            "123456 123457 202611.pdf",
            (),
            "deux façons : 123456, novembre 2026 ; 123457, novembre 2026",
            "123456_2026-11.pdf",
        ),
        (
            "123456_202609_20261025.pdf",
            (),
            "deux façons : 123456, septembre 2026 ; 123456, octobre 2026",
            "123456_2026-09.pdf",
        ),
        (
            "123456 octobre novembre décembre 2026.pdf",
            (),
            "plusieurs façons : 123456, octobre 2026 ; 123456, novembre 2026 ; 123456, décembre 2026",
            "123456_2026-10.pdf",
        ),
        (
            "AVIS_123456_202610.pdf",
            ("--period", "2026-11"),
            "deux façons : 123456, octobre 2026 ; 123456, novembre 2026",
            "123456_2026-10.pdf",
        ),
        (
            "202611_202612.pdf",
            (),
            "deux façons : 202611, décembre 2026 ; 202612, novembre 2026",
            "202611_2026-12.pdf",
        ),
    ],
)
def test_staff_are_told_the_readings_of_a_doubtful_name_and_how_to_write_it(
    app: Flask, roster: Roster, folder: Path, name: str, options: tuple[str, ...], readings: str, way_out: str
) -> None:
    for reference in (REFERENCE, "123457", "202611", "202612"):
        roster.add(reference=reference)
    code, said = publish(app, in_folder(folder, {name: pdf()}), *options)
    assert (code, counts(said)) == (3, [0, 0, 0, 1])
    assert f"Le nom peut se lire de {readings}. Écrivez celle qui est juste ainsi : {way_out}" in said
    (folder / name).rename(folder / way_out)
    assert publish(app, folder)[0] == 0


def test_a_month_that_staff_give_decides_between_the_months_of_a_name(app: Flask, roster: Roster, folder: Path) -> None:
    roster.add(reference=REFERENCE)
    path = in_folder(folder, {"123456_202611_20261025.pdf": pdf()})
    assert publish(app, path, "--period", "2026-11")[0] == 0
    assert list(standing(app)) == [(REFERENCE, "2026-11-01")]


def test_a_reference_that_looks_like_a_month_is_one_where_staff_give_the_month(
    app: Flask, roster: Roster, folder: Path
) -> None:
    roster.add(reference="202611")
    assert publish(app, in_folder(folder, {"AVIS_202611.pdf": pdf()}), "--period", "2026-12")[0] == 0
    assert list(standing(app)) == [("202611", "2026-12-01")]


def test_digits_of_a_date_are_no_reference(app: Flask, roster: Roster, folder: Path) -> None:
    for reference in ("1", "11", "2026", "202611"):
        roster.add(reference=reference)
    names_ = ["999999_01-11-2026.pdf", "888888 2026 11.pdf", "777777_202611.pdf", "666666_2026-11 (1).pdf"]
    for options in ((), ("--period", "2026-11"), ("--period", "2026-12")):
        code, said = publish(app, in_folder(folder, dict.fromkeys(names_, pdf())), *options)
        assert (code, counts(said)) == (3, [0, 0, 0, 4]), said


def test_x26_zeros_that_lack_are_forgiven_where_the_module_stands_beside_the_reference(
    app: Flask, roster: Roster, folder: Path
) -> None:
    roster.add(reference="00234567", module="0060318401")
    wanted = {"AVIS_234567_60318401_202611.pdf": pdf(), "AVIS_234567_60318499_202612.pdf": pdf("un autre")}
    code, said = publish(app, in_folder(folder, wanted))
    assert (code, counts(said)) == (3, [1, 0, 0, 1])
    assert "« 00234567 » : les zéros du début comptent" in said
    assert list(standing(app)) == [("00234567", "2026-11-01")]


# Properties

ON_FILE = ("123456", "123457", "00234567", "7", "42", "2026", "202611", "20261101")


@pytest.fixture
def on_file(make_app: MakeApp, tmp_path: Path) -> Iterator[Flask]:
    """Return a portal with contracts whose references look like anything."""
    app = make_app()
    roster = Roster(app, tmp_path)
    for reference in ON_FILE:
        roster.add(reference=reference, module=MODULE)
    with app.app_context():
        yield app


def owner(name: str, period: date | None = None) -> tuple[str, date] | str:
    """Return reference and month, or what staff are told."""
    try:
        read = names.read(name, period, lookup.today())
        contract, month = owner_of(read, lookup.numbered({one.number for one in read.readings}))
    except Refused as trouble:
        return str(trouble)
    return contract.reference, month


tries = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
PIECES = st.sampled_from(
    [*ON_FILE, "234567", MODULE, "1", "11", "26", "01", "2027", "novembre", "mars", "L", "AVIS", "é", "²", "٤", "\0"]
)
SIGNS = st.sampled_from(["_", "-", " ", ".", "/", "", "(", ")", "#", "\u00a0", "\\"])


@tries
@given(
    st.lists(st.tuples(PIECES, SIGNS), max_size=9).map(lambda pieces: "".join(map("".join, pieces)))
    | st.text(max_size=120),
    st.sampled_from([None, NOVEMBER]),
)
def test_whatever_a_name_is_its_answer_stands_in_it(on_file: Flask, stem: str, period: date | None) -> None:
    answer = owner(f"{stem}.pdf", period)
    if isinstance(answer, tuple):
        reference, month = answer
        digits = {number.lstrip("0") for number in re.findall("[0-9]+", stem)}
        assert reference.lstrip("0") in digits
        assert reference in stem or MODULE in stem
        assert str(month.year)[2:] in stem or month == period


@tries
@given(
    st.lists(st.sampled_from(["123456", "123457", "20261101", "999998", "0099"]), min_size=1, max_size=3, unique=True),
    st.sampled_from(["2026-11", "novembre 2026", "nov.2026"]),
    st.sampled_from(["_", " ", "-", " - ", "__"]),
    st.data(),
)
@example(["123456"], "2026-11", "_", None)
def test_a_name_leads_to_a_contract_only_where_no_other_stands_in_it(
    on_file: Flask, numbers: list[str], month: str, sign: str, data: st.DataObject | None
) -> None:
    parts = data.draw(st.permutations([*numbers, month, "Avis"])) if data is not None else [*numbers, month]
    answer = owner(f"{sign.join(parts)}.pdf")
    known = [number for number in numbers if number in ON_FILE]
    if len(known) == 1:
        assert answer == (known[0], NOVEMBER)
    else:
        assert isinstance(answer, str)
        assert all(f"{reference}, {spelt(NOVEMBER)}" in answer for reference in known)


def test_a_name_full_of_dates_is_read_at_once(on_file: Flask) -> None:
    for stem in ("mai" + " 2026 mai" * 10, "1-1-2026" * 12, "2026" * 25, "_" * 100, "L" * 100, "nov " * 25):
        assert isinstance(owner(f"{stem[:100]}.pdf"), str)
    assert archive.FILE_MAX  # the content is never asked for
