"""The addresses of the portal."""

from collections.abc import Callable
from typing import Any

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


def compiling_once() -> Callable[..., Any]:
    """Return what takes the place of `Rule._compile_builder`, and remembers."""
    compile_builder, kept = Rule._compile_builder, dict[Any, Any]()

    def compile_once(rule: Rule, append_unknown: bool = True) -> Any:
        key = (rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown)
        if key not in kept:
            kept[key] = compile_builder(rule, append_unknown)
        return kept[key]

    return compile_once
