"""A tenant changes his choices at any time, and reads every answer that he gave."""

import threading

import pytest

from tenant_portal.db import begin_write, db
from tenant_portal.models import Account, Consent
from tests.support.page_text import plain, visible_text
from tests.support.people import must_run, second_contract
from tests.support.portal_client import Portal
from tests.support.rent_notices import pdf
from tests.support.steps import EMAIL, QUESTIONS, close_account, fill_login, log_in, sign_up

E_NOTICE, COMMERCIAL, GENERAL = QUESTIONS
SAVE = "J'enregistre mes choix"
WAITS = "Votre contrat n'est pas en prélèvement automatique : vos avis continuent d'arriver par courrier."


def open_form(browser):
    return browser.get("/espace/choix").form(SAVE)


def change(browser, **answers):
    """Answer some questions anew; return the page afterwards."""
    form = open_form(browser)
    for name, answer in answers.items():
        form.choose({"e_notice": E_NOTICE, "commercial": COMMERCIAL, "general": GENERAL}[name], answer)
    return form.click()


def answers_of(browser):
    form = open_form(browser)
    return [form.value(question) for question in QUESTIONS]


def register_of(page):
    """Return the rows of the register, each with its four cells."""
    return [[plain(visible_text(cell)) for cell in row.cssselect("th, td")] for row in page.tree.cssselect("tbody tr")]


def rows(app):
    with app.app_context():
        return [(str(row.purpose), row.answer, row.channel) for row in db.session.query(Consent).order_by(Consent.id)]


@pytest.mark.every_home
def test_h02_tenant_finds_the_three_questions_with_his_answers_and_changes_one(an_account, mailbox):
    tenant = an_account(e_notice="Non", commercial="Non", general="Oui")
    page = tenant.browser.get("/espace").click_link("Mes choix")
    assert (page.path, page.h1) == ("/espace/choix", "Mes choix")
    assert answers_of(tenant.browser) == ["Non", "Non", "Oui"]
    page = change(tenant.browser, commercial="Oui")
    assert page.path == "/espace/choix" and page.says(
        "C'est fait : vos choix sont enregistrés. Ils comptent dès maintenant."
    )
    assert page.says("Informations commerciales par e-mail : Oui.") and not page.says("générales par e-mail : Oui.")
    assert answers_of(tenant.browser) == ["Non", "Oui", "Oui"]
    assert tenant.browser.get("/espace").says("Avis d'échéance par e-mail : Non (papier)")
    assert not tenant.browser.get("/espace/choix").says("Succès"), "it is said once"
    assert not mailbox.unread()


def test_h02_the_register_keeps_every_answer_with_its_words_moment_and_way(app, an_account, clock, mailbox):
    tenant = an_account(e_notice="Non", commercial="Oui", general="Oui")
    clock.move(minutes=20)
    change(tenant.browser, commercial="Non")
    clock.move(minutes=1)
    close_account(tenant.browser)
    mailbox.read(to=EMAIL)
    log_in(tenant.browser, tenant.lease.reference).click("Je rouvre mon compte")
    mailbox.read(to=EMAIL)
    found = register_of(tenant.browser.get("/espace/choix"))
    assert [(row[1], row[3]) for row in found] == [
        ("Non", "fermeture"),
        ("Non", "espace"),
        ("Oui", "formulaire"),
        ("Oui", "formulaire"),
        ("Non", "formulaire"),
    ]
    assert found[0][0] == found[2][0] == GENERAL and found[1][0] == found[3][0] == COMMERCIAL
    assert found[4][0] == f"{E_NOTICE} (Réservé aux contrats en prélèvement automatique)"
    assert found[1][2] == "lundi 23 novembre 2026 à 9 h 50"
    assert all(answer[2] in {"form", "account", "closing"} for answer in rows(app))


def test_h02_the_register_shows_a_question_in_the_language_in_which_it_was_asked(an_account, portal):
    tenant = an_account()
    tenant.browser.get("/espace/choix?langue=en")
    form = tenant.browser.page.form("Save my choices")
    form.choose("You agree to receive commercial information by email", "Yes").click()
    page = tenant.browser.get("/espace/choix")
    assert [cell[0] for cell in register_of(page)][0] == "You agree to receive commercial information by email"
    asked = page.tree.cssselect("tbody th span[lang]")
    assert len(asked) == 3 and {span.get("lang") for span in asked} == {"fr"}


def test_h02_whoever_saves_without_a_change_adds_nothing(app, an_account):
    tenant = an_account()
    before = rows(app)
    assert open_form(tenant.browser).click().says("Information : vos choix restent les mêmes.")
    assert rows(app) == before


def test_h02_a_double_click_adds_one_answer_and_says_the_same_twice(app, an_account, mailbox):
    tenant = an_account(e_notice="Non")
    form = open_form(tenant.browser).choose(E_NOTICE, "Oui")
    pages = [form.click(), form.click()]
    assert all(page.says("Avis d'échéance par e-mail : Oui.") for page in pages)
    assert rows(app)[3:] == [("e_notice", True, "account")]
    assert len(mailbox.read_all()) == 1


def test_h02_two_tabs_lose_nothing_of_each_other(app, an_account):
    tenant = an_account(commercial="Non", general="Oui")
    first, second = open_form(tenant.browser), open_form(tenant.browser)
    first.choose(COMMERCIAL, "Oui").click()
    page = second.choose(GENERAL, "Non").click()
    assert page.says("Informations générales par e-mail : Non.")
    assert answers_of(tenant.browser) == ["Non", "Oui", "Non"]
    assert rows(app)[3:] == [("commercial", True, "account"), ("general", False, "account")]


def test_h02_five_clicks_at_once_add_one_answer(app, an_account, mailbox):
    tenant = an_account(e_notice="Non")
    form = open_form(tenant.browser).choose(E_NOTICE, "Oui")
    fields, cookies = dict(form.node.form_values()), tenant.browser.http._cookies
    statuses = []

    def send():
        browser = Portal(app)
        browser.http._cookies = dict(cookies)
        answer = browser.http.post("/espace/choix", data=fields, headers={"Sec-Fetch-Site": "same-origin"})
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=send) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [302] * 5
    assert rows(app)[3:] == [("e_notice", True, "account")] and len(mailbox.read_all()) == 1


def test_h02_a_page_that_was_open_too_long_keeps_the_new_answer(an_account, clock, mailbox):
    tenant = an_account(general="Oui")
    form = open_form(tenant.browser).choose(GENERAL, "Non")
    form.node.xpath(".//input[@name='csrf_token']")[0].set("value", "of yesterday")
    page = form.click(status=400)
    again = page.form(SAVE)
    assert again.value(GENERAL) == "Non" and again.click().says("Informations générales par e-mail : Non.")


@pytest.mark.parametrize("seen", ["", "nonsense", "-1", "9" * 40, "²"])
@pytest.mark.security
def test_h02_whatever_a_form_claims_to_have_seen_its_answers_count(app, an_account, seen):
    tenant = an_account(general="Oui")
    form = open_form(tenant.browser).choose(GENERAL, "Non")
    form.node.xpath(".//input[@name='seen']")[0].set("value", seen)
    form.click()
    assert rows(app)[3:] == [("general", False, "account")]


def test_h02_tenant_with_two_contracts_answers_for_each_and_once_for_the_rest(app, an_account, a_contract, mailbox):
    tenant, other = an_account(e_notice="Non"), a_contract()
    second_contract(app, tenant.lease, other)
    form = open_form(tenant.browser)
    questions = [plain(legend.text_content()) for legend in form.node.cssselect("legend")]
    assert len(questions) == 4 and len(set(questions)) == 4
    assert questions[0].endswith(f"Contrat {tenant.lease.reference}") and questions[1].endswith(other.reference)
    assert form.value(questions[1]) == "", "nobody has asked for this contract yet"
    page = form.choose(questions[1], "Oui").click()
    assert page.says(f"Avis d'échéance par e-mail : Oui (contrat {other.reference}).")
    letter = plain(mailbox.read(to=EMAIL).text)
    assert (
        f"finissant par {other.reference[-3:]}" in letter
        and f"finissant par {tenant.lease.reference[-3:]}" not in letter
    )
    form = open_form(tenant.browser)
    assert [form.value(question) for question in questions] == ["Non", "Oui", "Non", "Oui"]
    home = tenant.browser.get("/espace").text
    assert plain(home).count("Avis d'échéance par e-mail : Oui") == 1


@pytest.mark.every_home
def test_t25_tenant_takes_paper_back_and_reads_from_when(an_account, landlord, mailbox):
    tenant = an_account(e_notice="Oui")
    page = change(tenant.browser, e_notice="Non")
    assert page.says("Avis d'échéance par e-mail : Non (papier). Cela compte à partir de l'avis de décembre 2026.")
    letter = mailbox.read(to=EMAIL)
    assert plain(letter.subject) == "Votre choix pour l'avis d'échéance est changé"
    assert "Vos avis arrivent par courrier, gratuitement, à partir de l'avis de décembre 2026." in plain(letter.text)
    assert fill_login(Portal(tenant.browser.app).get(letter.link), tenant.lease.reference).click().h1 == "Mes choix"
    landlord({f"{tenant.lease.reference}_2026-12.pdf": pdf()})
    assert not mailbox.unread(), "the answer counts at once"


def test_t25_the_month_is_the_first_whose_notices_are_not_out(an_account, a_contract, landlord, mailbox):
    tenant, neighbour = an_account(e_notice="Oui"), a_contract()
    landlord({f"{neighbour.reference}_2026-12.pdf": pdf()})
    assert change(tenant.browser, e_notice="Non").says("à partir de l'avis de janvier 2027.")
    assert change(tenant.browser, e_notice="Oui").says("à partir de l'avis de janvier 2027.")
    texts = [plain(mail.text) for mail in mailbox.read_all()]
    assert all("janvier 2027" in text for text in texts)
    assert "par e-mail à partir" in texts[1] and "par courrier, gratuitement" in texts[0]


def test_t22_yes_without_direct_debit_is_noted_and_paper_goes_on(an_account, a_contract, mailbox):
    tenant = an_account(a_contract(payment="Chèque"), e_notice="Non")
    page = change(tenant.browser, e_notice="Oui")
    assert page.says(f"Votre choix est noté. {WAITS}") and not page.says("à partir de l'avis")
    letter = plain(mailbox.read(to=EMAIL).text)
    assert WAITS in letter and "à partir de l'avis" not in letter


def test_l06_withdrawing_takes_no_more_steps_than_giving_and_each_purpose_stands_alone(app, an_account):
    tenant = an_account(commercial="Non", general="Oui")
    for answer in ("Oui", "Non"):
        change(tenant.browser, commercial=answer)
    assert rows(app)[3:] == [("commercial", True, "account"), ("commercial", False, "account")]


def test_l05_no_answer_is_ever_changed_or_taken_away(app, an_account, mailbox):
    tenant = an_account()
    first = rows(app)
    for answer in ("Oui", "Non", "Oui"):
        change(tenant.browser, general=answer, e_notice=answer)
    assert rows(app)[: len(first)] == first
    mailbox.read_all()


@pytest.mark.security
def test_f21_answers_of_a_sign_up_that_was_replaced_are_not_shown_to_its_successor(
    portal, an_account, a_contract, mailbox
):
    lease = a_contract()
    sign_up(portal, lease, email="ancien@free.fr", commercial="Oui")
    mailbox.read(to="ancien@free.fr")
    tenant = an_account(lease, commercial="Non")
    assert [row[1] for row in register_of(tenant.browser.get("/espace/choix"))] == ["Oui", "Non", "Non"]


def test_staff_and_hosts_hear_of_a_change(app, an_account, mailbox):
    tenant = an_account()
    change(tenant.browser, e_notice="Oui")
    mailbox.read(to=EMAIL)
    assert "choix de l'avis d'échéance changé" in must_run(app, "contracts", "show", tenant.lease.reference)


def test_account_closed_in_another_tab_changes_nothing_more(app, an_account, mailbox):
    tenant = an_account(general="Oui")
    form = open_form(tenant.browser).choose(GENERAL, "Non")
    with app.app_context():
        begin_write()
        db.session.query(Account).one().closed_at = db.session.query(Account).one().created_at
        db.session.commit()
    assert form.click().path == "/connexion"
    assert len(rows(app)) == 3


def test_every_page_and_mail_that_tells_how_to_change_a_choice_leads_to_it(an_account, mailbox, portal):
    tenant = an_account()
    assert tenant.browser.get("/donnees-personnelles").link("Mes choix").endswith("/espace/choix")
    assert portal.get("/inscription").says("changer d'avis à tout moment dans « Mes choix »")
    close_account(tenant.browser)
    mailbox.read(to=EMAIL)
    page = log_in(tenant.browser, tenant.lease.reference)
    assert page.says("vous pouvez les changer dans « Mes choix »")
    page.click("Je rouvre mon compte")
    assert "dans « Mes choix »" in plain(mailbox.read(to=EMAIL).text)
