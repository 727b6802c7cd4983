"""Folders that lie beside the package in a checkout and inside it in a wheel."""

from pathlib import Path

PACKAGE = Path(__file__).parent


def folder(name: str) -> Path:
    """Return the path of `templates`, `migrations` or `translations`."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name
