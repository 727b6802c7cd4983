"""The landlord's rent notices: small PDFs, and the command that publishes them."""

from pathlib import Path

from flask import Flask

from .people import run


def pdf(text: str = "Avis d'échéance") -> bytes:
    """Return the content of a notice; another text makes another file."""
    return b"%PDF-1.4\n% " + text.encode() + b"\n%%EOF\n"


def in_folder(folder: Path, files: dict[str, bytes]) -> Path:
    """Write these files into a folder, nested ones too, and return it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def publish(app: Flask, path: Path, *options: str) -> tuple[int, str]:
    """Publish notices as the landlord's staff does; return the exit code and what is said, in plain typography."""
    return run(app, "notices", "publish", str(path), *options)
