"""What landlords hand in: ZIPs of every maker, what disks leave beside files, and what is no ZIP at all."""

import ctypes
import gzip
import io
import os
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask

from tenant_portal.documents import archive
from tenant_portal.errors import NoticesUnusable

from ..support.page_text import plain
from ..support.paths import ROOT
from ..support.people import Roster
from ..support.rent_notices import counts, in_folder, pdf, publish, standing, zipped

CASES = ROOT / "tests" / "data" / "cases"
NAME = "417201_2026-11.pdf"
NOBODY = 65_534
LOCAL, CENTRAL = b"PK\x03\x04", b"PK\x01\x02"


@pytest.fixture(autouse=True)
def leases(roster: Roster) -> None:
    for number in range(1, 5):
        roster.add(reference=f"41720{number}")


def test_r22_a_zip_of_dotnet_is_published_and_its_folders_are_passed_over(app: Flask) -> None:
    code, said = publish(app, CASES / "R22_dotnet.zip")
    assert (code, counts(said)) == (0, [2, 0, 0, 0]), said
    assert set(standing(app)) == {("417201", "2026-11-01"), ("417202", "2026-11-01")}


def test_folders_that_a_zip_marks_by_their_attributes_alone_are_passed_over(app: Flask, folder: Path) -> None:
    def write(archive: zipfile.ZipFile) -> None:
        for name in ("avis", "avis/nord.pdf"):
            info = zipfile.ZipInfo(name)
            info.external_attr = 0x10
            archive.writestr(info, b"")
        archive.writestr(f"./avis/{NAME}", pdf())

    code, said = publish(app, zipped(folder / "avis.zip", write))
    assert (code, counts(said)) == (0, [1, 0, 0, 0]), said


def test_a_zip_unpacked_with_backslashes_in_its_names_is_read_as_the_zip_is(app: Flask, folder: Path) -> None:
    path = in_folder(folder, {f"avis\\nord\\{NAME}": pdf(), "__MACOSX\\avis\\._x.pdf": b"x"})
    code, said = publish(app, path)
    assert (code, counts(said)) == (0, [1, 0, 0, 0]), said


BESIDE = [
    "__MACOSX/x.pdf",
    "._417202_2026-11.pdf",
    ".DS_Store",
    ".Spotlight-V100/store.pdf",
    ".Trashes/501/417202_2026-11.pdf",
    ".fseventsd/0000",
    ".~lock.417202_2026-11.pdf#",
    ".fuse_hidden0001",
    ".nfs0000000001",
    "nord/Thumbs.db",
    "THUMBS.DB",
    "ehthumbs.db",
    "Desktop.ini",
    "Icon\r",
    "~$417202_2026-11.pdf",
    "$RECYCLE.BIN/S-1-5/417202_2026-11.pdf",
    "System Volume Information/IndexerVolumeGuid",
    "@eaDir/417202_2026-11.pdf/x.pdf",
    "417202_2026-11.pdf@SynoEAStream",
    "#recycle/417202_2026-11.pdf",
    "@Recycle/417202_2026-11.pdf",
    "#snapshot/417202_2026-11.pdf",
    "lost+found/417202_2026-11.pdf",
    "417202_2026-11.pdf:Zone.Identifier",
    "417202_2026-11.pdf.Zone.Identifier",
    "417202_2026-11.pdfZone.Identifier",
]


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_what_archivers_systems_and_disks_leave_beside_files_is_passed_over(
    app: Flask, folder: Path, kind: str
) -> None:
    files = dict.fromkeys(BESIDE, pdf("rien")) | {f"nord/{NAME}": pdf()}
    if kind == "zip":
        path = zipped(folder / "avis.zip", lambda archive: [archive.writestr(*file) for file in files.items()])
    else:
        path = in_folder(folder, files)
    code, said = publish(app, path)
    assert (code, counts(said)) == (0, [1, 0, 0, 0]), said


def test_a_folder_of_the_disk_that_nobody_may_enter_stops_nothing(app: Flask, folder: Path) -> None:
    path = in_folder(folder, {NAME: pdf(), "lost+found/x.pdf": b"x"})
    (path / "lost+found").chmod(0)
    try:
        assert publish(app, path)[0] == 0
    finally:
        (path / "lost+found").chmod(0o700)


@pytest.mark.parametrize("ending", ["part", "crdownload", "filepart", "partial"])
def test_a_file_that_is_still_on_its_way_is_told(app: Flask, folder: Path, ending: str) -> None:
    code, said = publish(app, in_folder(folder, {f"417202_2026-11.pdf.{ending}": pdf(), NAME: pdf()}))
    assert (code, counts(said)) == (3, [1, 0, 0, 1])
    assert "Le fichier n'est pas arrivé en entier." in said


def _tar(mode: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        archive.addfile(tarfile.TarInfo(NAME), io.BytesIO())
    return out.getvalue()


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(NAME, pdf("x" * 500))
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"Rar!\x1a\x07\x01\x00" + bytes(50), "C'est une archive RAR. Ouvrez-la vous-même, puis publiez le dossier."),
        (b"Rar!\x1a\x07\x00" + bytes(50), "C'est une archive RAR."),
        (b"7z\xbc\xaf\x27\x1c" + bytes(50), "C'est une archive 7z."),
        (gzip.compress(pdf()), "C'est une archive gzip."),
        (_tar("w"), "C'est une archive tar."),
        (_tar("w:xz"), "C'est une archive xz."),
        (_zip()[:-30], "Ce fichier ZIP est abîmé, incomplet ou en plusieurs parties."),
        (_zip()[:100], "Ce fichier ZIP est abîmé, incomplet ou en plusieurs parties."),
        (b"PK\x07\x08" + _zip()[:300], "Ce fichier ZIP est abîmé, incomplet ou en plusieurs parties."),
        (pdf(), "C'est un fichier PDF. Mettez-le dans un dossier, puis publiez le dossier."),
        (b"<!DOCTYPE html><title>Connexion</title>", "Ce n'est ni un dossier ni un fichier ZIP"),
        (b"", "Ce n'est ni un dossier ni un fichier ZIP"),
    ],
    ids=["RAR 5", "RAR 4", "7z", "gzip", "tar", "tar.xz", "cut end", "cut", "split", "PDF", "HTML", "nothing"],
)
def test_what_is_called_zip_and_cannot_be_opened_is_told_with_the_way_out(
    app: Flask, folder: Path, content: bytes, told: str
) -> None:
    code, said = publish(app, in_folder(folder, {"avis.zip": content}) / "avis.zip")
    assert (code, len(said.splitlines())) == (2, 1) and said.endswith("Rien n'a changé.")
    assert told in said


def test_a_path_where_nothing_is_says_so(app: Flask, folder: Path) -> None:
    code, said = publish(app, folder / "nulle part")
    assert code == 2 and "Il n'y a ni dossier ni fichier à cet endroit. Rien n'a changé." in said


@pytest.mark.parametrize("method", [9, 14, 93, 98])
def test_a_compression_that_is_not_read_is_told_with_the_way_out(app: Flask, folder: Path, method: int) -> None:
    """Windows makes Deflate64 (9) of large folders."""
    path = zipped(folder / "avis.zip", lambda archive: archive.writestr(NAME, pdf()))
    raw = path.read_bytes()
    for sign, place in ((LOCAL, 8), (CENTRAL, 10)):
        start = raw.index(sign) + place
        raw = raw[:start] + struct.pack("<H", method) + raw[start + 2 :]
    path.write_bytes(raw)
    code, said = publish(app, path)
    assert (code, counts(said)) == (3, [0, 0, 0, 1])
    assert "Le fichier est comprimé d'une façon qui n'est pas lue ici. Ouvrez le ZIP vous-même" in said


def test_a_zip64_is_read(app: Flask, folder: Path) -> None:
    def write(archive: zipfile.ZipFile) -> None:
        with archive.open(NAME, "w", force_zip64=True) as file:
            file.write(pdf())

    assert publish(app, zipped(folder / "avis.zip", write))[0] == 0


@pytest.mark.parametrize(
    "raw",
    ["février".encode(), "fe\u0301vrier".encode(), "février".encode("cp850"), "FÉVRIER".encode("cp1252")],
    ids=["utf-8", "utf-8 of macOS", "cp850", "cp1252"],
)
def test_names_of_a_zip_are_read_in_the_encoding_of_their_maker(app: Flask, folder: Path, raw: bytes) -> None:
    """Of ZIPs that do not say that their names are UTF-8."""
    name = b"avis_" + raw + b"_2026_417201.pdf"
    path = zipped(folder / "avis.zip", lambda archive: archive.writestr("x" * len(name), pdf()))
    path.write_bytes(path.read_bytes().replace(b"x" * len(name), name))
    code, said = publish(app, path)
    assert (code, list(standing(app))) == (0, [("417201", "2026-02-01")]), said


def test_names_that_say_utf_8_and_are_not_are_told_with_the_way_out(app: Flask, folder: Path) -> None:
    path = zipped(folder / "avis.zip", lambda archive: archive.writestr("é417201_2026-11.pdf", pdf()))
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xff"))
    code, said = publish(app, path)
    assert code == 2 and "Les noms dans ce fichier ZIP ne peuvent pas être lus. Ouvrez-le vous-même" in said


@contextmanager
def as_nobody() -> Iterator[None]:
    """Let this thread read what anybody may: root's own rights know no bound."""
    change = ctypes.CDLL(None).setfsuid
    former = change(NOBODY if os.geteuid() == 0 else os.geteuid())
    try:
        yield
    finally:
        change(former)


def test_a_folder_that_may_not_be_read_is_named(app: Flask) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = in_folder(Path(name) / "avis", {"nord/x.pdf": pdf()})
        for each in (Path(name), path):
            each.chmod(0o755)
        (path / "nord").chmod(0)
        with app.app_context(), pytest.raises(NoticesUnusable) as told, as_nobody(), archive.open_files(path):
            pass
        (path / "nord").chmod(0o700)
    assert "n'a pas le droit de lire" in plain(str(told.value)) and "nord" in str(told.value)
