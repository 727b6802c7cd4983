"""The names that every page knows: texts, macros, parts, the tenant."""

from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import current_app, request, url_for
from markupsafe import Markup

from .. import i18n, template_names
from ..accounts.standing_words import SITUATIONS
from ..contracts.lookup import last_import_day
from ..settings import settings, state
from . import stylesheet
from .forms import LoginForm, SignupForm, form_token
from .identity import current_tenant


class Parts:
    """The parts of pages that are the same for everyone: the macros of `parts.html`, each drawn once.

    They cannot see who asks: Flask's `request` and `session` are undefined there too.
    """

    def __init__(self, names: dict[str, Any]) -> None:
        self._macros = _macros("portal/parts.html", names)

    def __getattr__(self, name: str) -> Markup:
        """Draw a part and store it as an attribute."""
        drawn: Markup = getattr(self._macros, name)()
        setattr(self, name, drawn)
        return drawn


def names() -> dict[str, Any]:
    """Return the names that templates know besides those of their view."""
    return {**_names_for_everyone(i18n.language()), "tenant": current_tenant(), "language_link": _language_link}


def is_below_expected_path() -> bool:
    """Tell whether the request's root path is the path of the public address, or empty (X17).

    What we remember begins with that path: a visitor who could choose it would fill the memory, and change
    everybody's links. Our own application accepts no other path (`wsgi_paths.trust_paths`).
    """
    return bool(state.options.get("owns_session")) or request.root_path in {"", urlsplit(settings.public_url).path}


def _names_for_everyone(language: str) -> dict[str, Any]:
    """Return the names that are the same on all pages of a language."""
    key = ("names", language, request.root_path)
    known: dict[str, Any] | None = state.cache.get(key)
    if known is not None:
        return known
    words = template_names.names(language, is_html=True)
    links = {
        "style_url": url_for("portal.style", version=stylesheet.sheet_version()),
        "script_url": url_for("portal.static", filename="portal.js", v=stylesheet.digests()["portal.js"]),
    }
    # Parts get macros without `form_token`: a remembered form would give one visitor's token to all.
    parts = Parts(
        {
            **words,
            "url_for": url_for,
            "f": _macros("portal/fields.html", words),
            "new_login_form": partial(LoginForm, formdata=None),
            "new_sign_up_form": partial(SignupForm, formdata=None),
        }
    )
    known = {
        **words,
        **links,
        "last_import_day": last_import_day,
        "situations": SITUATIONS,
        "f": _macros("portal/fields.html", {**words, "form_token": form_token}),
        "parts": parts,
    }
    if _may_remember(links["style_url"]):
        state.cache[key] = known
    return known


def _may_remember(link: str) -> bool:
    """Tell whether our links are the same for everyone: no unexpected path, no URL defaults of a host."""
    is_plain = link.startswith(f"{request.root_path}/") and not current_app.url_default_functions
    return is_plain and is_below_expected_path() and not current_app.debug


def _macros(template: str, names: dict[str, Any]) -> Any:
    """Return a template's macros with these names only; `shared` leaves out Flask's globals."""
    return current_app.jinja_env.get_template(template).make_module(names, shared=True)


def _language_link(code: str) -> str:
    return "?" + urlencode({**request.args, "langue": code})
