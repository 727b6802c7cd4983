"""Forms that come late, twice, or from a browser without cookies, and pages of links that another browser opened."""

from collections.abc import Callable

import pytest

from tests.accounts.test_closing import close
from tests.accounts.test_email_change import asked
from tests.support.people import Tenant
from tests.support.portal_client import Form, Portal
from tests.support.post import Mailbox
from tests.support.steps import (
    NEW_PASSWORD,
    SIGN_UP,
    Lease,
    fill_login,
    fill_new_password,
    fill_objection,
    fill_sign_up,
    finish,
    forget,
    log_in,
    sign_up,
)

TOO_LONG = "restée ouverte trop longtemps"


def address_of(browser: Portal, link: str) -> str:
    """Open a link; return the address at which it ends."""
    return browser.get(link).path


@pytest.mark.every_home
@pytest.mark.parametrize("purpose", ["activation", "reset", "email_change", "email_objection"])
def test_page_of_a_link_says_in_another_browser_that_the_link_was_opened_elsewhere(
    portal: Portal, mailbox: Mailbox, a_contract: Callable[..., Lease], an_account: Callable[..., Tenant], purpose: str
) -> None:
    if purpose == "activation":
        sign_up(portal, a_contract())
        link = mailbox.read().link
    elif purpose == "reset":
        forget(portal, an_account().lease.reference)
        link = mailbox.read().link
    else:
        link = asked(an_account(), mailbox)[purpose == "email_objection"]
    path = address_of(portal, link)
    page = portal.another_browser().get(path)
    assert page.path == path and page.h1 == "Ouvrez le lien de notre e-mail ici"
    assert page.says("Votre lien a été ouvert dans une autre application ou un autre navigateur")
    assert page.says("Vous n'avez plus l'e-mail ?") and not page.tree.cssselect("form input[type=password]")
    offered = {
        "activation": "Aller à la page de connexion",
        "reset": "Recevoir un nouveau lien",
        "email_change": "Aller à mon compte",
        "email_objection": "Laisser un message",
    }
    assert page.link(offered[purpose])


def test_page_of_a_sign_up_says_in_another_browser_how_to_go_on(
    portal: Portal, mailbox: Mailbox, a_contract: Callable[..., Lease]
) -> None:
    lease = a_contract()
    sign_up(portal, lease)
    mailbox.read()
    other = portal.another_browser()
    page = other.get("/inscription/courriel")
    assert page.h1 == "Consultez vos e-mails" and page.says("dans un autre navigateur")
    page.click_link("Aller à la page de connexion")
    assert log_in(other, lease.reference).says("Renvoyer l'e-mail")


@pytest.mark.every_home
def test_who_logged_out_in_another_tab_sees_the_same_page_again(an_account: Callable[..., Tenant]) -> None:
    browser = an_account().browser
    old = browser.get("/espace")
    first = browser.get("/espace").click("Je me déconnecte")
    again = old.click("Je me déconnecte")
    assert (again.path, again.h1, again.text) == (first.path, first.h1, first.text)
    assert again.says("Vous êtes déconnecté.")


def test_who_logged_in_anew_in_another_tab_is_asked_to_press_once_more(an_account: Callable[..., Tenant]) -> None:
    tenant = an_account()
    old = tenant.browser.get("/espace")
    tenant.browser.get("/espace").click("Je me déconnecte")
    tenant.log_in(tenant.browser)
    page = old.click("Je me déconnecte", status=400)
    assert page.says("Une connexion ou une déconnexion a eu lieu dans une autre page") and not page.says(TOO_LONG)
    assert page.click("Je me déconnecte").says("Vous êtes déconnecté")


def test_who_logged_in_in_another_tab_is_there_already(an_account: Callable[..., Tenant], portal: Portal) -> None:
    tenant, other = an_account(), an_account(email="marc@free.fr")
    own = fill_login(portal.get("/connexion"), tenant.lease.reference, tenant.password)
    others = fill_login(portal.get("/connexion"), other.lease.reference, other.password)
    tenant.log_in(portal)
    assert own.click().path == "/espace"
    page = others.click(status=400)
    assert page.says("Une connexion ou une déconnexion a eu lieu dans une autre page") and not page.says(TOO_LONG)
    assert fill_login(page, other.lease.reference, other.password).click().says(other.lease.reference)


def test_who_finished_his_account_in_another_tab_is_at_home(
    portal: Portal, mailbox: Mailbox, a_contract: Callable[..., Lease]
) -> None:
    lease = a_contract()
    sign_up(portal, lease)
    link = mailbox.read().link
    old = fill_login(portal.get(link), lease.reference)
    assert finish(portal, link, lease.reference).path == "/espace"
    mailbox.read()
    assert old.click().path == "/espace"


def test_who_confirmed_his_address_in_another_tab_sees_the_same_page_again(
    an_account: Callable[..., Tenant], mailbox: Mailbox
) -> None:
    tenant = an_account()
    link, _ = asked(tenant, mailbox)
    pages = [tenant.browser.get(link) for _ in range(2)]
    texts = [page.click("Je confirme mon adresse").text for page in pages]
    assert texts[0] == texts[1] and "votre adresse mail est changée" in texts[0]
    mailbox.read_all()


def test_who_objected_in_another_tab_goes_on_to_his_new_password(
    an_account: Callable[..., Tenant], mailbox: Mailbox, portal: Portal
) -> None:
    _, link = asked(an_account(), mailbox)
    forms = [fill_objection(portal.get(link)) for _ in range(2)]
    for form in forms:
        assert form.click().path == "/mot-de-passe"
    mailbox.read_all()


def test_who_chose_his_password_in_another_tab_sees_the_same_page_again(
    an_account: Callable[..., Tenant], mailbox: Mailbox, portal: Portal
) -> None:
    tenant = an_account()
    forget(portal, tenant.lease.reference)
    link = mailbox.read().link
    forms = [fill_new_password(portal.get(link)) for _ in range(2)]
    other = fill_new_password(portal.get(link), NEW_PASSWORD + "!")
    for form in forms:
        assert form.click().says("C'est fait : votre mot de passe est modifié")
    mailbox.read()
    assert other.click(status=410).says("Ce lien a été remplacé"), "another password is not what is true already"
    stranger = portal.another_browser()
    stranger.get(link, status=410)


def test_device_that_was_logged_out_meanwhile_is_no_fault(an_account: Callable[..., Tenant], portal: Portal) -> None:
    tenant = an_account()
    tenant.log_in(portal)
    form = tenant.browser.get("/espace/connexions").form("Je déconnecte").fill("Mon mot de passe", tenant.password)
    portal.click("Je me déconnecte")
    assert form.click().says("C'est fait : les appareils choisis sont déconnectés")


def test_who_closed_his_account_in_another_tab_sees_the_same_page_again(
    an_account: Callable[..., Tenant], mailbox: Mailbox
) -> None:
    tenant = an_account()
    old = tenant.browser.get("/espace/compte/fermeture").form().fill("Mon mot de passe", tenant.password)
    other = tenant.browser.get("/espace/compte/adresse").form().fill("Mon mot de passe", tenant.password)
    close(tenant, mailbox)
    assert old.click().says("Votre compte est fermé. Un e-mail vous le confirme.")
    assert other.click().says("Vous n'étiez plus identifié. Rien n'a changé.")


def test_change_of_address_is_cancelled_twice(an_account: Callable[..., Tenant], mailbox: Mailbox) -> None:
    tenant = an_account()
    asked(tenant, mailbox)
    pages = [tenant.browser.get("/espace/compte") for _ in range(2)]
    for page in pages:
        assert page.click("Annuler ce changement").says("le changement d'adresse est annulé")


def forms_of(browser: Portal, lease: Lease) -> dict[str, Callable[[], Form]]:
    """Return a filled form of each kind of page."""
    return {
        "login": lambda: fill_login(browser.get("/connexion"), lease.reference),
        "sign-up": lambda: fill_sign_up(browser, lease),
        "reset": lambda: browser.get("/mot-de-passe-oublie").form().fill("Ma référence contrat", lease.reference),
        "message": lambda: browser.get("/message").form().fill("Votre message", "Bonjour"),
    }


@pytest.mark.every_home
@pytest.mark.parametrize("kind", ["login", "sign-up", "reset", "message"])
def test_browser_that_refuses_cookies_is_told_so_and_what_to_do(
    portal: Portal, a_contract: Callable[..., Lease], kind: str
) -> None:
    form = forms_of(portal, a_contract())[kind]()
    for _ in range(2):
        portal.http._cookies.clear()
        page = form.click(status=400)
        assert page.says("Votre navigateur n'a pas renvoyé notre cookie") and not page.says(TOO_LONG)
        assert page.says("Acceptez les cookies de ce site dans les réglages de votre navigateur")
        form = page.form(SIGN_UP if kind == "sign-up" else None)


@pytest.mark.every_home
@pytest.mark.parametrize("kind", ["login", "sign-up", "reset", "message"])
def test_page_that_stood_open_for_hours_says_so(
    portal: Portal, a_contract: Callable[..., Lease], clock: object, kind: str
) -> None:
    form = forms_of(portal, a_contract())[kind]()
    clock.move(hours=12, minutes=1)  # type: ignore[attr-defined]
    assert form.click(status=400).says(TOO_LONG)


def test_link_that_was_clicked_without_cookies_tells_of_cookies(
    portal: Portal, mailbox: Mailbox, a_contract: Callable[..., Lease]
) -> None:
    sign_up(portal, a_contract())
    other = portal.another_browser()
    other.http._cookies = None  # a browser that keeps none
    answer = other.http.get(mailbox.read().link, follow_redirects=True)
    assert "refuse peut-être nos cookies" in answer.get_data(as_text=True)
