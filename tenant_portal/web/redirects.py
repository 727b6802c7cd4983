"""Targets of redirects, built anew from our URL map."""

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
    if not wanted:
        return home
    root = request.root_path.rstrip("/")
    try:
        path = urlsplit(wanted).path
        endpoint, values = current_app.url_map.bind_to_environ(request.environ).match(
            path.removeprefix(root), method="GET"
        )
    except (ValueError, HTTPException, RequestRedirect):
        return home
    endpoint = _PAGES_OF_FILES.get(endpoint, endpoint)
    is_tenants = getattr(current_app.view_functions[endpoint], "portal_guard", None) == "account"
    if endpoint == _THREAD and ownership.find(db.session.get_one(Account, account_id), values["number"]) is not None:
        return url_for(endpoint, **values)
    return url_for(endpoint) if is_tenants and not values else home


def same_page(*, without: str) -> str:
    """Return this page's address without one query parameter."""
    query = urlencode([(name, value) for name, value in request.args.items(multi=True) if name != without])
    address = url_for(request.endpoint or "", **(request.view_args or {}))
    return f"{address}?{query}" if query else address
