"""The next person at this computer finds nothing, and every page can be opened again at its address."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.accounts.test_email_change import asked
from tests.conftest import Clock
from tests.support.people import Tenant
from tests.support.portal_client import ANY_STATUS, Portal
from tests.support.post import Mailbox
from tests.support.steps import EMAIL, Lease, finish, forget, log_in, sign_up, write_message

#: Pages that show or fill in something of a sign-up, a message or a link.
PAGES = ("/message", "/message/envoye", "/connexion", "/mot-de-passe-oublie", "/inscription/courriel", "/activation")


def signs_of(browser: Portal, lease: Lease) -> set[str]:
    """Return the pages that still show or fill in anything of this tenant."""
    words = (lease.reference, lease.reference[-3:], EMAIL)
    found = set()
    for path in PAGES:
        text = browser.get(path).response.get_data(as_text=True)
        found |= {path for word in words if f'"{word}"' in text or f">{word}<" in text}
    return found


@pytest.fixture
def visitor(portal: Portal, a_contract: Callable[..., Lease], mailbox: Mailbox) -> tuple[Portal, Lease, str]:
    """Return a browser whose user signed up, wrote a message and opened his link."""
    lease = a_contract()
    sign_up(portal, lease)
    link = mailbox.read().link
    write_message(portal, reference=lease.reference)
    mailbox.read_all()
    portal.get(link)
    return portal, lease, link


@pytest.mark.every_home
def test_next_person_at_this_computer_sees_nothing_of_a_sign_up(
    visitor: tuple[Portal, Lease, str], clock: Clock
) -> None:
    browser, lease, _ = visitor
    clock.move(minutes=29)
    assert signs_of(browser, lease) == set(PAGES)
    clock.move(minutes=29)
    assert signs_of(browser, lease) == set(PAGES), "somebody is there"
    clock.move(hours=2)
    assert signs_of(browser, lease) == set()
    assert browser.get("/activation").h1 == "Ouvrez le lien de notre e-mail ici"


@pytest.mark.every_home
def test_who_has_finished_says_so_and_nothing_stays(visitor: tuple[Portal, Lease, str]) -> None:
    browser, lease, _ = visitor
    page = browser.get("/inscription/courriel")
    assert page.says("Cet ordinateur sert à d'autres personnes ?")
    assert page.click("J'ai fini").says("ce navigateur ne garde plus rien de votre visite")
    assert signs_of(browser, lease) == set()
    assert page.click("J'ai fini").says("ce navigateur ne garde plus rien de votre visite"), "already so"


def test_who_wrote_a_message_says_that_he_has_finished(portal: Portal, mailbox: Mailbox) -> None:
    page = write_message(portal)
    mailbox.read_all()
    page.click("J'ai fini")
    assert portal.get("/message/envoye").path == "/message"


def test_page_that_was_left_open_still_sends_its_own_sign_up_the_mail_again(
    visitor: tuple[Portal, Lease, str], clock: Clock, mailbox: Mailbox
) -> None:
    page = visitor[0].get("/inscription/courriel")
    clock.move(hours=2)
    assert page.click("Renvoyer l'e-mail").says("nous renvoyons l'e-mail")
    mailbox.read()


@pytest.mark.every_home
def test_every_form_leads_back_to_a_page_when_its_address_is_opened(app: Flask, portal: Portal) -> None:
    machines = {"portal.csp_reports.receive", "portal.unsubscribe.confirm"}
    asked_for = 0
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("portal.") and "POST" in (rule.methods or ()) and rule.endpoint not in machines:
            path = rule.rule.replace("<portal_message:number>", "M-0000-0000").replace("<portal_number:number>", "1")
            path = path.removeprefix(portal.home.prefix)
            page = portal.get(path, status=ANY_STATUS)
            is_office = "/gestion" in rule.rule
            assert page.status in ({200, 404} if is_office else {200}), rule
            asked_for += 1
    assert asked_for > 15


def test_fault_in_a_corrected_address_then_english_is_the_page_in_english(
    portal: Portal, a_contract: Callable[..., Lease], mailbox: Mailbox
) -> None:
    sign_up(portal, a_contract())
    mailbox.read()
    page = portal.page.form("Modifier mon adresse").fill("Votre adresse mail", "elodie").click()
    assert page.faults == ["Vérifiez le format de l'adresse mail. Exemple : nom@domaine.fr"]
    assert portal.reload().h1 == "Consultez vos e-mails"
    assert page.click_link("English").h1 == "Check your emails"


def test_language_changes_on_the_page_of_every_fault(
    an_account: Callable[..., Tenant], portal: Portal, mailbox: Mailbox
) -> None:
    tenant = an_account()
    confirm, objection = asked(tenant, mailbox)
    forget(portal, tenant.lease.reference)
    reset = mailbox.read().link
    faulty = [
        portal.get(confirm).form("Je confirme").click(),
        portal.get(reset).form("Enregistrer").click(),
        portal.get(objection).click("Ce n'est pas moi"),
        log_in(portal, "12", "faux"),
        tenant.browser.get("/espace/compte/adresse").form().click(),
        tenant.browser.get("/espace/compte/mot-de-passe").form().click(),
        tenant.browser.get("/espace/compte/fermeture").form().click(),
    ]
    for page in faulty:
        english = page.click_link("English")
        assert english.tree.get("lang") == "en" and english.path == page.path
        english.click_link("Français")


@pytest.mark.parametrize(
    "neighbour",
    [*".,;:!)>»]\"'*_-&/", "%20", "%C2%A0", "%3E", "%E2%80%8B", ").", "%22%3E", ".%20Merci", "?utm_source=x", "%0A"],
)
def test_link_with_its_neighbour_opens(
    portal: Portal, a_contract: Callable[..., Lease], mailbox: Mailbox, neighbour: str
) -> None:
    lease = a_contract()
    sign_up(portal, lease)
    link = mailbox.read().link
    assert finish(portal.another_browser(), link + neighbour, lease.reference).path == "/espace"
    mailbox.read()


@pytest.mark.parametrize("before", ["%3C", "%22", "%E2%80%8B", "("])
def test_link_with_a_sign_before_or_a_break_within_opens(
    portal: Portal, an_account: Callable[..., Tenant], mailbox: Mailbox, before: str
) -> None:
    tenant = an_account()
    confirm, objection = asked(tenant, mailbox)
    forget(portal, tenant.lease.reference)
    for link in (confirm, objection, mailbox.read().link):
        head, _, token = link.rpartition("/")
        for changed in (f"{before}{token}", f"{token[:40]}%20{token[40:]}", f"{token[:60]}%0A{token[60:]}"):
            assert portal.another_browser().get(f"{head}/{changed}").tree.cssselect("main form")


def test_scanner_that_presses_the_first_button_of_a_page_changes_nothing_that_needs_repair(
    portal: Portal, an_account: Callable[..., Tenant], mailbox: Mailbox
) -> None:
    tenant = an_account()
    confirm, objection = asked(tenant, mailbox)
    forget(portal, tenant.lease.reference)
    for link in (confirm, objection, mailbox.read().link):
        scanner = portal.another_browser()
        page = scanner.get(link)
        for _ in range(3):
            button = page.tree.cssselect("main form button[type=submit]")[0]
            page = page.click(button.text_content(), status=ANY_STATUS)
    assert mailbox.read_all() == []
    assert tenant.browser.get("/espace/compte").says(tenant.email)
    assert log_in(portal, tenant.lease.reference, tenant.password).path == "/espace"
