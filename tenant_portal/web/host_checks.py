"""What would conflict with the portal in a host; one error lists everything."""

import re
from collections.abc import Iterator

from flask import Flask
from werkzeug.routing import Rule

from ..errors import ConfigError


def check_in(app: Flask, prefix: str, public_url: str) -> None:
    """Raise `ConfigError` for conflicts in `app`, before anything is registered."""
    mistakes = []
    if "portal" in app.extensions:
        mistakes.append("the portal is in this application already: call TenantPortal once; mount() adds a second one")
    elif "portal" in app.blueprints:
        mistakes.append("the application has a blueprint named 'portal': register it under another name")
    elif "portal" in app.cli.commands:
        mistakes.append("the application has a command named 'portal': give it another name")
    if prefix and public_url.endswith(prefix):
        mistakes.append(f"PORTAL_PUBLIC_URL ends with PORTAL_URL_PREFIX: {prefix} would stand twice in each address")
    if mistakes:
        raise ConfigError(mistakes)


def check_rules(app: Flask) -> None:
    """Raise `ConfigError` when portal and host share an address, or CSRF is checked twice.

    Called at the start and at our first page, as a host may register its pages later.
    """
    mistakes = [
        f"{address} is an address of the portal ({ours}) and of the application ({theirs}): set PORTAL_URL_PREFIX"
        for address, ours, theirs in _shared_addresses(app)
    ]
    checks = [f for f in app.before_request_funcs.get(None, []) if f.__module__ == "flask_wtf.csrf"]
    if len(checks) > 1:
        mistakes.append(
            "CSRFProtect was set up twice, and the second ignores the exemptions of the first: keep one;"
            " the portal needs none of its own"
        )
    if mistakes:
        raise ConfigError(mistakes)


def _shared_addresses(app: Flask) -> Iterator[tuple[str, str, str]]:
    ours: dict[tuple[str, str | None, str], Rule] = {}
    theirs: dict[tuple[str, str | None, str], Rule] = {}
    for rule in app.url_map.iter_rules():
        table = ours if rule.endpoint.startswith("portal.") else theirs
        for method in rule.methods or ():
            # Trailing slashes and names of variables make no other address.
            table[re.sub(r"<[^>]*>", "<>", rule.rule).rstrip("/") or "/", rule.subdomain, method] = rule
    for address in sorted(ours.keys() & theirs.keys(), key=str):
        if address[2] in {"GET", "POST"}:
            yield f"{address[2]} {ours[address].rule}", ours[address].endpoint, theirs[address].endpoint
