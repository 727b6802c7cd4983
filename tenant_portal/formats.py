"""Days, months, sizes and lengths of time, as people write them in the reader's language."""

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

from babel.dates import format_date, format_datetime
from babel.units import format_unit

from .i18n import gettext, language, ngettext
from .settings import settings


def day(moment: datetime | date) -> str:
    """Return a day as people write it: « mercredi 25 novembre 2026 », in the landlord's time zone."""
    if isinstance(moment, datetime):
        moment = moment.astimezone(settings.timezone).date()
    return _day(moment, language())


@lru_cache(maxsize=1024)
def _day(of: date, code: str) -> str:
    text = format_date(of, "full", locale=code)
    return _first(text) if code == "fr" else text


def moment(at: datetime | str) -> str:
    """Return day and hour: « mercredi 25 novembre à 18 h 30 », in the landlord's time zone. Takes ISO 8601 as well."""
    at = datetime.fromisoformat(at) if isinstance(at, str) else at
    local = at.astimezone(settings.timezone)
    if language() != "fr":
        return format_datetime(local, "EEEE d MMMM 'at' HH:mm", locale=language())
    return _first(format_datetime(local, "EEEE d MMMM 'à' H'\u00a0h\u00a0'mm", locale="fr"))


def month(of: date) -> str:
    """Return a month as people write it: « novembre 2026 »."""
    text = format_date(of, "MMMM yyyy", locale=language())
    return text.replace(" ", "\u00a0")


def of_month(of: date | str) -> str:
    """Return what follows « votre avis d'échéance » : « de novembre 2026 », « d'octobre 2026 »."""
    of = date.fromisoformat(of) if isinstance(of, str) else of
    if language() != "fr":
        return gettext("de %(month)s", month=month(of))
    text = month(of)
    return f"d’{text}" if text[0] in "ao" else f"de {text}"


def file_size(size: int) -> str:
    """Return the size of a file as people read it: « 84 ko », « 1,2 Mo »."""
    value, unit = (round(size / 1e6, 1), "megabyte") if size >= 1e6 else (max(1, round(size / 1e3)), "kilobyte")
    return format_unit(value, f"digital-{unit}", "short", locale=language()).replace(" ", "\u00a0")


def duration(length: timedelta) -> str:
    """Return a length of time in its largest whole unit: « 72 heures », « 14 jours », « 1 minute »."""
    minutes = max(1, round(length.total_seconds() / 60))
    if minutes % 1440 == 0 and minutes >= 7 * 1440:
        return ngettext("%(num)d jour", "%(num)d jours", minutes // 1440)
    if minutes % 60 == 0 and minutes >= 60:
        return ngettext("%(num)d heure", "%(num)d heures", minutes // 60)
    return ngettext("%(num)d minute", "%(num)d minutes", minutes)


def _first(text: str) -> str:
    """Write the first of a month as the French do, and keep the number with its month."""
    text = re.sub(r"\b1 (?=[a-zéû])", "1er ", text)
    return re.sub(r"(?<=[0-9r]) (?=[a-zéû]{3,})|(?<=[a-zéû]) (?=[0-9]{4})", "\u00a0", text)
