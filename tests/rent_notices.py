"""The landlord's rent notices: small PDFs, and the command that publishes them."""

from pathlib import Path

from flask import Flask

from .page_text import plain


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
    """Run the command of the landlord's staff; return its exit code and what it says, in plain typography."""
    result = app.test_cli_runner().invoke(args=["portal", "notices", "publish", str(path), *options])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, "\n".join(plain(line) for line in result.output.splitlines())
