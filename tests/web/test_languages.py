"""Pages in English; an answer stands in the words in which it was asked."""

import pytest
from sqlalchemy import select

from tenant_portal.db import db
from tenant_portal.models import Consent

from ..support.page_text import plain
from ..support.people import open_account
from ..support.steps import ENGLISH_QUESTIONS, PASSWORD, sign_up_in_english

FRENCH = "Vous acceptez de recevoir des informations commerciales par e-mail"
MAIL = "grace.hopper@example.com"


def answers(browser, language="fr"):
    """Return question and answer of each row of the register, and the languages of its words."""
    rows = browser.get(f"/espace/choix?langue={language}").tree.cssselect("tbody tr")
    cells = [[plain(cell.text_content()) for cell in row.cssselect("th, td")][:2] for row in reversed(rows)]
    return [
        (*cell, [n.get("lang") for n in row.cssselect("[lang]")])
        for cell, row in zip(cells, reversed(rows), strict=True)
    ]


@pytest.mark.every_home
def test_tenant_who_signs_up_in_english_sees_each_answer_once_in_the_words_he_was_asked(portal, mailbox, a_contract):
    lease = a_contract(payment="Prélèvement automatique")
    assert sign_up_in_english(portal, lease, email=MAIL).h1 == "Check your emails"
    form = portal.get(mailbox.read(to=MAIL).link).form()
    page = form.fill("My contract reference", lease.reference).fill("My password", PASSWORD).click("Log in")
    mailbox.read(to=MAIL)
    assert page.path == "/espace" and page.says("Rent notice by email: Yes")
    for language, words in (("en", ("Yes", "No", "Yes")), ("fr", ("Oui", "Non", "Oui"))):
        lang = [] if language == "en" else ["en"]
        assert answers(portal, language) == [(q, w, lang) for q, w in zip(ENGLISH_QUESTIONS, words, strict=True)]


def test_tenant_who_signed_up_in_french_reads_the_french_words_on_an_english_page(an_account):
    tenant = an_account(commercial="Oui")
    assert answers(tenant.browser, "en")[1] == (FRENCH, "Yes", ["fr"])
    assert [languages for *_words, languages in answers(tenant.browser)] == [[]] * 3


@pytest.mark.every_home
def test_tenant_who_closes_his_account_in_english_is_noted_in_english(app, portal, mailbox, a_contract):
    open_account(portal, mailbox, a_contract())
    form = portal.get("/espace/compte/fermeture?langue=en").form("I close my account")
    form.fill("My password", PASSWORD).click()
    mailbox.read_all()
    with app.app_context():
        rows = db.session.scalars(select(Consent).order_by(Consent.id)).all()
        assert [(row.channel, row.language) for row in rows] == [("form", "fr")] * 3 + [("closing", "en")]
        assert rows[-1].wording == ENGLISH_QUESTIONS[2]


@pytest.mark.every_home
def test_tenant_reads_the_portal_in_english_and_back_in_french(portal) -> None:
    page = portal.get("/connexion").click_link("English")
    assert page.h1 == "Log in"
    assert page.tree.get("lang") == "en"
    assert "langue" not in page.url
    assert portal.get("/inscription").tree.get("lang") == "en", "the choice stays"
    assert portal.page.click_link("Français").h1 == "Formulaire d'inscription"
