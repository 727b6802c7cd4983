"""H04: several contracts in one account: one that is free joins at once, one with an account by its owner's word."""

from collections.abc import Callable

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select

from tenant_portal.db import begin_write, db
from tenant_portal.models import Account, Consent, Contract, Event
from tests.support.page_text import plain
from tests.support.people import Tenant, must_run
from tests.support.portal_client import Page
from tests.support.post import Mailbox
from tests.support.rent_notices import pdf
from tests.support.steps import (
    NEW_PASSWORD,
    PASSWORD,
    Lease,
    ask_email_change,
    close_account,
    fill_join,
    fill_login,
    fill_not_me,
    finish,
    forget,
    hand_over,
    join,
    log_in,
    reset_password,
    sign_up,
)

OWN, OTHERS = "elodie.martin@orange.fr", "paul.durand@free.fr"
THEIRS = "le secret de l'autre compte"
NEUTRAL = "Nous ne trouvons aucun contrat avec ces deux numéros."
WRONG = "ce mot de passe n'est pas celui de votre compte"
IN_OTHERS = "le contrat est dans l'autre compte"

AnAccount = Callable[..., Tenant]
AContract = Callable[..., Lease]


def owner(an_account: AnAccount, **answers: str) -> Tenant:
    """Return the tenant of another finished account."""
    return an_account(email=OTHERS, password=THEIRS, **answers)


def asked(tenant: Tenant, other: Lease, mailbox: Mailbox, *, to: str = OTHERS) -> str:
    """Ask for a contract that has an account; return the link of its owner."""
    assert join(tenant.browser, other).h1 == "Ce contrat a déjà un compte"
    return mailbox.read(to=to).link


def holders(app: Flask) -> dict[str, str]:
    """Return the address of the account of each contract."""
    with app.app_context():
        return {c.reference: c.account.email if c.account else "" for c in db.session.scalars(select(Contract))}


def events(app: Flask) -> list[str]:
    with app.app_context():
        return [event.name for event in db.session.scalars(select(Event).order_by(Event.id))]


def questions_of(page: Page) -> list[str]:
    return [plain(legend.text_content()) for legend in page.form("J'enregistre mes choix").node.cssselect("legend")]


# A contract without account


@pytest.mark.every_home
def test_h04_contract_without_account_joins_at_once(app, an_account, a_contract, mailbox):
    tenant, garage = an_account(e_notice="Oui"), a_contract(kind="Garage", street="3, impasse du Puits")
    page = tenant.browser.get("/espace").click_link("Rattacher un autre contrat")
    assert (page.path, page.h1) == ("/espace/contrats/ajout", "Rattacher un autre contrat")
    page = fill_join(tenant.browser, garage).click()
    assert page.path == "/espace/choix" and page.says("C'est fait : le contrat est dans votre compte.")
    letter = mailbox.read(to=OWN)
    assert letter.subject == "Un contrat a été ajouté à votre compte"
    assert f"dont la référence se termine par {garage.reference[-3:]}" in plain(letter.text)
    assert garage.reference not in letter.text, "U42"
    assert holders(app) == {tenant.lease.reference: OWN, garage.reference: OWN}
    page = tenant.browser.get("/espace")
    headings = [plain(heading.text_content()) for heading in page.tree.cssselect("main section h2")]
    assert f"Contrat {garage.reference} Garage, 3, impasse du Puits" in headings
    assert f"Contrat {tenant.lease.reference} Logement, 12, rue des Lilas" in headings


def test_h04_menu_of_the_account_leads_there_too(an_account):
    browser = an_account().browser
    assert browser.get("/espace/compte").click_link("Rattacher un autre contrat").path == "/espace/contrats/ajout"


def test_t28_only_the_new_contracts_question_is_open_and_until_then_its_notices_are_on_paper(
    app, an_account, a_contract, landlord, mailbox
):
    tenant, other = an_account(e_notice="Oui", commercial="Oui"), a_contract()
    page = join(tenant.browser, other)
    mailbox.read(to=OWN)
    assert page.says(f"il reste une question pour le contrat {other.reference}")
    form, names = page.form("J'enregistre mes choix"), questions_of(page)
    assert [form.value(name) for name in names] == ["Oui", "", "Oui", "Oui"], "no answer is chosen for the new one"
    landlord({f"{other.reference}_2026-12.pdf": pdf()})
    assert not mailbox.unread() and other.reference in must_run(app, "notices", "paper", "2026-12")
    assert tenant.browser.get("/espace").says("il reste une question pour ce contrat")
    page = page.form("J'enregistre mes choix").choose(names[1], "Oui").click()
    mailbox.read(to=OWN)
    assert not page.says("il reste une question")
    assert other.reference not in must_run(app, "notices", "paper", "2026-12")
    with app.app_context():
        assert [row.channel for row in db.session.scalars(select(Consent))] == ["form"] * 3 + ["account"]


def test_t22_yes_for_a_joined_contract_without_direct_debit_is_noted_and_paper_goes_on(an_account, a_contract, mailbox):
    tenant, other = an_account(e_notice="Oui"), a_contract(payment="Chèque")
    page = join(tenant.browser, other)
    page = page.form("J'enregistre mes choix").choose(questions_of(page)[1], "Oui").click()
    assert page.says("Votre choix est noté. Votre contrat n'est pas en prélèvement automatique")
    page = tenant.browser.get("/espace")
    assert plain(page.text).count("Votre contrat n'est pas en prélèvement automatique") == 1, "of that contract alone"
    mailbox.read_all()


@pytest.mark.every_home
def test_t27_either_reference_logs_in_and_leads_to_a_new_password(app, portal, an_account, a_contract, mailbox):
    tenant, garage = an_account(), a_contract()
    join(tenant.browser, garage)
    mailbox.read(to=OWN)
    for lease in (tenant.lease, garage):
        page = log_in(portal.another_browser(), lease.reference)
        assert page.path == "/espace" and page.says(tenant.lease.reference) and page.says(garage.reference)
    forget(portal, garage.reference)
    reset_password(portal, mailbox.read(to=OWN).link)
    mailbox.read(to=OWN)
    assert log_in(portal, tenant.lease.reference, NEW_PASSWORD).path == "/espace"


def test_t21_wrong_passwords_are_counted_for_the_account_whichever_reference_is_typed(
    portal, an_account, a_contract, mailbox
):
    tenant, garage = an_account(), a_contract()
    join(tenant.browser, garage)
    mailbox.read(to=OWN)
    for number in range(5):
        log_in(portal, (tenant.lease, garage)[number % 2].reference, "une devinette")
    mailbox.read(to=OWN)
    for lease in (tenant.lease, garage):
        log_in(portal, lease.reference, status=429)


def test_t28_who_has_moved_is_offered_his_new_contract_first(app, an_account, a_contract, roster, mailbox):
    tenant = an_account()
    new = a_contract(street="8, quai Vert")
    old = {"reference": tenant.lease.reference, "module": tenant.lease.module, "ends_on": "31/10/2026"}
    roster.take([old])
    page = log_in(tenant.browser.another_browser(), tenant.lease.reference)
    assert page.path == "/espace" and page.says("Vous avez un nouveau contrat chez nous ?")
    page = page.click_link("Rattacher mon nouveau contrat")
    page = join(page.portal, new)
    assert page.says(f"il reste une question pour le contrat {new.reference}")
    assert not page.says(f"il reste une question pour le contrat {tenant.lease.reference}")
    mailbox.read(to=OWN)
    page = page.portal.get("/espace")
    assert (
        not page.says("Vous avez un nouveau contrat chez nous ?")
        and page.says(tenant.lease.reference)
        and page.says(new.reference)
    )
    assert log_in(tenant.browser.another_browser(), tenant.lease.reference).path == "/espace", "and it still logs in"


def test_t38_double_click_joins_once(app, an_account, a_contract, mailbox):
    tenant, other = an_account(), a_contract()
    form = fill_join(tenant.browser, other)
    assert [form.click().says("le contrat est dans votre compte") for _ in range(2)] == [True, True]
    mailbox.read(to=OWN)
    assert events(app).count("contract_joined") == 1


def test_t15_unfinished_sign_up_blocks_nobody_and_its_link_and_password_are_dead(
    app, portal, an_account, a_contract, mailbox
):
    other = a_contract()
    sign_up(portal, other, email=OTHERS, password=THEIRS)
    link = mailbox.read(to=OTHERS).link
    tenant = an_account()
    assert join(tenant.browser, other).path == "/espace/choix"
    mailbox.read(to=OWN)
    assert portal.get(link, status=410).says("Ouvrez notre e-mail le plus récent")
    assert log_in(portal, other.reference, THEIRS).says("ne correspond pas")
    assert portal.get("/inscription/courriel").form("Renvoyer l'e-mail").click().path == "/inscription/courriel", (
        "one page for all"
    )
    assert {mail.to for mail in mailbox.read_all()} == {OWN, OTHERS}
    assert holders(app)[other.reference] == OWN
    must_run(app, "purge")


# What is refused


@pytest.mark.security
def test_h04_an_open_session_alone_takes_no_contract(app, an_account, a_contract, mailbox):
    tenant, other = an_account(), a_contract()
    assert join(tenant.browser, other, password="").faults == ["Saisissez votre mot de passe."]
    page = join(tenant.browser, other, password="une devinette")
    assert page.says(WRONG) and page.says("Rien n'a changé")
    form = page.form("Je rattache ce contrat")
    assert form.value("Référence de l'autre contrat") == other.reference, "what was typed is kept"
    assert join(tenant.browser, Lease(other.reference, "1"), password="une devinette").says(WRONG), (
        "the pair stays dark"
    )
    assert holders(app)[other.reference] == ""


@pytest.mark.security
def test_t04_every_mismatch_gets_the_same_neutral_sentence_and_the_same_delays_as_a_sign_up(
    app, portal, an_account, a_contract, mailbox, clock
):
    tenant, other, third = an_account(), a_contract(), a_contract()
    ended = a_contract(ends_on="31/10/2026")
    future = a_contract(starts_on="01/02/2027")
    wrong = [Lease(other.reference, third.module), Lease("999999", third.module), ended, future]
    pages = [join(tenant.browser, lease) for lease in wrong]
    assert all(page.says(NEUTRAL) and page.status == 200 for page in pages)
    assert pages[-1].says("ces numéros ne marchent toujours pas"), "after three the message comes first"
    assert join(tenant.browser, Lease("999998", "1")).says(NEUTRAL)
    page = join(tenant.browser, other, status=429)
    assert page.says("il y a eu trop d'essais") and not page.says(NEUTRAL)
    assert sign_up(portal, other, status=429).says("il y a eu trop d'essais"), "one counter for both pages"
    clock.move(minutes=2)
    assert join(tenant.browser, other).path == "/espace/choix"
    mailbox.read(to=OWN)


@pytest.mark.security
def test_t21_wrong_passwords_here_count_as_those_of_a_login(an_account, a_contract, mailbox):
    tenant, other = an_account(), a_contract()
    for _ in range(5):
        assert join(tenant.browser, other, password="une devinette").says(WRONG)
    assert join(tenant.browser, other, status=429).says("il y a eu trop d'essais")


def test_faults_are_told_beside_their_fields(an_account):
    page = join(an_account().browser, Lease("", "12A4"))
    assert page.faults == [
        "Saisissez votre référence contrat.",
        "Le numéro de module contient seulement des chiffres. Exemple : 12345678",
    ]


def test_t01_what_a_notice_prints_around_the_digits_is_forgiven(app, an_account, a_contract, mailbox):
    tenant, other = an_account(), a_contract()
    join(tenant.browser, Lease(f"L/{other.reference[:3]} {other.reference[3:]}", other.module))
    mailbox.read(to=OWN)
    assert holders(app)[other.reference] == OWN


# A contract that has a finished account


@pytest.mark.every_home
def test_h04_contract_with_an_account_of_its_own_is_handed_over_by_its_owner(
    app, portal, an_account, landlord, mailbox
):
    tenant, other = an_account(), owner(an_account, e_notice="Oui")
    landlord({f"{other.lease.reference}_2026-10.pdf": pdf()})
    mailbox.read(to=OTHERS)
    page = join(tenant.browser, other.lease)
    assert page.path == "/espace/contrats/ajout/demande" and page.says("Ce contrat a déjà un compte")
    assert page.says("avant le jeudi 26 novembre 2026 à 9") or page.says("avant le jeudi 26 novembre à 9")
    assert not page.says(OTHERS), "T18: no address is shown"
    letter = mailbox.read(to=OTHERS)
    assert plain(letter.subject) == "Un autre compte demande votre contrat"
    assert OWN not in letter.text and f"se termine par {tenant.lease.reference[-3:]}" in plain(letter.text)
    assert tenant.lease.reference not in letter.text and other.lease.reference not in letter.text
    page = portal.get(letter.link)
    assert page.path == "/rattachement", "the token has left the address"
    assert page.says(tenant.lease.reference[-3:]) and page.says("il est fermé, puis effacé") and not page.says(OWN)
    assert holders(app)[other.lease.reference] == OTHERS, "looking changes nothing"
    page = hand_over(portal, letter.link, THEIRS)
    assert page.path == "/connexion" and page.says(IN_OTHERS)
    assert holders(app)[other.lease.reference] == OWN
    assert plain(mailbox.read(to=OWN).subject) == "Un contrat a été ajouté à votre compte"
    told = mailbox.read(to=OTHERS)
    assert plain(told.subject) == "Votre contrat est dans un autre compte" and not told.links
    assert "il est fermé, et il sera effacé le lundi 7 décembre" in plain(told.text)
    assert other.browser.get("/espace").path == "/connexion", "its sessions end"
    assert log_in(portal, other.lease.reference, THEIRS).says("ne correspond pas")
    page = log_in(portal, other.lease.reference)
    assert page.path == "/espace" and page.says("il reste une question pour ce contrat")
    assert portal.get("/espace/avis").says("octobre 2026"), "the documents go with the contract"
    assert other.lease.reference in must_run(app, "notices", "paper", "2026-12"), "its old yes does not count here"
    portal.get(letter.link, status=410)


def test_who_is_logged_in_to_the_asking_account_goes_on_to_the_open_question(app, an_account, mailbox):
    tenant, other = an_account(), owner(an_account)
    page = hand_over(tenant.browser, asked(tenant, other.lease, mailbox), THEIRS)
    assert page.path == "/espace/choix" and page.says("le contrat est dans votre compte")
    assert page.says(f"il reste une question pour le contrat {other.lease.reference}")
    mailbox.read_all()


def test_owner_with_other_contracts_keeps_his_account_and_its_other_answers(app, an_account, a_contract, mailbox):
    tenant, other, garage = an_account(), owner(an_account, e_notice="Oui", commercial="Oui"), a_contract()
    join(other.browser, garage, password=THEIRS)
    mailbox.read(to=OTHERS)
    link = asked(tenant, other.lease, mailbox)
    assert other.browser.get(link).says("Vos autres contrats restent dans votre compte")
    page = hand_over(other.browser, link, THEIRS)
    assert page.path == "/espace" and page.says(IN_OTHERS), "he stays logged in"
    assert page.says(garage.reference) and not page.says(f"Contrat {other.lease.reference}")
    assert "Vos autres contrats restent" in plain(mailbox.read(to=OTHERS).text)
    mailbox.read(to=OWN)
    assert holders(app) == {tenant.lease.reference: OWN, other.lease.reference: OWN, garage.reference: OTHERS}
    assert log_in(tenant.browser.another_browser(), garage.reference, THEIRS).says("Informations commerciales")
    with app.app_context():
        last = db.session.scalars(select(Consent).order_by(Consent.id.desc()).limit(1)).one()
        assert (last.answer, last.channel, str(last.purpose)) == (False, "handover", "e_notice")


def test_contract_that_comes_back_is_on_paper_until_its_owner_says_yes_again(app, an_account, a_contract, mailbox):
    tenant, other, garage = an_account(), owner(an_account, e_notice="Oui"), a_contract()
    join(other.browser, garage, password=THEIRS)
    mailbox.read(to=OTHERS)
    hand_over(tenant.browser, asked(tenant, other.lease, mailbox), THEIRS)
    mailbox.read_all()
    assert join(other.browser, other.lease, password=THEIRS).h1 == "Ce contrat a déjà un compte"
    hand_over(other.browser, mailbox.read(to=OWN).link, PASSWORD)
    mailbox.read_all()
    assert holders(app)[other.lease.reference] == OTHERS
    assert other.lease.reference in must_run(app, "notices", "paper", "2026-12")


def test_owner_who_is_logged_in_and_gives_his_only_contract_away_is_logged_out(an_account, mailbox):
    tenant, other = an_account(), owner(an_account)
    page = hand_over(other.browser, asked(tenant, other.lease, mailbox), THEIRS)
    assert page.path == "/connexion" and page.says(IN_OTHERS)
    mailbox.read_all()


@pytest.mark.security
def test_f03_owner_who_hands_one_contract_over_can_still_object_for_the_other(
    app, portal, an_account, a_contract, mailbox
):
    tenant, victim, garage = an_account(), owner(an_account), a_contract()
    join(victim.browser, garage, password=THEIRS)
    mailbox.read(to=OTHERS)
    ask_email_change(victim.browser, "voleur@free.fr", THEIRS)
    victim.browser.get(mailbox.read(to="voleur@free.fr").link).click("Je confirme mon adresse")
    objection = mailbox.read_all()[-1].link_not_me
    hand_over(portal, asked(tenant, victim.lease, mailbox), THEIRS)
    mailbox.read_all()
    page = fill_not_me(portal.get(objection)).click()
    assert page.says("le compte est bloqué")
    assert holders(app)[garage.reference] == OTHERS
    mailbox.read_all()


@pytest.mark.security
def test_t31_owner_who_handed_his_contract_over_gets_no_link_that_freezes_the_other_account(
    portal, an_account, a_contract, mailbox
):
    tenant, other, garage = (
        an_account(),
        an_account(a_contract(email=OTHERS), email=OTHERS, password=THEIRS),
        a_contract(),
    )
    join(other.browser, garage, password=THEIRS)
    mailbox.read(to=OTHERS)
    hand_over(portal, asked(tenant, other.lease, mailbox), THEIRS)
    letters = mailbox.read_all()
    assert [mail.subject for mail in letters if mail.to == OTHERS] == ["Votre contrat est dans un autre compte"]
    assert [mail.to for mail in letters if "compte" in mail.subject and mail.to != OTHERS] == [OWN]


def test_h04_owner_whose_password_is_hashed_anew_hands_his_contract_over(app, portal, an_account, mailbox):
    tenant, other = an_account(), owner(an_account)
    with app.app_context():
        begin_write()
        account = db.session.scalars(select(Account).where(Account.email == OTHERS)).one()
        account.password_hash = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(THEIRS)
        db.session.commit()
    assert hand_over(portal, asked(tenant, other.lease, mailbox), THEIRS).says(IN_OTHERS)
    assert holders(app)[other.lease.reference] == OWN
    mailbox.read_all()


def test_h07_owner_of_a_frozen_account_is_asked_for_nothing(app, an_account, mailbox):
    tenant, other = an_account(), owner(an_account)
    must_run(app, "contracts", "freeze", other.lease.reference)
    mailbox.read_all()
    assert join(tenant.browser, other.lease).h1 == "Ce contrat a déjà un compte"
    assert not mailbox.read_all()


def test_h02_register_says_of_which_contract_an_answer_was(portal, an_account, a_contract, mailbox):
    tenant, other, garage = an_account(), owner(an_account, e_notice="Oui"), a_contract()
    join(other.browser, garage, password=THEIRS)
    mailbox.read(to=OTHERS)
    hand_over(portal, asked(tenant, other.lease, mailbox), THEIRS)
    page = other.browser.get("/espace/choix")
    newest = plain(page.tree.xpath("string(//table/tbody/tr[1])"))
    assert "un contrat qui n'est plus dans votre compte" in newest and "contrat transféré" in newest
    mailbox.read_all()


@pytest.mark.security
def test_t14_address_that_the_landlord_held_hears_of_a_contract_that_joined(portal, an_account, a_contract, mailbox):
    tenant, garage = an_account(), a_contract(email="ancien@free.fr")
    join(tenant.browser, garage)
    told = mailbox.read(to="ancien@free.fr")
    assert f"se termine par {garage.reference[-3:]} a été ajouté à un compte locataire" in plain(told.text)
    assert "elodie" not in told.text and fill_not_me(portal.get(told.link_not_me)).click().says("le compte est bloqué")
    mailbox.read_all()


@pytest.mark.security
def test_h04_reader_of_the_mailbox_without_the_password_moves_nothing(app, portal, an_account, mailbox):
    tenant, other = an_account(), owner(an_account)
    link = asked(tenant, other.lease, mailbox)
    assert hand_over(portal, link, "").faults == ["Saisissez votre mot de passe."]
    assert hand_over(portal, link, PASSWORD).says(WRONG), "that of the asking account opens nothing here"
    for _ in range(4):
        hand_over(portal, link, "une devinette")
    assert hand_over(portal, link, THEIRS, status=429).says("il y a eu trop d'essais")
    assert holders(app)[other.lease.reference] == OTHERS
    mailbox.read(to=OTHERS)


@pytest.mark.security
def test_f22_scanner_that_opens_the_link_and_presses_the_button_changes_nothing(
    portal, an_account, mailbox, database_dump
):
    tenant, other = an_account(), owner(an_account)
    link = asked(tenant, other.lease, mailbox)
    before = database_dump()
    portal.http.head(link)
    page = portal.get(link)
    portal.reload()
    assert page.click("Je transfère ce contrat").faults == ["Saisissez votre mot de passe."]
    assert database_dump() == before
    assert other.browser.get("/espace").path == "/espace"


@pytest.mark.security
@pytest.mark.parametrize("what", ["time", "password", "address", "closing", "asking password", "asking closed", "used"])
def test_h04_link_dies_with_its_time_its_use_and_when_an_account_changes_hands(
    app, portal, an_account, a_contract, mailbox, clock, what
):
    tenant, other = an_account(), owner(an_account)
    link = asked(tenant, other.lease, mailbox)
    match what:
        case "time":
            clock.move(hours=73)
        case "password" | "asking password":
            whose = other if what == "password" else tenant
            forget(portal, whose.lease.reference)
            reset_password(portal, mailbox.read(to=whose.email).link)
        case "address":
            ask_email_change(other.browser, "paul@sfr.fr", THEIRS)
            other.browser.get(mailbox.read(to="paul@sfr.fr").link).click("Je confirme mon adresse")
        case "closing":
            close_account(other.browser, THEIRS)
        case "asking closed":
            close_account(tenant.browser)
        case "used":
            hand_over(portal, link, THEIRS)
    mailbox.read_all()
    before = holders(app)
    page = portal.get(link, status=410)
    sentence = {"time": "n'est plus valable depuis", "used": "déjà dans l'autre compte"}
    assert page.says(sentence.get(what, "un des deux comptes ou le contrat a changé"))
    assert holders(app) == before


@pytest.mark.security
def test_t31_contract_that_went_to_a_third_account_is_not_moved_by_an_older_link(app, portal, an_account, mailbox):
    tenant, other = an_account(), owner(an_account)
    third = an_account(email="zoe@sfr.fr")
    link = asked(tenant, other.lease, mailbox)
    hand_over(portal, asked(third, other.lease, mailbox), THEIRS)
    assert portal.get(link, status=410).says("un des deux comptes ou le contrat a changé")
    assert holders(app)[other.lease.reference] == "zoe@sfr.fr"
    mailbox.read_all()


@pytest.mark.security
def test_f03_thief_who_changed_the_address_gives_no_contract_away(app, portal, an_account, mailbox):
    """Until its change can no longer be objected to, only the first address is asked."""
    thief, victim = an_account(), owner(an_account)
    new = "voleur@free.fr"
    browser = victim.browser.another_browser()
    log_in(browser, victim.lease.reference, THEIRS)
    ask_email_change(browser, new, THEIRS)
    browser.get(mailbox.read(to=new).link).click("Je confirme mon adresse")
    mailbox.read_all()
    asked(thief, victim.lease, mailbox, to=OTHERS)
    assert not mailbox.unread()


def test_t35_closed_account_hands_its_contract_over_and_stays_closed(app, portal, an_account, mailbox, clock):
    tenant, other = an_account(), owner(an_account)
    close_account(other.browser, THEIRS)
    mailbox.read(to=OTHERS)
    page = hand_over(portal, asked(tenant, other.lease, mailbox), THEIRS)
    assert page.says(IN_OTHERS) and holders(app)[other.lease.reference] == OWN
    assert log_in(portal, other.lease.reference, THEIRS).says("ne correspond pas"), "nothing is left to reopen"
    assert {plain(mail.subject) for mail in mailbox.read_all()} == {
        "Un contrat a été ajouté à votre compte",
        "Votre contrat est dans un autre compte",
    }
    clock.move(days=15)
    must_run(app, "purge")
    with app.app_context():
        assert [account.email for account in db.session.scalars(select(Account))] == [OWN]
    assert log_in(portal, other.lease.reference).path == "/espace"
    mailbox.read_all()


def test_t35_contract_of_an_account_past_reopening_joins_at_once(app, an_account, mailbox, clock):
    other = owner(an_account)
    close_account(other.browser, THEIRS)
    clock.move(days=15)
    tenant = an_account()
    mailbox.read_all()
    assert join(tenant.browser, other.lease).path == "/espace/choix"
    mailbox.read(to=OWN)
    must_run(app, "purge")
    assert holders(app)[other.lease.reference] == OWN


def test_t38_double_click_asks_once_and_four_a_hour_are_too_many(app, an_account, mailbox, clock):
    tenant, other = an_account(), owner(an_account)
    form = fill_join(tenant.browser, other.lease)
    assert [form.click().h1 for _ in range(2)] == ["Ce contrat a déjà un compte"] * 2
    mailbox.read(to=OTHERS)
    for _ in range(2):
        clock.move(minutes=3)
        asked(tenant, other.lease, mailbox)
    clock.move(minutes=3)
    assert join(tenant.browser, other.lease, status=429).says("déjà envoyé plusieurs e-mails")
    assert not mailbox.unread()


def test_t38_owner_who_clicks_twice_sees_the_same_page(app, portal, an_account, mailbox):
    tenant, other = an_account(), owner(an_account)
    form = portal.get(asked(tenant, other.lease, mailbox)).form("Je transfère ce contrat")
    form.fill("Mon mot de passe", THEIRS)
    assert [form.click().says(IN_OTHERS) for _ in range(2)] == [True, True]
    assert len(mailbox.read_all()) == 2 and events(app).count("contract_handed_over") == 1


def test_link_opened_elsewhere_says_so(portal):
    page = portal.get("/rattachement")
    assert page.h1 == "Ouvrez le lien de notre e-mail ici" and page.says("depuis l'autre compte")


def test_page_of_what_was_asked_leads_back_where_nothing_was(an_account):
    assert an_account().browser.get("/espace/contrats/ajout/demande").path == "/espace/contrats/ajout"


def test_late_mail_carries_a_link_that_lives(app, portal, an_account, mailbox, clock, post_office):
    tenant, other = an_account(), owner(an_account)
    post_office.answers["*"] = "451 busy"
    join(tenant.browser, other.lease)
    mailbox.deliver()
    clock.move(hours=40)
    post_office.answers.clear()
    link = mailbox.read(to=OTHERS).link
    clock.move(hours=60)
    assert hand_over(portal, link, THEIRS).says(IN_OTHERS)
    mailbox.read_all()


# Whose it is


@pytest.mark.every_home
@pytest.mark.security
def test_h04_two_tenants_with_two_contracts_each_who_swap_every_number_find_nothing(
    app, an_account, a_contract, landlord, mailbox
):
    tenants = [an_account(), owner(an_account)]
    numbers = {}
    for tenant in tenants:
        garage = a_contract()
        join(tenant.browser, garage, password=tenant.password)
        landlord({f"{lease.reference}_2026-10.pdf": pdf() for lease in (tenant.lease, garage)})
        links = tenant.browser.get("/espace/avis").tree.xpath("//main//ul//a[contains(@href, '/avis/')]/@href")
        fields = tenant.browser.get("/espace/choix").form("J'enregistre mes choix").node.form_values()
        numbers[tenant.email] = set(links), {name for name, _ in fields if name.startswith("e_notice_")}
        assert len(links) == 4, "two documents, each to read and to download"
    mailbox.read_all()
    with app.app_context():
        before = [row.id for row in db.session.scalars(select(Consent))]
    for tenant, other in (tenants, tenants[::-1]):
        (links, fields), (own_links, own_fields) = numbers[other.email], numbers[tenant.email]
        assert not links & own_links and not fields & own_fields
        for link in links:
            assert tenant.browser.get(link, status=404).h1 == "Cette page n'existe pas"
        form = dict(tenant.browser.get("/espace/choix").form("J'enregistre mes choix").node.form_values())
        answers = {name: "oui" for name in fields}
        tenant.browser.http.post("/espace/choix", data={**form, **answers}, headers={"Sec-Fetch-Site": "same-origin"})
    with app.app_context():
        assert [row.id for row in db.session.scalars(select(Consent))] == before


@pytest.mark.security
def test_h04_former_owner_opens_no_document_of_the_contract_that_left(
    portal, an_account, a_contract, landlord, mailbox
):
    tenant, other, garage = an_account(), owner(an_account), a_contract()
    join(other.browser, garage, password=THEIRS)
    landlord({f"{other.lease.reference}_2026-10.pdf": pdf()})
    document, download = other.browser.get("/espace/avis").tree.xpath("//main//ul//a[contains(@href, '/avis/')]/@href")
    mailbox.read_all()
    hand_over(portal, asked(tenant, other.lease, mailbox), THEIRS)
    mailbox.read_all()
    for link in (document, download):
        other.browser.get(link, status=404)
    assert not other.browser.get("/espace/avis").says(other.lease.reference)
    assert tenant.browser.http.get(document, buffered=True).status_code == 200


# Sign-up at an address that has an account


@pytest.mark.every_home
def test_t30_sign_up_at_an_address_with_an_account_says_in_its_mail_that_the_contract_can_join(
    app, portal, an_account, a_contract, mailbox
):
    tenant, other, third = an_account(), a_contract(), a_contract()
    typed = "Elodie.Martin@orange.fr"
    pages = [sign_up(portal.another_browser(), other, email=typed), sign_up(portal, third, email=OTHERS)]
    texts = [plain(page.text).replace(typed, "…").replace(OTHERS, "…") for page in pages]
    bare = {text.replace(lease.reference[-3:], "…") for text, lease in zip(texts, (other, third), strict=True)}
    assert len(bare) == 1, "no word to strangers"
    letters = {mail.to.lower(): mail for mail in mailbox.read_all()}
    assert "Un autre compte locataire a déjà cette adresse mail" in plain(letters[OWN].text)
    assert "déjà cette adresse mail" not in plain(letters[OTHERS].text)
    way = next(link for link in letters[OWN].links if link.endswith("/espace/contrats/ajout"))
    page = fill_login(tenant.browser.another_browser().get(way), tenant.lease.reference).click()
    assert page.path == "/espace/contrats/ajout"
    assert fill_join(page.portal, other).click().path == "/espace/choix"
    mailbox.read_all()


def test_t30_two_people_with_one_address_keep_two_accounts_and_each_mail_says_which(
    app, portal, an_account, a_contract, mailbox
):
    tenant, other = an_account(), a_contract()
    sign_up(portal, other, email=OWN, password=THEIRS)
    letter = mailbox.read(to=OWN)
    assert f"{other.reference[-3:]}" in plain(letter.text)
    assert finish(portal, letter.link, other.reference, THEIRS).path == "/espace"
    assert other.reference[-3:] in plain(mailbox.read(to=OWN).text)
    assert not portal.get("/espace").says(tenant.lease.reference)
    link = asked(tenant, other, mailbox, to=OWN)
    assert hand_over(portal, link, PASSWORD).says(WRONG), "one mailbox, two people: the password tells them apart"
    assert hand_over(portal, link, THEIRS).path == "/connexion"
    assert len(mailbox.read_all()) == 2
