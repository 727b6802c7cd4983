"""The landlord's rent notices."""

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select

from tenant_portal.db import db
from tenant_portal.models import Document

from .people import run


def pdf(text: str = "Avis d'échéance") -> bytes:
    """Return a notice; other text makes another file."""
    return b"%PDF-1.4\n% " + text.encode() + b"\n%%EOF\n"


def in_folder(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files, nested ones too; return the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def publish(app: Flask, path: Path, *options: str) -> tuple[int, str]:
    """Publish notices by command."""
    return run(app, "notices", "publish", str(path), *options)


def standing(app: Flask) -> dict[tuple[str, str], str]:
    """Return the digest of each document; each row's file must be whole."""
    with app.app_context():
        rows = db.session.scalars(select(Document)).all()
        for row in rows:
            content = stored(app, row.digest).read_bytes()
            assert (hashlib.sha256(content).hexdigest(), len(content)) == (row.digest, row.size)
        return {(row.contract.reference, f"{row.period:%Y-%m-%d}"): row.digest for row in rows}


def stored(app: Flask, digest: str) -> Path:
    return Path(app.config["PORTAL_DATA_DIR"]) / "notices" / digest[:2] / digest


def files(app: Flask) -> list[Path]:
    return [path for path in (Path(app.config["PORTAL_DATA_DIR"]) / "notices").rglob("*") if path.is_file()]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def counts(said: str) -> list[int]:
    """Return added, replaced, unchanged, refused."""
    return [int(line.split()[1]) for line in said.splitlines()[:4]]


def zipped(path: Path, write: Callable[[zipfile.ZipFile], Any]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        write(archive)
    return path
