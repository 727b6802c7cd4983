"""The addresses of the portal, read from its map of URLs."""

from flask import Flask
from werkzeug.routing import Rule


def rules(app: Flask) -> list[Rule]:
    """Return the addresses of the portal's own pages."""
    return [r for r in app.url_map.iter_rules() if r.endpoint.startswith("portal.") and r.endpoint.count(".") == 2]


def pages(app: Flask) -> list[str]:
    """Return every address of a tenant's page that a browser can ask for without knowing anything."""
    return [
        rule.rule
        for rule in rules(app)
        if "GET" in (rule.methods or ()) and not rule.arguments and not rule.rule.startswith(("/gestion", "/metrics"))
    ]
