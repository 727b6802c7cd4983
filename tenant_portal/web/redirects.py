"""Where people are sent: addresses built anew from our own map, never as they were typed."""

from urllib.parse import urlencode, urlsplit

from flask import current_app, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect


def next_page(wanted: str | None) -> str:
    """Return where to go after a login: the page asked for, if it is one of the tenant's own, else his home.

    The address is built anew from our own map, so nothing that was typed can lead elsewhere. One with a number may be a
    file, after which the browser would still show the login.
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
    """Return the address of the present page, without one of its parameters, built anew from our own map."""
    query = urlencode([(name, value) for name, value in request.args.items(multi=True) if name != without])
    address = url_for(request.endpoint or "", **(request.view_args or {}))
    return f"{address}?{query}" if query else address
