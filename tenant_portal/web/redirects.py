"""Targets of redirects, built anew from our URL map."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import current_app, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from ..db import db
from ..messages import ownership
from ..models import Account

_THREAD = "portal.threads.show"
#: A file would leave the browser at the login: its page instead.
_PAGES_OF_FILES = {"portal.documents.download_all": "portal.documents.notices"}


def next_page(wanted: str | None, account_id: int) -> str:
    """Return the wanted page if it is the tenant's own, else his home.

    Of the pages with a number only those of messages count; no file is wanted.
    """
    home = url_for("portal.account.home")
    found = page_of(wanted)
    if found is None:
        return home
    endpoint, values = _PAGES_OF_FILES.get(found[0], found[0]), found[1]
    is_tenants = getattr(current_app.view_functions[endpoint], "portal_guard", None) == "account"
    if endpoint == _THREAD and ownership.find(db.session.get_one(Account, account_id), values["number"]) is not None:
        return url_for(endpoint, **values)
    return url_for(endpoint) if is_tenants and not values else home


def page_of(wanted: str | None) -> tuple[str, Mapping[str, Any]] | None:
    """Return endpoint and values of a path of ours that can be opened; whatever else it names is passed over."""
    if not wanted:
        return None
    root = request.root_path.rstrip("/")
    try:
        path = urlsplit(wanted).path.removeprefix(root)
        return current_app.url_map.bind_to_environ(request.environ).match(path, method="GET")
    except (ValueError, HTTPException, RequestRedirect):
        return None


def same_page(*, without: str) -> str:
    """Return this page's address without one query parameter."""
    query = urlencode([(name, value) for name, value in request.args.items(multi=True) if name != without])
    address = url_for(request.endpoint or "", **(request.view_args or {}))
    return f"{address}?{query}" if query else address
