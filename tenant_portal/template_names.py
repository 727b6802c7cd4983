"""The names that pages, mails and texts have in common."""

from typing import Any

from . import formats, i18n
from .settings import settings, state


def names(language: str, *, is_html: bool) -> dict[str, Any]:
    """Return the names for a language; in HTML `_` and `ngettext` escape their variables."""
    words = i18n.for_html(language) if is_html else {"_": i18n.gettext, "ngettext": i18n.ngettext}
    return {
        **words,
        "settings": state.settings,
        "language": language,
        "languages": i18n.LANGUAGES,
        "landlord": i18n.typeset(settings.landlord_name),
        "hours": i18n.typeset(settings.landlord_hours),
        "phone": settings.landlord_phone.replace(" ", "\u00a0"),
        "age": formats.age,
        "day": formats.day,
        "time": formats.time,
        "moment": formats.moment,
        "clock": formats.time,
        "exact_moment": formats.exact_moment,
        "of_month": formats.of_month,
        "duration": formats.duration,
        "file_size": formats.file_size,
    }
