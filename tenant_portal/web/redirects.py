"""Targets of redirects, built anew from our URL map."""

from urllib.parse import urlencode, urlsplit

from flask import current_app, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect


def next_page(wanted: str | None) -> str:
    """Return the wanted page if it is the tenant's own, else his home.

    A page with a number may be a file, after which the browser would still show the login.
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
    is_tenants = getattr(current_app.view_functions[endpoint], "portal_guard", None) == "account"
    return url_for(endpoint) if is_tenants and not values else home


def same_page(*, without: str) -> str:
    """Return this page's address without one query parameter."""
    query = urlencode([(name, value) for name, value in request.args.items(multi=True) if name != without])
    address = url_for(request.endpoint or "", **(request.view_args or {}))
    return f"{address}?{query}" if query else address
