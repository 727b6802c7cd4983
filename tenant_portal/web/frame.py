"""What every page gets by name: its words in the reader's language, the macros that draw it, who asks, addresses."""

from typing import Any
from urllib.parse import urlencode

from flask import current_app, request, url_for

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
        "style_url": style.url(),
        "script_url": url_for("portal.static", filename="portal.js", v=style.digest("portal.js")),
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
            "button_form": fields.ButtonForm,
        }
        words["f"] = macros.make_module(words)
        state.cache["words", macros, language] = words
    return words


def _language_link(code: str) -> str:
    """Return where this page is to be had in another language."""
    return "?" + urlencode({**request.args, "langue": code})
