"""axe-core on every page, errors too, light and dark: no violation."""

import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from tenant_portal.db import db
from tenant_portal.messages import conversation
from tenant_portal.messages.conversation import Topic
from tenant_portal.models import Account
from tenant_portal.web import links
from tests.conftest import Clock
from tests.support.live import serve_app
from tests.support.people import Roster, Tenant, must_run, second_contract
from tests.support.post import Mailbox
from tests.support.rent_notices import pdf
from tests.support.services import free_port
from tests.support.staff_steps import STAFF_PASSWORD, code_of, invite
from tests.support.steps import Lease
from tests.support.url_map import pages

from ..support.browser_steps import fill_join, identify, press, sign_up
from .conftest import OpenPage

AXE = Axe()


def check(page: Page) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        results = AXE.run(page)
        assert results.violations_count == 0, f"{page.url} ({scheme})\n{results.generate_report()}"


@pytest.fixture
def page(site: str, open_page: OpenPage) -> Page:
    """Open a phone's browser that lets axe's own script run."""
    return open_page(site, width=360, bypass_csp=True)


def test_every_page_that_a_stranger_sees(app: Flask, page: Page) -> None:
    for path in pages(app):
        answer = page.goto(path)
        assert answer is not None
        if "text/html" in answer.headers["content-type"]:
            check(page)


def test_every_page_of_the_way_to_an_account(
    app: Flask, page: Page, mailbox: Mailbox, a_contract: Callable[..., Lease]
) -> None:
    lease = a_contract(payment="Chèque")
    page.goto("/inscription")
    press(page.get_by_role("button", name="Je valide la création de mon compte"))
    check(page)
    sign_up(page, lease)
    check(page)
    press(page.get_by_role("button", name=re.compile("Renvoyer")).first)
    check(page)
    link = mailbox.read_all()[0].link
    page.goto(link)
    check(page)
    identify(page, lease)
    check(page)
    for path in pages(app):
        if path.startswith("/espace"):
            page.goto(path)
            check(page)
    mailbox.read_all()
    page.goto(link)
    check(page)


def test_every_page_of_a_new_password(page: Page, mailbox: Mailbox, an_account: Callable[..., Tenant]) -> None:
    tenant = an_account()
    page.goto("/mot-de-passe-oublie")
    page.get_by_role("textbox", name=re.compile("^Ma référence contrat")).fill(tenant.lease.reference)
    press(page.locator("main form button[type=submit]"))
    check(page)
    page.goto(mailbox.read().link)
    check(page)
    press(page.locator("main form button[type=submit]"))
    check(page)


def test_every_page_of_documents_and_of_the_own_data(
    page: Page,
    mailbox: Mailbox,
    an_account: Callable[..., Tenant],
    a_contract: Callable[..., Lease],
    landlord: Callable[[dict[str, bytes]], str],
    app: Flask,
) -> None:
    tenant, former = an_account(), a_contract(ends_on="01/11/2026")
    second_contract(app, tenant.lease, former)
    landlord({f"{lease.reference}_2026-10.pdf": pdf() for lease in (tenant.lease, former)})
    page.goto("/espace/avis")
    identify(page, tenant.lease)
    check(page)
    page.goto("/espace")
    check(page)
    page.goto("/espace/compte/donnees")
    check(page)
    page.get_by_label(re.compile("^Mon mot de passe")).fill("un autre mot de passe")
    press(page.get_by_role("button", name="Télécharger mes données"))
    check(page)
    page.get_by_label(re.compile("^Mon mot de passe")).fill(tenant.password)
    with page.expect_download() as download:
        page.get_by_role("button", name="Télécharger mes données").click()
    assert download.value.suggested_filename.startswith("mes-donnees-")
    mailbox.read_all()


def test_every_page_of_a_closed_account(page: Page, mailbox: Mailbox, an_account: Callable[..., Tenant]) -> None:
    tenant = an_account()
    page.goto("/espace/compte/fermeture")
    identify(page, tenant.lease)
    button = page.get_by_role("button", name="Je ferme mon compte")
    for typed in ("", "un autre mot de passe", tenant.password):
        page.get_by_label(re.compile("^Mon mot de passe")).fill(typed)
        press(button)
        check(page)
    identify(page, tenant.lease)
    check(page)
    press(page.get_by_role("button", name="Je rouvre mon compte"))
    check(page)
    mailbox.read_all()


def test_every_page_of_another_address_another_password_and_the_devices(
    site: str, open_page: OpenPage, page: Page, mailbox: Mailbox, an_account: Callable[..., Tenant]
) -> None:
    tenant = an_account(email="lea@free.fr")
    page.goto("/espace/connexions")
    identify(page, tenant.lease)
    for typed in ("", "un autre mot de passe", tenant.password):
        page.get_by_label(re.compile("^Mon mot de passe")).fill(typed)
        press(page.get_by_role("button", name="Je déconnecte"))
        check(page)

    page.goto("/espace/compte/mot-de-passe")
    save = page.get_by_role("button", name="Enregistrer mon mot de passe")
    for current, new in (("", ""), ("un autre mot de passe", "un nouveau secret bien long")):
        page.get_by_label(re.compile("^Mon mot de passe actuel")).fill(current)
        page.get_by_label(re.compile("^Mon nouveau mot de passe")).fill(new)
        page.get_by_label(re.compile("^Confirmez votre nouveau mot de passe")).fill(new)
        press(save)
        check(page)

    page.goto("/espace/compte/adresse")
    for address, typed in (("lea@gmial.com", ""), ("lea@gmial.com", tenant.password)):
        page.get_by_role("textbox", name=re.compile("^Ma nouvelle adresse mail")).fill(address)
        page.get_by_label(re.compile("^Mon mot de passe")).fill(typed)
        press(page.get_by_role("button", name="Recevoir le lien"))
        check(page)
    link, objection = mailbox.read(to="lea@gmial.com").link, mailbox.read(to="lea@free.fr").link_not_me
    elsewhere = open_page(site, width=360, bypass_csp=True)
    elsewhere.goto(link)
    check(elsewhere)
    elsewhere.goto(objection)
    check(elsewhere)
    page.goto(link)
    check(page)
    press(page.get_by_role("button", name="Je confirme mon adresse"))
    check(page)
    mailbox.read(to="lea@gmial.com")
    elsewhere.goto(mailbox.read(to="lea@free.fr").link_not_me)
    check(elsewhere)
    press(elsewhere.get_by_role("button", name="Ce n’est pas moi"))
    check(elsewhere)
    press(elsewhere.get_by_role("button", name="Oui, je bloque le compte"))
    check(elsewhere)
    elsewhere.goto("/connexion")
    identify(elsewhere, tenant.lease)
    check(elsewhere)
    elsewhere.goto(objection)
    check(elsewhere)
    mailbox.read_all()


def test_every_page_of_choices_and_of_the_way_out_of_mails(
    app: Flask,
    page: Page,
    mailbox: Mailbox,
    an_account: Callable[..., Tenant],
    a_contract: Callable[..., Lease],
) -> None:
    tenant, other = an_account(commercial="Oui"), a_contract(payment="Chèque")
    second_contract(app, tenant.lease, other)
    page.goto("/espace/choix")
    identify(page, tenant.lease)
    check(page)
    page.get_by_role("radiogroup", name=re.compile(other.reference)).get_by_text("Oui").click()
    press(page.get_by_role("button", name=re.compile("enregistre mes choix")))
    expect(page.get_by_role("status")).to_be_visible()
    check(page)
    mailbox.read_all()
    page.goto("/espace")
    check(page)
    with app.app_context():
        link = links.address("unsubscribe_commercial", db.session.scalars(select(Account)).one(), None)
    page.goto(link)
    check(page)
    press(page.get_by_role("button", name="Je me désabonne"))
    check(page)


def test_every_page_of_another_contract(
    page: Page,
    mailbox: Mailbox,
    an_account: Callable[..., Tenant],
    a_contract: Callable[..., Lease],
    roster: Roster,
) -> None:
    tenant, free, other = an_account(), a_contract(kind="Garage"), an_account(email="paul@free.fr")
    page.goto("/espace/contrats/ajout")
    identify(page, tenant.lease)
    check(page)
    for module, typed in (("", ""), ("1", tenant.password), ("1", "un autre mot de passe")):
        fill_join(page, Lease(free.reference, module), typed)
        check(page)
    for lease in (other.lease, free):
        page.goto("/espace/contrats/ajout")
        fill_join(page, lease)
        check(page)
    page.goto("/espace")
    check(page)
    page.goto(mailbox.read(to="paul@free.fr").link)
    for typed in ("", "un autre mot de passe", tenant.password):
        check(page)
        page.get_by_label(re.compile("^Mon mot de passe")).fill(typed)
        press(page.get_by_role("button", name="Je transfère ce contrat"))
    check(page)
    mailbox.read_all()
    numbers = [(lease.reference, lease.module) for lease in (tenant.lease, free, other.lease)]
    roster.take([{"reference": r, "module": m, "ends_on": "31/10/2026"} for r, m in numbers], "--force")
    page.goto("/espace")
    expect(page.get_by_role("link", name="Rattacher mon nouveau contrat")).to_be_visible()
    check(page)


def test_every_page_of_messages_and_of_a_session_that_ended(
    app: Flask, page: Page, mailbox: Mailbox, an_account: Callable[..., Tenant], clock: Clock
) -> None:
    tenant = an_account()
    page.goto("/espace/messages/nouveau")
    identify(page, tenant.lease)
    send, text = page.get_by_role("button", name=re.compile("envoie mon message")), page.get_by_role("textbox").first
    press(send)
    check(page)
    page.get_by_text("Mon logement ou une réparation").check()
    text.fill("La chaudière fuit.")
    press(send)
    expect(page.get_by_role("status")).to_contain_text("Votre message est parti", ignore_case=True)
    check(page)
    must_run(app, "messages", "answer", page.url[-11:], "-", stdin=b"Un plombier passe jeudi.")
    page.goto("/espace/messages")
    check(page)
    press(page.get_by_role("link", name="Mon logement ou une réparation"))
    press(send)
    check(page)
    text.fill("Personne.")
    clock.move(minutes=31)
    press(send)
    check(page)
    identify(page, tenant.lease)
    expect(text).to_have_value("Personne.")
    check(page)
    page.goto("/espace/messages")
    check(page)
    press(page.get_by_role("link", name="Reprendre ce message"))
    press(page.get_by_role("button", name=re.compile("est réglé")))
    check(page)
    mailbox.read_all()


def test_every_page_of_things_gone_wrong(
    app: Flask, page: Page, mailbox: Mailbox, a_contract: Callable[..., Lease], clock: Clock
) -> None:
    lease = a_contract()
    statuses = []
    page.on("response", lambda response: statuses.append(response.status))

    for path, status in (("/nulle-part", 404), ("/activation/faux", 404)):
        answer = page.goto(path)
        assert answer is not None and answer.status == status
        check(page)

    page.goto("/connexion")
    page.evaluate("document.querySelectorAll('[name=csrf_token]').forEach((token) => (token.value = ''))")
    identify(page, lease)
    expect(page.get_by_role("alert")).to_be_visible()
    assert 400 in statuses
    check(page)

    for _ in range(6):
        page.goto("/connexion")
        identify(page, lease)
    assert 429 in statuses
    check(page)

    page.goto("/message")
    page.locator("main textarea").first.fill("n" * app.config["MAX_CONTENT_LENGTH"])
    with page.expect_response(lambda response: response.status == 413):
        press(page.locator("main form button[type=submit]").last)
    check(page)

    page.context.clear_cookies()
    sign_up(page, lease)
    link = mailbox.read().link
    clock.move(hours=73)
    page.goto(link)
    assert 410 in statuses
    check(page)
    mailbox.read_all()


def test_every_page_of_the_landlords_staff(
    app: Flask, page: Page, an_account: Callable[..., Tenant], mailbox: Mailbox
) -> None:
    app.extensions["portal"].options["staff"] = lambda: ("Mme Moreau", "owner")
    tenant = an_account()
    an_account()
    page.goto("/gestion")
    check(page)
    for what in ("introuvable", "martin"):
        page.goto("/gestion")
        page.locator("#recherche").fill(what)
        press(page.locator("[role=search] button"))
        check(page)
    must_run(app, "contracts", "freeze", tenant.lease.reference)
    for path in ("", "/contrat/1/demande-acces", "/demandes-acces", "/journal"):
        page.goto(f"/gestion{path}")
        check(page)
    page.goto("/gestion/contrat/1/demande-acces")
    press(page.get_by_role("button", name="Télécharger la copie à remettre"))
    check(page)
    page.goto("/gestion/aide")
    check(page)
    mailbox.read_all()


def test_every_page_of_the_staffs_own_accounts(app: Flask, page: Page, mailbox: Mailbox) -> None:
    link = invite(app, mailbox, "anne@habitat.example", "--owner")
    for path in ("connexion", "mot-de-passe-oublie", "mot-de-passe-oublie/envoye", "invitation/ceci"):
        page.goto(f"/gestion/{path}")
        check(page)
    page.goto(link)
    secret = page.locator("main code").inner_text().replace(" ", "")
    press(page.locator("main form button[type=submit]").last)
    check(page)
    for name, text in {"name": "Anne", "password": STAFF_PASSWORD, "confirmation": STAFF_PASSWORD}.items():
        page.fill(f"#{name}", text)
    page.fill("#code", code_of(secret))
    press(page.locator("main form button[type=submit]").last)
    check(page)
    for path in ("/gestion/collegues", "/gestion/collegues/1"):
        page.goto(path)
        check(page)
    page.context.clear_cookies()
    page.goto("/gestion")
    page.fill("#email", "anne@habitat.example")
    page.fill("#password", STAFF_PASSWORD)
    press(page.locator("main form button[type=submit]").first)
    check(page)


def test_every_page_of_messages_at_the_desk(app: Flask, page: Page, a_contract: Callable[..., Lease]) -> None:
    app.extensions["portal"].options["staff"] = lambda: "Mme Moreau"
    typed = {"email": "lea@free.fr", "reference": a_contract().reference, "language": "fr", "origin": "1"}
    with app.app_context():
        conversation.write(Topic.HOME, body="Il fait froid.", **typed)
        db.session.commit()
    page.goto("/gestion/messages")
    check(page)
    press(page.locator("main tbody th a"))
    check(page)
    press(page.get_by_role("button", name="Marquer comme répondu"))
    check(page)
    page.get_by_label("Votre réponse").fill("Un plombier passe jeudi.")
    press(page.get_by_role("button", name="Envoyer la réponse"))
    check(page)
    page.goto("/gestion/messages?vue=termines")
    check(page)


def test_g05_every_page_of_a_remedy(app: Flask, page: Page, an_account: Callable[..., Tenant]) -> None:
    app.extensions["portal"].options["staff"] = lambda: "Mme Moreau"
    an_account()
    page.goto("/gestion/contrat/1")
    check(page)
    press(page.locator("main").get_by_role("link", name="Envoyer un lien"))
    check(page)
    press(page.locator("main form button[type=submit]").last)
    check(page)
    page.goto("/gestion/contrat/1/deblocage")
    check(page)
    for remedy in ("adresse", "choix"):
        page.goto(f"/gestion/contrat/1/{remedy}")
        press(page.locator("main form button[type=submit]").last)
        check(page)


@pytest.fixture
def broken_site(make_app: Callable[..., Flask], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a portal whose database has no tables."""
    address = f"http://127.0.0.1:{free_port()}"
    empty = tmp_path_factory.mktemp("empty") / "empty.sqlite3"
    app = make_app(PORTAL_PUBLIC_URL=address, SQLALCHEMY_DATABASE_URI=f"sqlite:///{empty}", PROPAGATE_EXCEPTIONS=False)
    yield from serve_app(app, address)


def test_t41_the_page_of_a_broken_portal(broken_site: str, open_page: OpenPage) -> None:
    page = open_page(broken_site, width=360, bypass_csp=True)
    page.goto("/connexion")
    with page.expect_response(lambda response: response.status == 500):
        identify(page, Lease("123456", "12345678"))
    check(page)
