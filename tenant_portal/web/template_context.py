"""What every page gets by name: its words in the reader's language, the macros that draw it, who asks, addresses."""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import current_app, request, url_for
from markupsafe import Markup

from .. import i18n, template_names
from ..contracts.lookup import last_import_day
from ..settings import settings, state
from . import fields, stylesheet
from .identity import current_tenant


def names() -> dict[str, Any]:
    """Return what the templates of pages know besides what their view gives them."""
    words = _words(i18n.language())
    addresses = _Addresses()
    return {
        **words,
        "tenant": current_tenant(),
        "language_link": _language_link,
        "url_for": addresses.url_for,
        "once": partial(_once, _parts(words["language"])),
        "style_url": addresses.of("portal.style", version=stylesheet.sheet_version()),
        "script_url": addresses.of("portal.static", filename="portal.js", v=stylesheet.digests()["portal.js"]),
    }


def _words(language: str) -> dict[str, Any]:
    """Return what is the same on all pages in a language; `f` holds the macros, bound to the language as well."""
    macros = current_app.jinja_env.get_template("portal/fields.html")
    words: dict[str, Any] | None = state.cache.get(("words", macros, language))
    if words is None:
        words = {
            **template_names.names(language, is_html=True),
            "last_import_day": last_import_day,
            "form_token": fields.form_token,
        }
        words["f"] = macros.make_module(words)
        state.cache["words", macros, language] = words
    return words


def _language_link(code: str) -> str:
    """Return where this page is to be had in another language."""
    return "?" + urlencode({**request.args, "langue": code})


def is_below_expected_path() -> bool:
    """Tell whether a request reached the portal below the path of its public address, or below none.

    What is remembered begins with that path. Whoever could choose another one would fill the memory, and put addresses
    of his own into everybody's pages. An application of our own is asked below no other path (`app._below`).
    """
    return bool(state.options.get("owns_session")) or request.root_path in {"", _path_before_pages()}


def _path_before_pages() -> str:
    """Return the path of the public address, before the prefix of our pages."""
    if "public_path" not in state.cache:
        state.cache["public_path"] = urlsplit(settings.public_url).path
    return str(state.cache["public_path"])


class _Addresses:
    """The addresses of a page's links. Most are the same for everyone, so they are remembered."""

    def __init__(self) -> None:
        self._root = request.root_path
        self._paths: dict[Any, str] = state.cache.setdefault("paths", {}) if is_below_expected_path() else {}

    def url_for(self, endpoint: str, **values: Any) -> str:
        """Return an address as Flask does, remembering those of pages that are the same for everyone."""
        return url_for(endpoint, **values) if values or endpoint.startswith(".") else self.of(endpoint)

    def of(self, endpoint: str, **values: Any) -> str:
        """Return an address that depends on nothing but where the application lives."""
        key = (endpoint, *values.values())
        path = self._paths.get(key)
        if path is None:
            address = url_for(endpoint, **values)
            if not address.startswith(f"{self._root}/") or current_app.url_default_functions:
                return address  # on another subdomain, or a host puts in what only it knows
            path = self._paths[key] = address.removeprefix(self._root)
        return self._root + path


def _parts(language: str) -> dict[str, Markup] | None:
    """Return the parts of pages in a language that are drawn already, or None where none may be remembered."""
    if current_app.debug or current_app.url_default_functions or not is_below_expected_path():
        return None
    parts: dict[str, Markup] = state.cache.setdefault(("parts", language, request.root_path), {})
    return parts


def _once(parts: dict[str, Markup] | None, name: str, *, when: bool = True, caller: Callable[[], Markup]) -> Markup:
    """Draw a part of a page once for a language and remember it: what stands in it is the same for everyone.

    In a template: {% call once("contact") %} … {% endcall %}. What is the same only for most, such as the fields of a
    form before anything was typed, is drawn anew for the others: {% call once("fields", when=form.is_blank) %}.
    """
    if parts is None or not when:
        return caller()
    drawn = parts.get(name)
    if drawn is None:
        drawn = parts[name] = caller()
    return drawn
