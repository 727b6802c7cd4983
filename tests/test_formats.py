"""Days, months and hours: as the French write them, and right in a language that is added tomorrow."""

from datetime import UTC, date, datetime

import pytest
from babel.support import NullTranslations
from flask import Flask

from tenant_portal import formats, i18n

#: The first of May 2026, a Friday, at half past nine in Paris; and a day in October.
MAY, OCTOBER = datetime(2026, 5, 1, 7, 30, tzinfo=UTC), date(2026, 10, 21)
#: All that a translator writes for a language that is no more than a line of `LANGUAGES`.
TRANSLATED = {
    "es": {"%(day)s à %(time)s": "%(day)s a las %(time)s", "de %(month)s": "de %(month)s"},
    "de": {"%(day)s à %(time)s": "%(day)s um %(time)s Uhr", "de %(month)s": "für %(month)s"},
}


class Catalogue(NullTranslations):
    """The texts of a language; one without translation fails the test."""

    def __init__(self, texts: dict[str, str]) -> None:
        super().__init__()
        self.texts = texts

    def gettext(self, message: str) -> str:
        """Return the translation of a text."""
        return self.texts[message]


def written(app: Flask, code: str) -> tuple[str, ...]:
    """Return day, moment, month and « of the month » in a language."""
    with app.app_context(), i18n.speaking(code):
        assert formats.moment(MAY) == formats.moment(MAY.isoformat())
        assert formats.of_month(OCTOBER) == formats.of_month(OCTOBER.isoformat())
        return formats.day(MAY), formats.moment(MAY), formats.month(OCTOBER), formats.of_month(OCTOBER)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "fr",
            (
                "vendredi 1er\u00a0mai\u00a02026",
                "vendredi 1er\u00a0mai à 9\u00a0h\u00a030",
                "octobre\u00a02026",
                "d’octobre\u00a02026",
            ),
        ),
        ("en", ("Friday 1 May 2026", "Friday 1 May at 09:30", "October\u00a02026", "for October\u00a02026")),
        (
            "es",
            (
                "viernes, 1 de mayo de 2026",
                "viernes, 1 de mayo a las 9:30",
                "octubre\u00a0de\u00a02026",
                "de octubre\u00a0de\u00a02026",
            ),
        ),
        (
            "de",
            (
                "Freitag, 1. Mai 2026",
                "Freitag, 1. Mai um 09:30 Uhr",
                "Oktober\u00a02026",
                "für Oktober\u00a02026",
            ),
        ),
    ],
)
def test_days_and_hours_are_written_as_each_language_does(
    app: Flask, monkeypatch: pytest.MonkeyPatch, code: str, expected: tuple[str, ...]
) -> None:
    if code in TRANSLATED:
        monkeypatch.setitem(i18n.LANGUAGES, code, code)
        i18n._translated.cache_clear()
        monkeypatch.setattr(i18n, "_catalogue", lambda code: Catalogue(TRANSLATED[code]))
    assert written(app, code) == expected
    i18n._translated.cache_clear()


def test_month_that_begins_with_a_vowel_is_elided(app: Flask) -> None:
    with app.app_context():
        found = [formats.of_month(date(2026, number, 1)).partition("\u00a0")[0] for number in range(1, 13)]
    assert [text for text in found if text.startswith("d’")] == ["d’avril", "d’août", "d’octobre"]
    assert len([text for text in found if text.startswith("de ")]) == 9
