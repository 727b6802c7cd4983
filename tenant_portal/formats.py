"""Days, months, sizes and durations, as people write them in the reader's language."""

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton, match_skeleton
from babel.units import format_unit

from .db import utcnow
from .i18n import gettext, language, ngettext
from .settings import settings

#: Whose usage a language follows: « Wednesday 25 November », where Americans write the month first.
_USAGES = {"en": "en_GB"}
#: As in a moment, without a comma.
_ENGLISH_DAY = "EEEE d MMMM y"
#: CLDR writes 18:30, the French write 18 h 30.
_FRENCH_TIME = "H'\u00a0h\u00a0'mm"
_FRENCH_MOMENT = f"EEEE d MMMM 'à' {_FRENCH_TIME}"
_LONG = {"E": "EEEE", "M": "MMMM", "L": "LLLL"}


def day(moment: datetime | date | str) -> str:
    """Return a day: « mercredi 25 novembre 2026 », in the landlord's time zone. Takes a day in ISO 8601 as well."""
    moment = date.fromisoformat(moment) if isinstance(moment, str) else moment
    if isinstance(moment, datetime):
        moment = moment.astimezone(settings.timezone).date()
    return _day(moment, language())


@lru_cache(maxsize=1024)
def _day(of: date, code: str) -> str:
    text = format_date(of, _ENGLISH_DAY if code == "en" else "full", locale=code)
    return _typeset_french(text) if code == "fr" else text


def moment(at: datetime | str) -> str:
    """Return day and time: « mercredi 25 novembre à 18 h 30 », in the landlord's time zone. Takes ISO 8601 as well."""
    at = datetime.fromisoformat(at) if isinstance(at, str) else at
    local, code = at.astimezone(settings.timezone), language()
    if code == "fr":
        return _typeset_french(format_datetime(local, _FRENCH_MOMENT, locale=code))
    locale = _USAGES.get(code, code)
    words = format_date(local, _day_without_year(locale), locale=locale)
    return gettext("%(day)s à %(time)s", day=words, time=time(at))


def exact_moment(at: datetime) -> str:
    """Return day, year and time: « mercredi 25 novembre 2026 à 18 h 30 »."""
    return gettext("%(day)s à %(time)s", day=day(at), time=time(at))


def time(at: datetime) -> str:
    """Return the time of day: « 18 h 30 », in the landlord's time zone."""
    local, code = at.astimezone(settings.timezone), language()
    if code == "fr":
        return format_datetime(local, _FRENCH_TIME, locale=code)
    return format_skeleton("Hm", local, locale=_USAGES.get(code, code))


@lru_cache
def _day_without_year(locale: str) -> str:
    """Return the pattern of weekday, day and month; where CLDR has it with short names only, it is made long."""
    skeletons = Locale.parse(locale).datetime_skeletons
    pattern = skeletons[match_skeleton("MMMMEEEEd", skeletons)].pattern
    return re.sub(r"'[^']*'|E+|M+|L+", lambda found: _LONG.get(found[0][0], found[0]), pattern)


def month(of: date) -> str:
    """Return a month: « novembre 2026 »."""
    return format_skeleton("yMMMM", of, locale=language()).replace(" ", "\u00a0")


def of_month(of: date | str) -> str:
    """Return what follows « votre avis d'échéance » : « de novembre 2026 », « d'octobre 2026 »."""
    of = date.fromisoformat(of) if isinstance(of, str) else of
    text = month(of)
    if language() != "fr":
        return gettext("de %(month)s", month=text)
    return f"d’{text}" if text[0] in "ao" else f"de {text}"


def file_size(size: int) -> str:
    """Return the size of a file: « 84 ko », « 1,2 Mo »."""
    value, unit = (round(size / 1e6, 1), "megabyte") if size >= 1e6 else (max(1, round(size / 1e3)), "kilobyte")
    return format_unit(value, f"digital-{unit}", "short", locale=language()).replace(" ", "\u00a0")


def duration(length: timedelta) -> str:
    """Return a duration in its largest whole unit: « 72 heures », « 14 jours », « 1 minute »."""
    minutes = max(1, round(length.total_seconds() / 60))
    if minutes % 1440 == 0 and minutes >= 7 * 1440:
        return ngettext("%(num)d jour", "%(num)d jours", minutes // 1440)
    if minutes % 60 == 0 and minutes >= 60:
        return ngettext("%(num)d heure", "%(num)d heures", minutes // 60)
    return ngettext("%(num)d minute", "%(num)d minutes", minutes)


def age(since: datetime) -> str:
    """Return how long ago a moment was, in its largest unit: « 3 jours », « 20 minutes »."""
    minutes = max(1, int((utcnow() - since).total_seconds() // 60))
    unit, length = ("day", 1440) if minutes >= 1440 else ("hour", 60) if minutes >= 60 else ("minute", 1)
    return format_unit(minutes // length, f"duration-{unit}", locale=language()).replace(" ", "\u00a0")


def _typeset_french(text: str) -> str:
    """Write the first of a month as « 1er », and keep the number with its month and the month with its year."""
    text = re.sub(r"\b1 (?=[a-zéû])", "1er ", text)
    return re.sub(r"(?<=[0-9r]) (?=[a-zéû]{3,})|(?<=[a-zéû]) (?=[0-9]{4})", "\u00a0", text)
