"""docs/office.md, the office's guide: what it names exists, and its pictures are small."""

import re

import click
import pytest
from babel.messages.pofile import read_po
from flask import Flask

from tests.support.page_text import plain
from tests.support.paths import ROOT

GUIDE = (ROOT / "docs" / "office.md").read_text(encoding="utf-8")
PICTURES = ROOT / "docs" / "images" / "office"
BYTES_MAX = 60_000


def test_each_button_and_menu_entry_that_the_guide_quotes_exists() -> None:
    """What ends like a sentence is what somebody says; all else between « » is a text of our pages."""
    with (ROOT / "translations" / "en" / "LC_MESSAGES" / "portal.po").open("rb") as file:
        texts = {
            plain(text)
            for each in read_po(file)
            if each.id
            for text in [*each.id] * isinstance(each.id, tuple) or [each.id]
        }
    quoted = {plain(found) for found in re.findall(r"«\s*([^«»]+?)\s*»", GUIDE)}
    labels = {each for each in quoted if not each.endswith((".", "!", "?"))}
    assert len(labels) > 20
    assert not labels - texts


def test_each_command_of_the_guide_exists(app: Flask) -> None:
    commands = re.findall(r"flask --app wsgi portal ([a-z]+)(?: ([a-z]+))?", GUIDE)
    assert commands
    portal = app.cli.commands["portal"]
    for name, more in commands:
        assert isinstance(portal, click.Group)
        found = portal.get_command(click.Context(portal), name)
        assert found is not None, name
        if isinstance(found, click.Group):
            assert more in found.commands, f"{name} {more}"


def test_each_picture_of_the_guide_exists_is_small_and_described() -> None:
    shown = dict(re.findall(r"!\[(.*?)\]\(images/office/(.*?)\)", GUIDE))
    assert {file.name for file in PICTURES.iterdir()} == set(shown.values())
    assert all(shown)
    assert not [file.name for file in PICTURES.iterdir() if file.stat().st_size > BYTES_MAX]


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md", "docs/operating.md"])
def test_the_guide_is_linked_where_somebody_looks_for_it(page: str) -> None:
    assert "office.md" in (ROOT / page).read_text(encoding="utf-8")
