"""URLs for mails, built from `PORTAL_PUBLIC_URL` and never from a Host header."""

from typing import Any
from urllib.parse import urlsplit

from flask import current_app

from .settings import settings


def public(endpoint: str, **values: Any) -> str:
    """Return the full URL of a page, the same in requests and commands."""
    home = urlsplit(settings.public_url)
    adapter = current_app.url_map.bind(home.netloc, script_name=home.path or "/", url_scheme=home.scheme)
    return adapter.build(f"portal.{endpoint}", values, force_external=True)


def of_office(endpoint: str, **values: Any) -> str:
    """Return the full URL of a page of la gestion; empty where there is none."""
    return public(f"office.{endpoint}", **values) if "portal.office" in current_app.blueprints else ""
