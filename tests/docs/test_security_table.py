"""docs/security.md: each requirement has its row, and each test that it names exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.paths import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
STATES = {"met", "not applicable", "installer", "not met"}
#: ASVS 5.0.0, levels 1 and 2 but for uploads, OAuth and WebRTC; level 3 where chosen.
REQUIREMENTS = """
1.1.2 1.2.1 1.2.2 1.2.3 1.2.4 1.2.5 1.2.10 1.3.1 1.3.2 1.3.3 1.3.7 1.3.11 1.3.12 1.5.1 1.5.2
2.1.1 2.1.2 2.1.3 2.2.1 2.2.2 2.2.3 2.3.1 2.3.2 2.3.3 2.3.4 2.4.1 2.4.2
3.2.1 3.2.2 3.3.1 3.3.2 3.3.3 3.3.4 3.3.5 3.4.1 3.4.2 3.4.3 3.4.4 3.4.5 3.4.6 3.4.7 3.4.8
3.5.1 3.5.2 3.5.3 3.5.8 3.6.1 3.7.2 4.1.1 4.1.3 4.1.4
6.1.1 6.1.2 6.1.3 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.6 6.2.7 6.2.8 6.2.9 6.2.10 6.2.11 6.2.12
6.3.1 6.3.2 6.3.3 6.3.4 6.3.5 6.3.6 6.3.7 6.3.8 6.4.1 6.4.2 6.4.3 6.4.4 6.4.6
6.5.1 6.5.2 6.5.3 6.5.4 6.5.5 6.5.6 6.5.8 6.6.1 6.6.2 6.6.3 6.7.2
7.1.1 7.1.2 7.2.1 7.2.2 7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 7.4.4 7.4.5 7.5.1 7.5.2 7.5.3
8.1.1 8.2.1 8.2.2 8.2.3 8.3.1 8.3.2 8.4.1 9.1.1 9.1.2 9.1.3 9.2.1 9.2.2 9.2.3
11.1.2 11.2.1 11.2.2 11.2.3 11.2.4 11.3.1 11.3.2 11.3.3 11.4.1 11.4.2 11.5.1
12.1.1 12.1.2 12.2.1 12.2.2 12.3.1 12.3.2 12.3.3 12.3.4
13.1.1 13.1.4 13.2.1 13.2.2 13.2.3 13.2.4 13.2.5 13.3.1 13.3.2 13.3.4 13.4.1 13.4.2 13.4.3 13.4.4 13.4.5 13.4.6
14.1.1 14.1.2 14.2.1 14.2.2 14.2.3 14.2.6 14.2.7 14.3.1 14.3.2 14.3.3
15.1.1 15.1.2 15.1.3 15.2.1 15.2.2 15.2.3 15.3.1 15.3.3 15.3.4 15.3.5 15.3.7 15.4.2
16.1.1 16.2.1 16.2.2 16.2.3 16.2.4 16.2.5 16.3.1 16.3.2 16.3.3 16.3.4 16.4.1 16.4.2 16.4.3 16.5.1 16.5.2 16.5.3 16.5.4
"""
#: What ASVS wants in words.
DOCUMENTS = ("2.1.1", "6.1.1", "6.1.3", "6.3.3", "7.1.1", "8.1.1", "11.1.2", "13.1.4", "14.1.1", "15.1.1", "16.1.1")


def rows() -> dict[str, tuple[str, str]]:
    """Return state and text of each requirement."""
    found: dict[str, tuple[str, str]] = {}
    for line in TEXT.partition("## The table")[2].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not re.match(r"\d", cells[0]):
            continue
        assert len(cells) == 3, line
        for number in cells[0].split(", "):
            assert number not in found, f"{number} stands twice"
            found[number] = (cells[1], cells[2])
    return found


@cache
def named_in(path: Path) -> set[str]:
    """Return the tests of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_each_requirement_has_its_row() -> None:
    assert sorted(rows()) == sorted(REQUIREMENTS.split())


def test_each_row_has_a_known_state_and_what_shows_it() -> None:
    for number, (state, text) in rows().items():
        assert state in STATES, number
        assert state != "met" or re.search(r"`tests/[^`]+::test_[^`]+`|\(#[a-z-]+\)", text), (
            f"{number}: nothing shows it"
        )
        assert state == "met" or len(text.split()) >= 3, f"{number}: no reason"


def test_each_test_that_a_row_names_exists() -> None:
    named = set(re.findall(r"`(tests/[^`:]+)::(\w+)`", TEXT))
    assert len(named) > 60
    missing = [
        f"{file}::{name}" for file, name in named if not (ROOT / file).is_file() or name not in named_in(ROOT / file)
    ]
    assert not missing


@pytest.mark.parametrize("number", [*(f"F{n}" for n in range(1, 22)), *(f"X{n:02}" for n in range(1, 27))])
def test_each_trial_and_each_fault_that_was_found_names_its_tests(number: str) -> None:
    (row,) = [line for line in TEXT.splitlines() if line.startswith(f"| {number} ")]
    assert re.search(r"`tests/[^`]+::test_[^`]+`", row), row


def test_each_file_and_setting_that_the_page_names_exists() -> None:
    for file in re.findall(r"\]\(([a-z]+\.md)\)", TEXT):
        assert (ROOT / "docs" / file).is_file(), file
    headings = {re.sub(r"[^a-z]+", "-", title.lower()) for title in re.findall(r"^## (.+)$", TEXT, re.MULTILINE)}
    assert set(re.findall(r"\(#([a-z-]+)\)", TEXT)) <= headings
    settings = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert not [key for key in re.findall(r"`(PORTAL_[A-Z_]+)`", TEXT) if key not in settings]


@pytest.mark.parametrize("number", DOCUMENTS)
def test_each_document_that_is_asked_for_in_words_is_there(number: str) -> None:
    assert re.search(r"\(#[a-z-]+\)", rows()[number][1])
    assert re.search(rf"^ASVS [0-9., to]*{re.escape(number)}\b", TEXT, re.MULTILINE)


def test_each_event_of_the_code_stands_in_the_inventory_and_no_other() -> None:
    calls = [
        node
        for path in (ROOT / "tenant_portal").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"audit.record", "audit.record_each", "refusals.record_refusal", "audit.note"}
    ]
    written = {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
    written |= {"mail_sent", "mail_refused", "mail_failed"}  # the outbox uses a variable
    told = TEXT.partition("## What is logged")[2].partition("## ")[0]
    rows = [line.split("|")[1] for line in told.splitlines() if line.startswith("| `")]
    assert written == {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
