"""Every text exists in every language, and none is stale."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from tenant_portal.i18n import LANGUAGES
from tests.support.paths import ROOT

TRANSLATIONS = ROOT / "translations"
METHODS = [
    ("tenant_portal/**.py", "python"),
    ("templates/portal/**.html", "jinja2"),
    ("templates/portal/**.txt", "jinja2"),
]
KEYWORDS = {"_": None, "_l": None, "gettext": None, "ngettext": (1, 2)}
OTHERS = sorted(set(LANGUAGES) - {"fr"})


@cache
def texts() -> Catalog:
    """Return every marked text and its place."""
    found = Catalog()
    for file, line, message, _, _ in extract_from_dir(str(ROOT), METHODS, keywords=KEYWORDS, directory_filter=_is_ours):
        found.add(message, locations=[(file, line)])
    return found


def _is_ours(folder: str) -> bool:
    return not Path(folder).name.startswith(".") and Path(folder).name not in {"build", "dist", "tests"}


def catalogue(language: str) -> Catalog:
    with (TRANSLATIONS / language / "LC_MESSAGES" / "portal.po").open("rb") as file:
        return read_po(file, locale=language)


def parts(text: str | list[str] | tuple[str, ...]) -> list[str]:
    """Return singular and plural, or the one form."""
    return [text] if isinstance(text, str) else list(text)


def marks(text: str) -> list[str]:
    """Return variables and tags, which a translation keeps."""
    return sorted(re.findall(r"%\(\w+\)[sd]|</?\w+", text))


@pytest.mark.parametrize("language", OTHERS)
def test_no_text_lacks_its_translation(language: str) -> None:
    known = catalogue(language)
    missing = [m.id for m in texts() if m.id and not (m.id in known and all(parts(known[m.id].string)))]
    assert not missing, f"{len(missing)} texts without translation into {language}"


@pytest.mark.parametrize("language", OTHERS)
def test_no_translation_is_fuzzy_or_left_over(language: str) -> None:
    known, wanted = catalogue(language), texts()
    assert not [m.id for m in known if m.id and m.fuzzy]
    assert not [m.id for m in known if m.id and m.id not in wanted]
    assert not known.obsolete


@pytest.mark.parametrize("language", OTHERS)
def test_translations_carry_over_every_variable_and_tag(language: str) -> None:
    def differing() -> Iterator[str]:
        for message in catalogue(language):
            if message.id:
                wanted = marks(parts(message.id)[-1])
                if any(marks(form) != wanted for form in parts(message.string)[-1:]):
                    yield parts(message.id)[0]

    assert not list(differing())


@pytest.mark.parametrize("language", OTHERS)
def test_the_compiled_catalogue_is_the_newest(language: str) -> None:
    with (TRANSLATIONS / language / "LC_MESSAGES" / "portal.mo").open("rb") as file:
        compiled = {parts(m.id)[0]: parts(m.string) for m in read_mo(file) if m.id}
    assert compiled == {parts(m.id)[0]: parts(m.string) for m in catalogue(language) if m.id}, "run: make messages"


#: What sounds wrong when it is read aloud, or stands beside another word for the same thing; labels that bind aside.
MISHEARD = re.compile(
    r"finissant par|retrouvons pas|Succès|permet de réclamer|reste permis|ne règle rien|compte est terminé"
    r"|identifi(?!ez-vous(?:$| pour (?:terminer|continuer))|erai ailleurs)",
    re.IGNORECASE,
)
MISHEARD_IN_ENGLISH = re.compile(r"\be-mails?\b|(?<!e)\bmail address|tenant space|Success:")


def test_texts_say_what_people_hear_right_with_one_word_for_one_thing() -> None:
    said = [text for message in texts() if message.id for text in parts(message.id)]
    assert not [text for text in said if MISHEARD.search(text)]
    english = [text for message in catalogue("en") if message.id for text in parts(message.string)]
    assert not [text for text in english if re.search(MISHEARD_IN_ENGLISH, text)]
