"""Publishing rent notices: names, refusals, hostile ZIPs, and what the disk holds then."""

import io
import json
import os
import signal
import stat
import struct
import subprocess
import threading
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import PIPE

import pytest
from flask import Flask
from sqlalchemy import select

from tenant_portal.db import begin_write, db
from tenant_portal.documents import archive, publishing, storage
from tenant_portal.documents.archive import FILE_MAX
from tenant_portal.models import Contract, Document, Mail
from tenant_portal.operations import retention
from tests.support.page_text import plain
from tests.support.paths import ROOT

from ..conftest import SETTINGS, MakeApp
from ..support.live import start_python
from ..support.people import Roster
from ..support.rent_notices import counts, digest, files, in_folder, pdf, publish, standing, stored, zipped
from ..support.steps import Lease

NAME = "417201_2026-11.pdf"


@pytest.fixture
def lease(roster: Roster) -> Lease:
    return roster.add(reference="417201")


@pytest.mark.parametrize(
    "name",
    [
        "417201_2026-11.pdf",
        "L-417201 2026-11.pdf",
        "L417201_2026-11.PDF",
        "2026-11_417201.pdf",
        "2026-11-417201.pdf",
        "417201-2026-11.pdf",
        "Avis d'échéance L-417201 Élodie MARTIN 2026-11.pdf",
        "novembre/secteur nord/417201_2026-11.pdf",
    ],
)
def test_staff_publish_a_notice_whose_name_has_one_reading(app: Flask, folder: Path, lease: Lease, name: str) -> None:
    code, said = publish(app, in_folder(folder, {name: pdf()}))
    assert (code, counts(said)) == (0, [1, 0, 0, 0])
    assert standing(app) == {("417201", "2026-11-01"): digest(pdf())}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("417299_2026-11.pdf", "Aucun contrat ne porte la référence « 417299 »"),
        ("000417201_2026-11.pdf", "mais il y a « 417201 » : les zéros du début comptent"),
        ("417201.pdf", "Le nom ne dit pas le mois"),
        ("417201_2026-13.pdf", "Le nom ne dit pas le mois"),
        ("417201_202613.pdf", "Le nom ne dit pas le mois"),
        ("417201_209911.pdf", "Le nom ne dit pas le mois"),
        ("417201_2026-11_2026-12.pdf", "deux façons : 417201, novembre 2026 ; 417201, décembre 2026"),
        ("417298 417299 2026-11.pdf", "Aucun contrat ne porte la référence « 417298 », ni « 417299 »"),
        ("2026-11-12.pdf", "pas de référence contrat"),
        ("202611.pdf", "pas de référence contrat"),
        ("B417201_2026-11.pdf", "pas de référence contrat"),
        ("2026-11.pdf", "pas de référence contrat"),
        ("avis_2026-11.pdf", "pas de référence contrat"),
        ("417A201_2026-11.pdf", "pas de référence contrat"),
        ("٤١٧٢٠١_2026-11.pdf", "pas de référence contrat"),
        ("4172014172014_2026-11.pdf", "pas de référence contrat"),
        (f"417201_2026-11{' ' * 100}.pdf", "trop long"),
        ("417201_2026-11.txt", "pas un fichier PDF"),
    ],
)
def test_staff_are_told_why_a_name_is_refused_and_the_others_are_taken(
    app: Flask, folder: Path, lease: Lease, name: str, reason: str
) -> None:
    code, said = publish(app, in_folder(folder, {name: pdf(), "autres/417201_2026-10.pdf": pdf()}))
    assert (code, counts(said)) == (3, [1, 0, 0, 1])
    line = next(line for line in said.splitlines() if line.startswith("- «"))
    assert name[:100].strip() in line and reason in line
    assert list(standing(app)) == [("417201", "2026-10-01")]


@pytest.mark.parametrize(
    ("on_file", "name", "told"),
    [
        (
            ["234567"],
            "00234567",
            "« 234567 » : les zéros du début comptent. Si c'est ce contrat, nommez le fichier ainsi",
        ),
        (["00234567"], "234567", "« 00234567 » : les zéros"),
        (["00234567", "234567"], "0234567", "« 00234567 », « 234567 » : les zéros"),
    ],
)
def test_x26_a_notice_never_goes_to_a_contract_with_other_zeros(
    app: Flask, folder: Path, roster: Roster, on_file: list[str], name: str, told: str
) -> None:
    """The other contract may have left the roster, or may come."""
    for reference in on_file:
        roster.add(reference=reference)
    code, said = publish(app, in_folder(folder, {f"{name}_2026-11.pdf": pdf()}))
    assert (code, counts(said)) == (3, [0, 0, 0, 1])
    assert told in said and f"{on_file[0]}_2026-11.pdf" in said, said
    assert standing(app) == {}


def test_x26_each_of_two_contracts_that_differ_by_zeros_gets_its_own_notice(
    app: Flask, folder: Path, roster: Roster
) -> None:
    for reference in ("00234567", "234567"):
        roster.add(reference=reference)
    files = {f"{reference}_2026-11.pdf": pdf(reference) for reference in ("00234567", "234567")}
    assert publish(app, in_folder(folder, files))[0] == 0
    assert standing(app) == {(name[:-12], "2026-11-01"): digest(content) for name, content in files.items()}


def test_x26_zeros_that_lack_are_put_before_where_references_have_one_length(
    make_app: MakeApp, folder: Path, tmp_path: Path
) -> None:
    app = make_app(PORTAL_REFERENCE_LENGTH="8")
    Roster(app, tmp_path).add(reference="00234567")
    names = ["234567_2026-11.pdf", "00234567_2026-10.pdf", "000234567_2026-09.pdf", "7_2026-08.pdf"]
    code, said = publish(app, in_folder(folder, dict.fromkeys(names, pdf())))
    assert (code, counts(said)) == (3, [2, 0, 0, 2]), said
    assert set(standing(app)) == {("00234567", "2026-11-01"), ("00234567", "2026-10-01")}


def test_x26_a_reference_left_from_another_length_is_not_guessed(
    make_app: MakeApp, folder: Path, tmp_path: Path
) -> None:
    former = make_app()
    Roster(former, tmp_path).add(reference="234567")
    app = make_app(PORTAL_REFERENCE_LENGTH="8")
    files = in_folder(folder, {"234567_2026-11.pdf": pdf()})
    assert publish(app, files, "--dry-run")[0] == 0, "to the letter"
    Roster(app, tmp_path / "avis").add(reference="00234567", module="60318499")
    code, said = publish(app, files)
    assert code == 3 and "« 00234567 », « 234567 »" in said


def test_staff_who_give_the_month_need_only_the_reference_in_the_names(app: Flask, folder: Path, lease: Lease) -> None:
    path = in_folder(folder, {"417201.pdf": pdf(), "b/L-417201_2026-11.pdf": pdf(), "c/417201_2026-10.pdf": pdf("old")})
    code, said = publish(app, path, "--period", "2026-11")
    assert (code, counts(said)) == (3, [1, 0, 1, 1])
    assert "- « c/417201_2026-10.pdf » : Le nom peut se lire de deux façons" in said
    assert list(standing(app)) == [("417201", "2026-11-01")]


@pytest.mark.parametrize("period", ["2026-13", "11-2026", "2026-1", "novembre"])
def test_staff_who_give_no_month_are_shown_how(app: Flask, folder: Path, period: str) -> None:
    code, said = publish(app, in_folder(folder, {NAME: pdf()}), "--period", period)
    assert code == 2 and "Exemple : 2026-11" in said


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Le fichier est vide."),
        (b"\xff\xd8\xff\xe0 JFIF", "Ce n'est pas un fichier PDF."),
        (b"\n%PDF-1.4", "Ce n'est pas un fichier PDF."),
        (pdf() + bytes(FILE_MAX), "Le fichier dépasse 10 Mo."),
    ],
)
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_staff_are_told_what_is_wrong_with_a_file(
    app: Flask, folder: Path, lease: Lease, kind: str, content: bytes, reason: str
) -> None:
    path = in_folder(folder, {NAME: content})
    if kind == "zip":
        path = zipped(folder / "avis.zip", lambda archive: archive.writestr(NAME, content))
    code, said = publish(app, path)
    assert (code, counts(said)) == (3, [0, 0, 0, 1])
    assert f"- « {NAME} » : {reason}" in said and "Rien n'a changé." in said
    assert not standing(app) and not files(app)


def test_the_largest_notice_that_is_allowed_is_taken_whole(app: Flask, folder: Path, lease: Lease) -> None:
    content = pdf() + bytes(FILE_MAX - len(pdf()))
    assert publish(app, in_folder(folder, {NAME: content}))[0] == 0
    assert standing(app) == {("417201", "2026-11-01"): digest(content)}


def test_a_pipe_and_a_file_that_cannot_be_read_hold_nobody_up(app: Flask, folder: Path, lease: Lease) -> None:
    os.mkfifo(folder / NAME)
    (folder / "417201_2026-10.pdf").symlink_to(folder / "nowhere")
    code, said = publish(app, folder)
    assert (code, counts(said)) == (3, [0, 0, 0, 2])


def test_what_systems_lay_beside_the_notices_is_passed_over(app: Flask, folder: Path, lease: Lease) -> None:
    beside = {".DS_Store": b"x", "__MACOSX/._417201_2026-11.pdf": b"x", "._417201_2026-11.pdf": b"x", ".git/x": b"x"}
    code, said = publish(app, in_folder(folder, {NAME: pdf(), **beside}))
    assert (code, counts(said)) == (0, [1, 0, 0, 0])


def test_staff_who_publish_the_same_twice_change_nothing(app: Flask, folder: Path, lease: Lease) -> None:
    path = in_folder(folder, {NAME: pdf()})
    publish(app, path)
    before, number = standing(app), files(app)
    code, said = publish(app, path)
    assert (code, counts(said)) == (0, [0, 0, 1, 0])
    assert "Rien n'a changé : ces documents étaient déjà publiés." in said
    assert (standing(app), files(app)) == (before, number)


def test_staff_who_publish_another_file_replace_the_notice_and_are_told(app: Flask, folder: Path, lease: Lease) -> None:
    publish(app, in_folder(folder, {NAME: pdf("faux")}))
    with app.app_context():
        number = db.session.scalars(select(Document.id)).one()
    code, said = publish(app, in_folder(folder, {NAME: pdf("juste")}))
    assert (code, counts(said)) == (0, [0, 1, 0, 0])
    assert "Documents remplacés par un autre fichier :\n- 417201, novembre 2026" in said
    assert standing(app) == {("417201", "2026-11-01"): digest(pdf("juste"))}
    with app.app_context():
        assert db.session.scalars(select(Document.id)).one() == number


def test_two_files_for_one_notice_are_refused_unless_they_are_the_same(
    app: Flask, folder: Path, lease: Lease, roster: Roster
) -> None:
    roster.add(reference="417202")
    same = {"a/417201_2026-11.pdf": pdf(), "b/2026-11_417201.pdf": pdf()}
    unlike = {"a/417202_2026-11.pdf": pdf("un"), "b/2026-11_417202.pdf": pdf("deux")}
    code, said = publish(app, in_folder(folder, {**same, **unlike}))
    assert (code, counts(said)) == (3, [1, 0, 1, 2])
    assert said.count("avec un autre contenu") == 2
    assert list(standing(app)) == [("417201", "2026-11-01")]


def test_a_dry_run_says_the_same_and_keeps_nothing(app: Flask, folder: Path, lease: Lease) -> None:
    path = in_folder(folder, {NAME: pdf(), "autre.pdf": pdf()})
    code, said = publish(app, path, "--dry-run")
    assert (code, counts(said)) == (3, [1, 0, 0, 1])
    assert "C'était un essai : rien n'a été enregistré." in said
    assert not standing(app) and not files(app)
    publish(app, in_folder(folder, {NAME: pdf("faux")}))
    code, said = publish(app, in_folder(folder, {NAME: pdf("juste")}), "--dry-run")
    assert counts(said) == [0, 1, 0, 1]
    assert standing(app) == {("417201", "2026-11-01"): digest(pdf("faux"))}


def test_a_file_that_was_lost_or_harmed_comes_back_when_it_is_published_again(
    app: Flask, folder: Path, lease: Lease
) -> None:
    path = in_folder(folder, {NAME: pdf()})
    publish(app, path)
    for harm in (lambda p: p.unlink(), lambda p: p.write_bytes(b"half")):
        harm(stored(app, digest(pdf())))
        assert counts(publish(app, path)[1]) == [0, 0, 1, 0]
        assert standing(app) == {("417201", "2026-11-01"): digest(pdf())}


def test_files_of_notices_are_for_the_portals_own_account_alone(app: Flask, folder: Path, lease: Lease) -> None:
    publish(app, in_folder(folder, {NAME: pdf()}))
    assert [stat.S_IMODE(path.stat().st_mode) for path in files(app)] == [0o600]
    assert stored(app, digest(pdf())).parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("kind", ["nothing", "empty folder", "one PDF", "broken ZIP", "empty ZIP", "no UTF-8"])
def test_staff_are_told_that_a_path_cannot_be_used(app: Flask, folder: Path, lease: Lease, kind: str) -> None:
    path = folder / "avis.zip"
    if kind == "empty folder":
        path = folder
    elif kind == "one PDF":
        path.write_bytes(pdf())
    elif kind == "broken ZIP":
        zipped(path, lambda archive: archive.writestr(NAME, pdf()))
        path.write_bytes(path.read_bytes()[:-30])
    elif kind == "empty ZIP":
        zipped(path, lambda archive: archive.mkdir("vide"))
    elif kind == "no UTF-8":
        zipped(path, lambda archive: archive.writestr("é417201_2026-11.pdf", pdf()))
        path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xff"))
    code, said = publish(app, path)
    assert code == 2 and said.endswith("Rien n'a changé.") and len(said.splitlines()) == 1
    assert not standing(app)


def test_a_data_folder_that_cannot_be_written_to_stops_everything(app: Flask, folder: Path, lease: Lease) -> None:
    Path(app.config["PORTAL_DATA_DIR"]).write_text("a file where the folder should be")
    code, said = publish(app, in_folder(folder, {NAME: pdf()}))
    assert code == 2 and "On ne peut pas écrire dans le dossier des documents" in said
    with app.app_context():
        assert db.session.scalars(select(Document)).all() == []


def test_staff_publish_a_zip_with_nested_folders_and_what_macos_adds(app: Flask, folder: Path, roster: Roster) -> None:
    for number in (1, 2, 3):
        roster.add(reference=f"41720{number}")

    def write(archive: zipfile.ZipFile) -> None:
        archive.mkdir("avis")
        archive.writestr("avis/nord/417201_2026-11.pdf", pdf("1"))
        archive.writestr("avis\\sud\\417202_2026-11.pdf", pdf("2"))
        archive.writestr("__MACOSX/avis/nord/._417201_2026-11.pdf", b"x")
        archive.writestr("Échéance_417203_2026-11.pdf", pdf("3"), zipfile.ZIP_STORED)

    code, said = publish(app, zipped(folder / "avis.zip", write))
    assert (code, counts(said)) == (0, [3, 0, 0, 0])


def test_names_in_an_old_encoding_are_read_all_the_same(app: Flask, folder: Path, lease: Lease) -> None:
    path = zipped(folder / "avis.zip", lambda archive: archive.writestr("Echeances_417201_2026-11.pdf", pdf()))
    path.write_bytes(path.read_bytes().replace(b"Echeances", "Échéance".encode("cp1252") + b"s"))
    assert publish(app, path)[0] == 0
    assert list(standing(app)) == [("417201", "2026-11-01")]


@pytest.mark.parametrize(
    "name", ["../../417201_2026-11.pdf", "/417201_2026-11.pdf", "a/../../417201_2026-11.pdf", "..\\417201_2026-11.pdf"]
)
def test_a_zip_whose_names_lead_out_of_it_writes_nothing(app: Flask, folder: Path, lease: Lease, name: str) -> None:
    before = sorted(folder.parent.rglob("*"))
    path = zipped(folder / "avis.zip", lambda archive: archive.writestr(name, pdf()))
    code, said = publish(app, path)
    assert (code, counts(said)) == (3, [0, 0, 0, 1])
    assert "désigne un endroit hors du ZIP" in said
    assert [
        p for p in sorted(folder.parent.rglob("*")) if p not in before and p != path and "sqlite" not in p.name
    ] == []


def field(path: Path, signature: bytes, offset: int, value: bytes) -> None:
    """Change a field of each header with that signature."""
    raw, start = bytearray(path.read_bytes()), 0
    while (start := raw.find(signature, start)) >= 0:
        raw[start + offset : start + offset + len(value)] = value
        start += 4
    path.write_bytes(bytes(raw))


LOCAL, CENTRAL = b"PK\x03\x04", b"PK\x01\x02"


def test_a_bomb_that_says_its_size_is_refused_unopened(app: Flask, folder: Path, lease: Lease) -> None:
    path = zipped(folder / "avis.zip", lambda archive: archive.writestr(NAME, pdf() + bytes(60_000_000)))
    assert path.stat().st_size < 100_000
    code, said = publish(app, path)
    assert code == 3 and "Le fichier dépasse 10 Mo." in said


def test_a_bomb_that_lies_about_its_size_is_refused(app: Flask, folder: Path, lease: Lease) -> None:
    path = zipped(folder / "avis.zip", lambda archive: archive.writestr(NAME, pdf() + bytes(60_000_000)))
    field(path, LOCAL, 22, struct.pack("<L", 100))
    field(path, CENTRAL, 24, struct.pack("<L", 100))
    code, said = publish(app, path)
    assert code == 3 and "Le fichier est abîmé" in said
    assert not standing(app) and not files(app)


def test_a_zip_that_would_fill_the_disk_is_refused_as_a_whole(app: Flask, folder: Path, lease: Lease) -> None:
    def write(archive: zipfile.ZipFile) -> None:
        for number in range(3):
            archive.writestr(f"41720{number}_2026-11.pdf", pdf())

    path = zipped(folder / "avis.zip", write)
    field(path, CENTRAL, 24, struct.pack("<L", 4_000_000_000))
    code, said = publish(app, path)
    assert code == 2 and "serait trop grand" in said


def test_files_behind_a_password_or_another_compression_or_damaged_are_refused_one_by_one(
    app: Flask, folder: Path, roster: Roster
) -> None:
    for number in (1, 2, 3, 4):
        roster.add(reference=f"41720{number}")

    def write(archive: zipfile.ZipFile) -> None:
        archive.writestr("417201_2026-11.pdf", pdf(), zipfile.ZIP_LZMA)
        archive.writestr("417202_2026-11.pdf", pdf("abîmé"), zipfile.ZIP_STORED)
        archive.writestr("417203_2026-11.pdf", pdf("secret"))
        archive.writestr("417204_2026-11.pdf", pdf())

    path = zipped(folder / "avis.zip", write)
    raw = path.read_bytes().replace("abîmé".encode(), "abîmà".encode())
    central = raw.rfind(CENTRAL, 0, raw.rfind(b"417203"))
    path.write_bytes(raw[: central + 8] + b"\x01" + raw[central + 9 :])
    code, said = publish(app, path)
    assert (code, counts(said)) == (3, [1, 0, 0, 3])
    assert "« 417201_2026-11.pdf » : Le fichier est comprimé d'une façon qui n'est pas lue ici. Ouvrez le ZIP" in said
    assert "« 417202_2026-11.pdf » : Le fichier est abîmé" in said
    assert "« 417203_2026-11.pdf » : Le fichier est protégé par un mot de passe. Ouvrez le ZIP" in said
    assert list(standing(app)) == [("417204", "2026-11-01")]


def test_a_zip_that_names_a_file_twice_publishes_none_of_the_two(app: Flask, folder: Path, lease: Lease) -> None:
    def write(archive: zipfile.ZipFile) -> None:
        archive.writestr(NAME, pdf("un"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            archive.writestr(NAME, pdf("deux"))

    code, said = publish(app, zipped(folder / "avis.zip", write))
    assert (code, counts(said)) == (3, [0, 0, 0, 2])
    assert not standing(app)


def test_a_zip_within_a_zip_and_a_link_are_no_notices(app: Flask, folder: Path, lease: Lease) -> None:
    def write(archive: zipfile.ZipFile) -> None:
        inner = io.BytesIO()
        with zipfile.ZipFile(inner, "w") as nested:
            nested.writestr(NAME, pdf())
        archive.writestr("417201_2026-10.pdf", inner.getvalue())
        link = zipfile.ZipInfo(NAME)
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")

    code, said = publish(app, zipped(folder / "avis.zip", write))
    assert (code, counts(said)) == (3, [0, 0, 0, 2])
    assert said.count("Ce n'est pas un fichier PDF.") == 2


def test_names_made_to_disturb_a_terminal_are_spelt_out(app: Flask, folder: Path) -> None:
    with open(os.fsencode(folder) + b"/\x1b[2J\xff.pdf", "wb") as file:
        file.write(pdf())
    code, said = publish(app, folder)
    assert code == 3
    assert "\\x1b[2J\\udcff.pdf" in said


def test_two_members_of_staff_who_publish_at_once_make_each_notice_once(
    app: Flask, make_app: MakeApp, folder: Path, tmp_path: Path
) -> None:
    roster = Roster(app, tmp_path)
    roster.take([{"reference": str(417_201 + n), "module": "1"} for n in range(30)])
    path = in_folder(folder, {f"{417_201 + n}_2026-11.pdf": pdf(str(n)) for n in range(30)})
    ready = threading.Barrier(2)

    def take(portal: Flask) -> tuple[int, int]:
        with portal.app_context(), archive.open_files(path) as found:
            ready.wait()
            report = publishing.publish(found)
            db.session.commit()
            return report.added, report.unchanged

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(take, (app, make_app()))) == [(0, 30), (30, 0)]
    assert len(standing(app)) == 30


@pytest.mark.parametrize("number_is_taken", [False, True])
def test_a_lease_that_is_erased_meanwhile_is_refused_by_name_and_the_others_are_taken(
    app: Flask, folder: Path, roster: Roster, lease: Lease, number_is_taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite gives the number of an erased contract to the next one."""
    roster.add(reference="417200")

    def erased_before() -> None:
        begin_write()
        contract = db.session.scalars(select(Contract).where(Contract.reference == "417201")).one()
        number = contract.id
        retention.delete_rows(Contract, Contract.id == number)
        db.session.expire_all()
        if number_is_taken:
            db.session.add(Contract(id=number, reference="417299", module="1"))
        db.session.commit()
        begin_write()

    monkeypatch.setattr(publishing, "begin_write", erased_before)
    code, said = publish(app, in_folder(folder, {NAME: pdf(), "417200_2026-11.pdf": pdf("un autre")}))
    assert (code, counts(said)) == (3, [1, 0, 0, 1])
    line = next(line for line in said.splitlines() if line.startswith("- «"))
    assert NAME in line and "Aucun contrat ne porte la référence « 417201 »" in line
    assert list(standing(app)) == [("417200", "2026-11-01")]


def test_a_file_that_a_purge_erases_between_is_stored_again(
    app: Flask, folder: Path, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    def erased_before() -> None:
        storage.erase(digest(pdf()))
        begin_write()

    monkeypatch.setattr(publishing, "begin_write", erased_before)
    assert counts(publish(app, in_folder(folder, {NAME: pdf()}))[1]) == [1, 0, 0, 0]
    assert standing(app) == {("417201", "2026-11-01"): digest(pdf())}


def test_a_file_that_a_purge_erases_between_and_the_folder_holds_no_more_is_refused(
    app: Flask, folder: Path, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    def erased_before() -> None:
        storage.erase(digest(pdf()))
        (folder / NAME).write_bytes(pdf("changé entre-temps"))
        begin_write()

    monkeypatch.setattr(publishing, "begin_write", erased_before)
    code, said = publish(app, in_folder(folder, {NAME: pdf()}))
    assert (code, counts(said)) == (3, [0, 0, 0, 1]) and "Publiez-le encore une fois" in plain(said)
    assert standing(app) == {}


CRASH = """
import dataclasses, json, os, pathlib, signal, sys
from tenant_portal import create_app
from tenant_portal.documents import archive, publishing
app = create_app(json.loads(sys.argv[1]))

def die():
    os.kill(os.getpid(), signal.SIGKILL)

with app.app_context(), archive.open_files(pathlib.Path(sys.argv[2])) as files:
    if sys.argv[3] != "all":
        number = int(sys.argv[3])
        files[number] = dataclasses.replace(files[number], load=die)
    publishing.publish(files)
    die()
"""

FULL = """
import json, pathlib, resource, sys
from tenant_portal import create_app
app = create_app(json.loads(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))  # writing ends in the middle, as on a full disk
result = app.test_cli_runner().invoke(args=["portal", "notices", "publish", sys.argv[2]])
print(result.output)
sys.exit(result.exit_code)
"""


def started(program: str, app: Flask, path: Path, *more: str) -> subprocess.Popen[str]:
    names = ("SQLALCHEMY_DATABASE_URI", "PORTAL_DATA_DIR")
    config = json.dumps({**SETTINGS, **{name: app.config[name] for name in names}})
    return start_python(ROOT, "-c", program, config, str(path), *more, stdin=PIPE, stdout=PIPE)


@pytest.mark.slow
@pytest.mark.parametrize("read", ["1", "300", "519", "all"])
def test_a_publication_that_is_killed_shows_nothing_and_can_be_repeated(
    app: Flask, folder: Path, roster: Roster, read: str
) -> None:
    """More files than a batch; whatever has a name is whole, whatever a row names is there."""
    references = [str(500_000 + number) for number in range(520)]
    roster.take([{"reference": reference, "module": "1"} for reference in references])
    path = in_folder(folder, {f"{reference}_2026-11.pdf": pdf(reference * 2000) for reference in references})
    with started(CRASH, app, path, read) as process:
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not standing(app)
    named = [file for file in files(app) if len(file.name) == 64]
    assert all(digest(file.read_bytes()) == file.name for file in named)
    assert len(named) == 520 if read == "all" else len(named) <= int(read)
    assert counts(publish(app, path)[1]) == [520, 0, 0, 0]
    assert len(standing(app)) == 520


@pytest.mark.slow
def test_a_disk_that_is_full_in_the_middle_of_a_file_leaves_no_half_of_it(
    app: Flask, folder: Path, lease: Lease
) -> None:
    path = in_folder(folder, {"417201_2026-10.pdf": pdf(), NAME: pdf() + bytes(3_000_000)})
    with started(FULL, app, path) as process:
        said, _ = process.communicate()
    assert process.returncode == 2 and "ne peut pas écrire" in said
    assert not standing(app)
    assert [digest(file.read_bytes()) for file in files(app)] == [digest(pdf())]


def test_publishing_before_the_database_stands_names_the_remedy(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    code, said = publish(app, tmp_path)
    assert code == 1 and "flask portal db upgrade" in said


def test_notices_of_tenants_without_an_account_cause_no_mail(app: Flask, folder: Path, lease: Lease) -> None:
    assert publish(app, in_folder(folder, {NAME: pdf()}))[0] == 0
    with app.app_context():
        assert db.session.scalars(select(Mail)).all() == []
