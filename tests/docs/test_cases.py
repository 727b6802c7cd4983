"""docs/cases.md explains each code that code, tests and documents cite, and names tests that exist."""

import re
from pathlib import Path

from tests.docs.test_security_table import REQUIREMENTS
from tests.support.paths import ROOT

TEXT = (ROOT / "docs" / "cases.md").read_text(encoding="utf-8")
EXPLAINED = set(re.findall(r"^\| ([A-Z][0-9]{1,2}) \| .", TEXT, re.MULTILINE))
CODE = re.compile(r"\b(?:[STULBHGR][0-9]{2}|X[0-9]{2}|F[0-9]{1,2})\b")
IN_NAMES = re.compile(r"\bdef test_([stulbhgxfr][0-9]{1,2})_")


def texts() -> dict[Path, str]:
    """Return every text of the project in which a code may stand."""
    folders = ("tenant_portal", "templates", "migrations", "tests", "benchmarks", "docs", "examples")
    kinds = {".py", ".html", ".txt", ".css", ".js", ".md"}
    files = [file for folder in folders for file in (ROOT / folder).rglob("*") if file.suffix in kinds]
    files += [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    return {file: file.read_text(encoding="utf-8") for file in files if "pico" not in file.name}


def test_each_code_that_is_cited_is_explained() -> None:
    unknown = set()
    for file, text in texts().items():
        cited = set(CODE.findall(text)) | {name.upper() for name in IN_NAMES.findall(text)}
        unknown |= {f"{code} in {file.name}" for code in cited if re.sub("^(F)0", "F", code) not in EXPLAINED}
    assert len(EXPLAINED) > 100
    assert not unknown


def test_nothing_cites_a_text_that_is_not_here() -> None:
    elsewhere = re.compile(r"\b(?:PRODUCT|DESIGN|SECURITY|HOUSE|MODELS) [0-9F]")
    assert not [file.name for file, text in texts().items() if elsewhere.search(text)]


def test_each_test_that_the_page_names_exists() -> None:
    tests = "\n".join(text for file, text in texts().items() if "tests" in file.relative_to(ROOT).parts[0])
    named = re.findall(r"`(test_\w+)`", TEXT)
    assert len(named) > 20
    assert not [name for name in named if f"def {name}(" not in tests]


def test_trials_and_faults_are_those_of_the_security_page() -> None:
    security = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| ([FX][0-9]{1,2}) ", security, re.MULTILINE))
    assert listed == {code for code in EXPLAINED if code[0] in "FX"}


def test_each_requirement_of_asvs_that_is_cited_has_its_row() -> None:
    cited = {
        f"{number} in {file.name}"
        for file, text in texts().items()
        for number in re.findall(r"ASVS ([0-9]+\.[0-9]+\.[0-9]+)", text)
        if number not in {*REQUIREMENTS.split(), "5.0.0"}
    }
    assert not cited
