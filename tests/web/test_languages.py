"""Pages in English; an answer stands in the words in which it was asked."""

import pytest
from sqlalchemy import select

from tenant_portal.db import db
from tenant_portal.models import Consent

from ..support.page_text import plain
from ..support.people import open_account
from ..support.steps import ENGLISH_QUESTIONS, PASSWORD, forget, log_in, sign_up_in_english

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
    form = portal.get("/espace/compte/fermeture?langue=en").form("Close my account")
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


def language_of(page):
    return page.tree.get("lang")


def asking(portal, header):
    """Return a new browser that asks for these languages."""
    browser = portal.another_browser()
    browser.http.environ_base["HTTP_ACCEPT_LANGUAGE"] = header
    return browser


@pytest.mark.every_home
@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("en-GB,en;q=0.9,fr;q=0.8", "en"),
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("de-DE,de;q=0.9,en;q=0.5", "en"),
        ("de,es", "fr"),
        ("en;q=0,fr;q=0.1", "fr"),
        ("*", "fr"),
        ("\x00;;q=x,,==" * 50, "fr"),
        ("", "fr"),
    ],
)
def test_h10_browser_gets_the_language_that_it_asks_for_at_its_first_visit(portal, header, language):
    browser = asking(portal, header)
    page = browser.get("/connexion")
    assert language_of(page) == language and "Accept-Language" in page.response.headers["Vary"]
    assert language_of(browser.get("/activation/aucune", status=404)) == language
    assert browser.cookie("portal_lang") is None, "nothing was chosen"


def test_h10_what_is_cached_for_ever_is_the_same_in_every_language(portal):
    page = portal.get("/connexion")
    (style,) = page.tree.xpath("//link[@rel='stylesheet']/@href")
    assert "Accept-Language" not in portal.http.get(style).headers.get("Vary", "")


@pytest.mark.every_home
def test_h10_explicit_choice_wins_over_what_the_browser_asks_for(portal):
    browser = asking(portal, "en")
    assert language_of(browser.get("/connexion").click_link("Français")) == "fr"
    assert language_of(browser.get("/inscription")) == "fr"


@pytest.mark.every_home
def test_h10_language_of_the_account_rules_after_the_login(app, portal, mailbox, a_contract):
    lease = a_contract()
    sign_up_in_english(portal, lease, email=MAIL)
    form = portal.get(mailbox.read(to=MAIL).link).form()
    form.fill("My contract reference", lease.reference).fill("My password", PASSWORD).click("Log in")
    mailbox.read(to=MAIL)
    elsewhere = asking(portal, "fr")
    page = log_in(elsewhere, lease.reference)
    assert language_of(page) == "en" and page.path == "/espace"
    assert language_of(elsewhere.get("/espace/choix")) == "en"
    elsewhere.click("Log out")
    assert language_of(elsewhere.page) == "en"
    mailbox.read_all()


@pytest.mark.every_home
def test_h10_switch_wins_before_the_login_and_after_it_until_the_next_visit(portal, an_account, clock):
    tenant = an_account()
    browser = portal.another_browser()
    form = browser.get("/connexion?langue=en").form("Log in").fill("My contract reference", tenant.lease.reference)
    assert language_of(form.fill("My password", tenant.password).click()) == "en"
    assert language_of(browser.get("/espace/compte")) == "en"
    assert browser.page.says("Français"), "the account itself is as it was"
    assert language_of(browser.page.click_link("Français")) == "fr"
    assert language_of(browser.get("/espace/choix").click_link("English")) == "en"
    clock.move(hours=1)
    form = browser.get("/connexion").form("Log in").fill("My contract reference", tenant.lease.reference)
    assert language_of(form.fill("My password", tenant.password).click()) == "fr"


@pytest.mark.every_home
def test_h10_tenant_changes_the_language_of_his_account(app, portal, mailbox, an_account):
    tenant = an_account()
    form = tenant.browser.get("/espace/compte").click_link("Changer la langue").form("J'enregistre ma langue")
    assert form.value("Dans quelle langue") == "Français"
    page = form.choose("Dans quelle langue", "English").click()
    assert page.path == "/espace/compte" and language_of(page) == "en" and page.says("your language is saved")
    assert form.click().says("your language is saved"), "pressed twice"
    form = tenant.browser.get("/mot-de-passe-oublie").form("link")
    form.fill("My contract reference", tenant.lease.reference).click()
    assert mailbox.read(to=tenant.email).message["Content-Language"] == "en"
    assert language_of(log_in(portal, tenant.lease.reference)) == "en", "on his other devices too"
    mailbox.read_all()


def test_h10_language_that_we_lack_is_not_taken(an_account):
    browser = an_account().browser
    form = browser.get("/espace/compte/langue").form("J'enregistre ma langue")
    fields = {**dict(form.node.form_values()), "language": "xx"}
    answer = browser.http.post("/espace/compte/langue", data=fields)
    assert answer.status_code == 200 and "Choisissez une langue." in answer.text
    assert browser.get("/espace/compte").says("Langue Français")


@pytest.mark.every_home
def test_h10_mail_opens_pages_in_its_own_language(app, portal, mailbox, a_contract, an_account):
    lease = a_contract()
    sign_up_in_english(portal, lease, email=MAIL)
    page = asking(portal, "fr").get(mailbox.read(to=MAIL).whole_links[0])
    assert language_of(page) == "en" and page.h1 == "Log in to finish creating your account"
    assert "langue" not in page.url and page.path == "/activation"
    tenant = an_account()
    forget(tenant.browser, tenant.lease.reference)
    browser = asking(portal, "en")
    assert language_of(browser.get("/connexion")) == "en"
    page = browser.get(mailbox.read(to=tenant.email).whole_links[0])
    assert language_of(page) == "fr" and page.path == "/mot-de-passe"
