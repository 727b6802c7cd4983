"""What every page gets by name: its words in the reader's language, the macros that draw it, who asks, addresses."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import current_app, request, url_for
from markupsafe import Markup

from .. import i18n
from ..contracts import last_import_day
from ..identity import current_tenant
from ..settings import settings, state
from . import fields, style


def names() -> dict[str, Any]:
    """Return what the templates of pages know besides what their view gives them."""
    return {
        **_words(i18n.language()),
        "tenant": current_tenant(),
        "language_link": _language_link,
        "url_for": _url_for,
        "once": _once,
        "style_url": _address("portal.style", version=style.version()),
        "script_url": _address("portal.static", filename="portal.js", v=style.digest("portal.js")),
    }


def _words(language: str) -> dict[str, Any]:
    """Return what is the same on all pages in a language; `f` holds the macros, bound to the language as well."""
    macros = current_app.jinja_env.get_template("portal/fields.html")
    words: dict[str, Any] | None = state.cache.get(("words", macros, language))
    if words is None:
        words = {
            **i18n.for_html(language),
            "settings": state.settings,
            "language": language,
            "languages": i18n.LANGUAGES,
            "hours": i18n.typeset(settings.landlord_hours),
            "day": i18n.day,
            "moment": i18n.moment,
            "duration": i18n.duration,
            "of_month": i18n.of_month,
            "file_size": i18n.file_size,
            "last_import_day": last_import_day,
            "form_token": fields.form_token,
        }
        words["f"] = macros.make_module(words)
        state.cache["words", macros, language] = words
    return words


def _language_link(code: str) -> str:
    """Return where this page is to be had in another language."""
    return "?" + urlencode({**request.args, "langue": code})


def _url_for(endpoint: str, **values: Any) -> str:
    """Return an address as Flask does, remembering those of pages that are the same for everyone: most links are."""
    return url_for(endpoint, **values) if values or endpoint.startswith(".") else _address(endpoint)


def _address(endpoint: str, **values: Any) -> str:
    """Return an address that depends on nothing but where the application lives."""
    paths: dict[Any, str] = state.cache.setdefault("paths", {})
    key, root = (endpoint, *values.values()), request.root_path
    path = paths.get(key)
    if path is None:
        address = url_for(endpoint, **values)
        if not address.startswith(f"{root}/") or current_app.url_default_functions:
            return address  # on another subdomain, or a host puts in what only it knows
        path = paths[key] = address.removeprefix(root)
    return root + path


def _once(name: str, *, caller: Callable[[], Markup]) -> Markup:
    """Draw a part of a page once for a language and remember it: what stands in it is the same for everyone.

    In a template: {% call once("contact") %} … {% endcall %}.
    """
    if current_app.debug or current_app.url_default_functions:
        return caller()
    parts: dict[Any, Markup] = state.cache.setdefault("parts", {})
    key = (name, i18n.language(), request.root_path)
    if key not in parts:
        parts[key] = caller()
    return parts[key]
