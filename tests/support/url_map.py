"""The addresses of the portal."""

from flask import Flask
from werkzeug.routing import Rule


def rules(app: Flask) -> list[Rule]:
    """Return the rules of its own pages."""
    return [r for r in app.url_map.iter_rules() if r.endpoint.startswith("portal.") and r.endpoint.count(".") >= 2]


def pages(app: Flask) -> list[str]:
    """Return every page of tenants whose address holds no variable."""
    return [
        rule.rule
        for rule in rules(app)
        if "GET" in (rule.methods or ()) and not rule.arguments and not rule.rule.startswith(("/gestion", "/metrics"))
    ]
