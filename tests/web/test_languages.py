"""Pages in English; an answer stands in the words in which it was asked."""

import pytest
from sqlalchemy import select

from tenant_portal.db import db
from tenant_portal.models import Consent

from ..support.people import open_account
from ..support.steps import ENGLISH_QUESTIONS, PASSWORD, sign_up_in_english

FRENCH = "Vous acceptez de recevoir des informations commerciales par e-mail"
MAIL = "grace.hopper@example.com"


def answers(page):
    """Return each answer, and the languages of its words."""
    items = page.tree.cssselect(".portal-answers li")
    return [
        (" ".join(item.text_content().split()), [n.get("lang") for n in item.cssselect("[lang]")]) for item in items
    ]


@pytest.mark.every_home
def test_tenant_who_signs_up_in_english_sees_each_answer_once_in_the_words_he_was_asked(portal, mailbox, a_contract):
    lease = a_contract(payment="Prélèvement automatique")
    assert sign_up_in_english(portal, lease, email=MAIL).h1 == "Check your emails"
    form = portal.get(mailbox.read(to=MAIL).link).form()
    page = form.fill("My contract reference", lease.reference).fill("My password", PASSWORD).click("Log in")
    mailbox.read(to=MAIL)
    assert page.path == "/espace"
    seen = ((page, True), (portal.get("/espace"), True), (portal.get("/espace?langue=fr"), False))
    for page, is_english in seen:
        assert page.tree.get("lang") == ("en" if is_english else "fr")
        found = answers(page)
        assert len(found) == 3
        for (text, languages), question, answer in zip(found, ENGLISH_QUESTIONS, ("Yes", "No", "Yes"), strict=True):
            said = answer if is_english else {"Yes": "Oui", "No": "Non"}[answer]
            assert text.startswith(f"{said}{question} ("), text
            assert "Vous acceptez" not in text and text.count(question) == 1
            assert languages == ([] if is_english else ["en"])


def test_tenant_who_signed_up_in_french_reads_the_french_words_on_an_english_page(an_account):
    tenant = an_account(commercial="Oui")
    page = tenant.browser.get("/espace?langue=en")
    text, languages = answers(page)[1]
    assert (text.count(FRENCH), "You agree" in text, languages) == (1, False, ["fr"])
    assert [languages for _text, languages in answers(tenant.browser.get("/espace?langue=fr"))] == [[]] * 3


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
