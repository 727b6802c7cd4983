"""Addresses for mails: built from `PORTAL_PUBLIC_URL`, never from the Host header of a request."""

from typing import Any
from urllib.parse import urlsplit

from flask import current_app

from .settings import settings


def public(endpoint: str, **values: Any) -> str:
    """Return the full address of one of our pages, the same in a request, below a mount and in a command."""
    home = urlsplit(settings.public_url)
    adapter = current_app.url_map.bind(home.netloc, script_name=home.path or "/", url_scheme=home.scheme)
    return adapter.build(f"portal.{endpoint}", values, force_external=True)
