"""Texts: message ids are French sentences, whose typography is set here."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from gettext import NullTranslations, translation
from typing import Any

from flask import g
from flask_babel import LazyString, force_locale
from markupsafe import Markup, escape

from .resources import folder
from .settings import state

#: The languages that tenants may choose.
LANGUAGES = {"fr": "Français", "en": "English"}

# U+202F before ; ! ? and U+00A0 before : and inside « »; neither may end a line.
_APOSTROPHE = re.compile(r"'(?![^<]*>)")  # but not inside a tag
_NARROW = re.compile(r"[ \u00a0]+([;!?])")
_WIDE = re.compile(r" +([:»€]|%(?!\())|(«) +")
_UNITS = re.compile(
    r"(?:(?<=[0-9])|(?<=%\(num\)d)) (?=(?:[0-9]{3}\b|h\b|€|%|ans?\b|mois\b|jours?\b|heures?\b|minutes?\b|kilo))"
    r"|(?<=\bh) (?=[0-9])"
)


@lru_cache(maxsize=4096)
def typeset(text: str) -> str:
    """Return a French text with its no-break spaces and typographic apostrophes."""
    text = _NARROW.sub("\u202f\\1", _APOSTROPHE.sub("’", text))
    text = _WIDE.sub(lambda found: f"\u00a0{found[1]}" if found[1] else "«\u00a0", text)
    return _UNITS.sub("\u00a0", text)


def language() -> str:
    """Return the reader's language, French by default.

    Ignore the host's locale selector: it serves the host's users and may need a request, which commands do not
    have.
    """
    known: str | None = g.get("portal_spoken") if g else None
    return known if known in LANGUAGES else "fr"


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Use a language within this block, whatever the host's selector says."""
    former = g.get("portal_spoken")
    with force_locale(code):
        g.portal_spoken = code
        try:
            yield
        finally:
            g.portal_spoken = former


@lru_cache(maxsize=4096)
def _translated(code: str, message: str) -> str:
    return typeset(message) if code == "fr" else _catalogue(code).gettext(message)


@lru_cache(maxsize=4096)
def _markup(code: str, message: str) -> Markup:
    return Markup(_translated(code, message))  # noqa: S704 (our own catalogue)


@lru_cache
def _catalogue(code: str) -> NullTranslations:
    return translation("portal", folder("translations"), [code])


def gettext(message: str, **variables: Any) -> str:
    """Return the text in the reader's language; `%(name)s` stands for a variable."""
    text = _translated(language(), message)
    return text % variables if variables else text


def ngettext(singular: str, plural: str, num: int, **variables: Any) -> str:
    """Return the text for that number; French counts 0 and 1 as singular."""
    return _counted(language(), singular, plural, num) % {"num": num, **variables}


def _counted(code: str, singular: str, plural: str, num: int) -> str:
    if code == "fr":
        return typeset(singular if abs(num) < 2 else plural)
    return _catalogue(code).ngettext(singular, plural, num)


def lazy_gettext(message: str, **variables: Any) -> LazyString:
    """Return a text that is translated when it is shown, for labels made at import."""
    return LazyString(gettext, message, **variables)


def for_html(code: str) -> dict[str, Callable[..., Markup]]:
    """Return `_` and `ngettext` for HTML pages: our messages may hold tags, variables are escaped."""
    return {"_": partial(_markup_gettext, code), "ngettext": partial(_markup_ngettext, code)}


def _markup_gettext(code: str, message: str, **variables: Any) -> Markup:
    text = _markup(code, message)
    return Markup(str(text) % _escaped(variables)) if variables else text  # noqa: S704 (our own catalogue)


def _markup_ngettext(code: str, singular: str, plural: str, num: int, **variables: Any) -> Markup:
    text = _counted(code, singular, plural, num)
    return Markup(text % {"num": num, **_escaped(variables)})  # noqa: S704 (our own catalogue)


def _escaped(variables: dict[str, Any]) -> dict[str, Any]:
    """Return the variables safe for HTML; numbers stay numbers, for `%d`."""
    return {name: value if isinstance(value, int | float) else escape(value) for name, value in variables.items()}


def choose_language(code: str) -> None:
    """Use a language until this application context ends, whatever the host's selector says."""
    leave_language()
    if not state.options.get("owns_session"):  # for a host's layout around our pages
        g.portal_language = force_locale(code)
        g.portal_language.__enter__()
    g.portal_spoken = code


def leave_language(_: BaseException | None = None) -> None:
    """Give the host its own language back."""
    g.pop("portal_spoken", None)
    forced = g.pop("portal_language", None)
    if forced is not None:
        forced.__exit__(None, None, None)


# The names that Babel's extractor knows.
_ = gettext
_l = lazy_gettext
