"""Each fact of a form stands once: the questions with their version, the length of a password, the texts of flashes."""

import ast
import hashlib
import re
from collections.abc import Iterator

import pytest
from flask import Flask
from jinja2 import nodes

from tenant_portal import i18n
from tenant_portal.accounts import consents
from tenant_portal.accounts.passwords import PASSWORD_MIN
from tenant_portal.models import ConsentPurpose
from tests.docs.test_translations import parts, texts

from ..support.page_text import plain
from ..support.paths import ROOT
from ..support.portal_client import Portal

#: The questions of each version in all languages, as a digest. A version that tenants have answered stays for ever.
WORDINGS = {"2026-11": "f7850aa0daf45a23"}


def test_changed_wording_of_a_question_has_a_new_version(app: Flask) -> None:
    shown = []
    with app.app_context():
        for code in i18n.LANGUAGES:
            with i18n.speaking(code):
                shown += [consents.wording(purpose) for purpose in ConsentPurpose]
    digest = hashlib.sha256("\n".join(shown).encode()).hexdigest()[:16]
    assert WORDINGS.get(consents.WORDING_VERSION) == digest, "give WORDING_VERSION a new value and add its digest here"


def test_form_asks_the_questions_that_are_recorded(app: Flask, portal: Portal) -> None:
    for code in i18n.LANGUAGES:
        page = portal.get(f"/inscription?langue={code}")
        asked = [plain(node.text_content()) for node in page.tree.cssselect("form legend")]
        with app.app_context(), i18n.speaking(code):
            assert asked == [plain(consents.wording(purpose)) for purpose in ConsentPurpose]


def test_length_of_a_password_stands_in_no_text(portal: Portal) -> None:
    """Texts take the number from `PASSWORD_MIN`; a document is compared with it."""
    found = [text for message in texts() for text in parts(message.id) if re.search("[0-9]+ caract", text)]
    assert not found
    assert portal.get("/inscription").text.count(f"{PASSWORD_MIN} caractères minimum") == 1
    assert portal.get("/aide").says(f"Il faut {PASSWORD_MIN} caractères au moins.")
    assert f"a password of {PASSWORD_MIN} characters" in (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def flashed() -> Iterator[str]:
    """Yield each code that a view has the next page show."""
    for path in (path for room in ("web", "office", "demo") for path in (ROOT / "tenant_portal" / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in {"flash_once", "_leave"}:
                if not isinstance(node.args[0], ast.JoinedStr):  # the remedies' own texts: office/said.html
                    yield from (part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant))
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "_done":  # of the colleagues
                yield from (word.value.value for word in node.keywords if isinstance(word.value, ast.Constant))


def test_each_code_that_is_flashed_has_its_text_and_no_other(app: Flask) -> None:
    source = (ROOT / "templates" / "portal" / "said.html").read_text(encoding="utf-8")
    (table, *_) = app.jinja_env.parse(source).find_all(nodes.Dict)
    assert set(flashed()) == {pair.key.as_const() for pair in table.items}


@pytest.mark.parametrize("code", sorted(set(flashed())))
def test_flash_says_what_kind_it_is_in_its_first_word(app: Flask, portal: Portal, code: str) -> None:
    portal.get("/connexion")
    with portal.http.session_transaction() as session:
        session["portal_said"] = code
    (alert,) = portal.get("/connexion").tree.cssselect("main .portal-alert")
    kind = next(name.partition("--")[2] for name in alert.get("class").split() if "--" in name)
    first = {"success": "C'est fait :", "info": "Information :", "warning": "Attention :"}[kind]
    assert plain(alert.text_content()).strip().startswith(first) and len(plain(alert.text_content())) > 30
    assert not portal.get("/connexion").tree.cssselect("main .portal-alert"), "shown once"


def test_code_without_text_is_no_page(app: Flask, portal: Portal) -> None:
    portal.get("/connexion")
    with portal.http.session_transaction() as session:
        session["portal_said"] = "unheard_of"
    with pytest.raises(Exception, match="unheard_of"):
        portal.get("/connexion")
