"""The landlord's rent notices."""

from pathlib import Path

from flask import Flask

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
