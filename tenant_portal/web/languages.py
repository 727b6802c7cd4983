"""In which language a visitor reads: his choice, his account's, his browser's, or French."""

from flask import request, session

from ..i18n import LANGUAGES
from .cookies import YEAR, cookie_name, set_cookie

#: In the session: the language chosen on this visit, which a login leaves alone.
CHOSEN = "portal_language"


def spoken() -> str:
    """Return the language of this browser's pages; one that it asks for counts until another is known."""
    known = request.cookies.get(cookie_name("lang"), "")
    return known if known in LANGUAGES else request.accept_languages.best_match(list(LANGUAGES), "fr")


def choose(code: str) -> None:
    """Remember what a visitor chose by the switch of the pages, or by opening a link of a mail."""
    session[CHOSEN] = code
    set_cookie("lang", code, YEAR)


def follow_account(code: str) -> None:
    """Read on in the account's language, unless another was chosen on this visit."""
    if CHOSEN not in session and code in LANGUAGES:
        set_cookie("lang", code, YEAR)
