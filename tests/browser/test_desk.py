"""A day at the desk, on 2,000 contracts: each task of the office from the search to the tenant who is helped."""

import csv
import io
import re
import shutil
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from tenant_portal import create_app
from tenant_portal.accounts.office_acts import OfficeAct
from tenant_portal.db import db
from tests.conftest import SETTINGS, Clock, close
from tests.support.desk import Desk, typeset
from tests.support.paths import DATA
from tests.support.people import Tenant, must_run, open_account
from tests.support.portal_client import Portal
from tests.support.post import Mail, Mailbox
from tests.support.services import Postgres
from tests.support.staff_steps import STAFF_PASSWORD, Colleague, code_of, enrol
from tests.support.steps import NEW_PASSWORD, Lease, forget, log_in, write_at_home, write_in_thread

from ..support.browser_steps import choose_new_password, identify, press, sign_up
from .conftest import OpenPage

Seat = Callable[..., Desk]
OpenAccount = Callable[..., Tenant]

ROSTER = DATA / "contrats.csv"
COUNTER, CALL, LETTER, NONE = "au guichet", "rappel au numéro connu", "lettre à code", "aucune vérification"
ACTIVATION, RESET, DELAY = (
    "Renvoyer l'e-mail d'activation",
    "Envoyer un lien pour un nouveau mot de passe",
    "Lever le délai de connexion",
)
ADDRESS, CHOICE = "Noter une autre adresse mail", "Noter un choix demandé par écrit"
LOST = "boîte mail perdue ou fermée"


@pytest.fixture(scope="module")
def migrated_database(migrated_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with the 2,000 contracts to copy."""
    path = tmp_path_factory.mktemp("desk") / "portal.sqlite3"
    import_roster(f"sqlite:///{shutil.copy(migrated_database, path)}")
    return path


@pytest.fixture(scope="module")
def migrated_postgresql(migrated_postgresql: str, postgres_server: Postgres) -> str:
    """Return the same on PostgreSQL."""
    address = postgres_server.new_database(like=migrated_postgresql)
    import_roster(address)
    return address


def import_roster(address: str) -> None:
    app = create_app({**SETTINGS, "SQLALCHEMY_DATABASE_URI": address})
    with time_machine.travel(datetime(2026, 11, 23, 8, tzinfo=ZoneInfo("Europe/Paris"))):
        must_run(app, "contracts", "import", str(ROSTER))
    close(app)


@pytest.fixture
def seat(app: Flask, site: str, mailbox: Mailbox, clock: Clock, open_page: OpenPage) -> Seat:
    """Return a function: `seat("Mme Roux", "owner", width=768)` gives somebody an account and a browser."""

    def take(name: str = "Mme Moreau", role: str = "office", *, by_keys: bool = False, **options: object) -> Desk:
        email = f"{name.split()[-1].lower()}@habitat.example"
        clerk = enrol(app, mailbox, clock, email, name, *(["--owner"] if role == "owner" else []))
        desk = Desk(open_page(site, **options), clerk, by_keys=by_keys)
        if not by_keys:  # he has come in with his invitation
            desk.page.context.add_cookies(
                [{"name": one.key, "value": one.value, "url": site} for one in clerk.browser.http._cookies.values()]
            )
        desk.page.goto("/gestion")
        if by_keys:
            desk.log_in()
        expect(desk.page.get_by_role("heading", level=1)).to_have_text("À traiter")
        return desk

    return take


@pytest.fixture
def account_of(app: Flask, mailbox: Mailbox) -> OpenAccount:
    """Return a function that opens the account of somebody of the roster."""

    def make(last_name: str, first_name: str, email: str, **answers: str) -> Tenant:
        tenant = open_account(Portal(app), mailbox, lease_of(last_name, first_name), email=email, **answers)
        mailbox.read_all()  # the address of the roster is told too
        tenant.log_in(tenant.browser)
        return tenant

    return make


def lease_of(last_name: str, first_name: str) -> Lease:
    with ROSTER.open(encoding="cp1252", newline="") as file:
        rows = csv.DictReader(file, delimiter=";")
        (found,) = [row for row in rows if (row["Nom"], row["Prénom"]) == (last_name, first_name)]
    return Lease(found["Référence contrat"], found["N° module"])


def bounce(app: Flask, mail: Mail) -> None:
    """Bring a mail back: its address does not exist."""
    text = (DATA / "cases" / "R14_global_status.eml").read_text()
    must_run(app, "mail", "bounce", stdin=text.replace("<b03@bailleur.example>", mail.message["Message-ID"]).encode())


def deeds(app: Flask) -> list[tuple[str, str]]:
    """Return clerk and act of each line of the journal, but looks."""
    with app.app_context():
        rows = db.session.scalars(select(OfficeAct).where(~OfficeAct.act.endswith("viewed")).order_by(OfficeAct.id))
        return [(row.clerk, row.act) for row in rows]


def reads(page: Page, path: str, *texts: str) -> None:
    """Have a tenant read a page; no clerk's name stands on it."""
    page.goto(path)
    for text in texts:
        expect(page.locator("main")).to_contain_text(typeset(text))
    expect(page.locator("main")).not_to_contain_text("Moreau")


def say_not_me(page: Page, link: str) -> None:
    page.goto(link)
    press(page.get_by_role("button", name="Ce n’est pas moi"))
    press(page.get_by_role("button", name="Oui, je bloque le compte"))
    expect(page.get_by_role("status").first).to_contain_text("le compte est bloqué")


def at_home(page: Page) -> None:
    expect(page).to_have_url(re.compile("/espace$"))


def test_g05_mistyped_address_is_put_right_in_three_clicks_and_its_tenant_gets_in(
    app: Flask, site: str, open_page: OpenPage, mailbox: Mailbox, seat: Seat
) -> None:
    lease, tenant = lease_of("LOPES", "Colette"), open_page(site, width=360)
    sign_up(tenant, lease, email="colette.lopes@orange.com")
    bounce(app, mailbox.read(to="colette.lopes@orange.com"))
    desk = seat()
    desk.find("lopes elise vas")
    desk.says("Ce locataire en est à l'étape 9 sur 12.")
    desk.remedy(ACTIVATION)
    desk.fill(desk.page.get_by_label("Adresse mail", exact=True), "colette.lopes@orange.fr")
    desk.confirm(CALL, "adresse mail mal tapée")
    assert desk.clicks == 3
    tenant.goto(mailbox.read(to="colette.lopes@orange.fr").link)
    identify(tenant, lease)
    at_home(tenant)
    assert {mail.to for mail in mailbox.read_all()} == {"colette.lopes@orange.fr", "bdumas@example.org"}
    reads(tenant, "/espace/connexions", "notre bureau a corrigé votre adresse mail et envoyé l'e-mail d'activation")
    desk.find(f"L/{lease.reference}")
    desk.says("Le compte fonctionne : les douze étapes sont faites.")
    desk.says("Dernière connexion")
    assert deeds(app) == [("Mme Moreau", "activation_corrected")]


def test_g03_g05_locked_out_tenant_is_told_apart_and_let_in_by_keyboard_alone(
    app: Flask, site: str, open_page: OpenPage, mailbox: Mailbox, seat: Seat, account_of: OpenAccount
) -> None:
    account_of("LÉVÊQUE", "Emmanuelle", "emmanuelle@leveque.example")
    locked = account_of("LÉVÊQUE", "Marcelle", "marcelle@leveque.example")
    for _ in range(5):
        thief = Portal(app)
        thief.http.environ_base["REMOTE_ADDR"] = "203.0.113.7"
        log_in(thief, locked.lease.reference, "devinette de voleur")
    mailbox.read_all()
    tenant = open_page(site, width=360)
    tenant.goto("/connexion")
    identify(tenant, locked.lease)
    expect(tenant.get_by_role("alert")).to_contain_text("trop d’essais")
    desk = seat(by_keys=True)
    desk.find("@leveque.ex")
    desk.says("2 contrats trouvés")
    desk.says("79, rue de Rolland")
    desk.follow("Marcelle")
    desk.remedy(DELAY)
    assert desk.clicks == 3
    desk.confirm(NONE, "trop d'essais de connexion")
    mailbox.read(to=locked.email)
    desk.find("leveque @leveque marc")
    desk.remedy(RESET)
    desk.confirm(NONE, "mot de passe oublié")
    choose_new_password(tenant, mailbox.read(to=locked.email).link)
    mailbox.read(to=locked.email)
    identify(tenant, locked.lease, NEW_PASSWORD)
    at_home(tenant)
    reads(tenant, "/espace/connexions", "notre bureau a levé le délai", "notre bureau a envoyé un lien")
    assert deeds(app) == [("Mme Moreau", "delay_lifted"), ("Mme Moreau", "reset_sent")]


def test_f27_lost_mailbox_is_replaced_at_once_at_the_counter_and_a_day_later_else(
    app: Flask,
    site: str,
    open_page: OpenPage,
    mailbox: Mailbox,
    seat: Seat,
    account_of: OpenAccount,
    clock: Clock,
) -> None:
    here, caller = account_of("LOPES", "Manon", "manon@free.fr"), account_of("LOPES", "Patrick", "patrick@free.fr")
    desk, phone = seat(width=768), open_page(site, width=360)

    def ask(tenant: Tenant, email: str, how: str) -> tuple[str, str]:
        """Have another address noted; return the links that prove it and that object."""
        desk.find(tenant.lease.reference)
        desk.remedy(ADDRESS, is_first=False)
        assert desk.clicks == 3
        desk.fill(desk.page.get_by_label("Nouvelle adresse mail"), email)
        desk.confirm(how, LOST)
        return mailbox.read(to=email).link, mailbox.read(to=tenant.email).link_not_me

    proof, _ = ask(here, "manon@laposte.net", COUNTER)
    phone.goto(proof)
    press(phone.get_by_role("button", name="Je confirme mon adresse"))
    expect(phone.locator("main")).to_contain_text("compte dès maintenant")
    assert {mail.to for mail in mailbox.read_all()} == {"manon@free.fr", "manon@laposte.net"}
    desk.find(here.lease.reference)
    desk.remedy(RESET)
    expect(desk.page.get_by_role("radio", name=CALL)).to_have_count(0)
    desk.confirm(COUNTER, "mot de passe oublié")
    choose_new_password(phone, mailbox.read(to="manon@laposte.net").link)
    mailbox.read_all()
    identify(phone, here.lease, NEW_PASSWORD)
    at_home(phone)

    proof, _ = ask(caller, "voleur@example.org", CALL)
    phone.context.clear_cookies()
    phone.goto(proof)
    press(phone.get_by_role("button", name="Je confirme mon adresse"))
    expect(phone.locator("main")).to_contain_text("mardi 24 novembre")
    clock.move(hours=23)
    must_run(app, "mail", "send")
    forget(Portal(app), caller.lease.reference)
    assert "/mot-de-passe/" in mailbox.read(to=caller.email).link, "the old address still counts"
    clock.move(hours=1, minutes=5)
    must_run(app, "mail", "send")
    mailbox.read(to="voleur@example.org")
    say_not_me(phone, mailbox.read(to=caller.email).link_not_me)
    mailbox.read_all()
    desk.page.goto("/gestion")
    desk.log_in()
    desk.find(caller.lease.reference)
    desk.says(caller.email)
    desk.says("Compte bloqué depuis le")
    assert deeds(app) == [("Mme Moreau", act) for act in ("address_asked", "reset_sent", "address_asked")]


def test_g02_contested_account_leads_from_the_top_of_the_list_to_its_thaw_and_its_contract_comes_back(
    app: Flask,
    site: str,
    open_page: OpenPage,
    mailbox: Mailbox,
    seat: Seat,
    account_of: OpenAccount,
    clock: Clock,
) -> None:
    tenant = account_of("LÉVÊQUE", "Margot", "margot@free.fr")
    (told,) = [mail for mail in mailbox.office.mails if mail.to == "gabrielblanchard@example.net"]
    phone = open_page(site, width=360)
    say_not_me(phone, told.link_not_me)
    mailbox.read_all()
    clock.move(minutes=5)
    phone.goto("/connexion")
    identify(phone, tenant.lease)
    expect(phone.get_by_role("alert")).to_contain_text("bloqué")
    desk = seat()
    top = desk.page.locator(".portal-todo").first
    expect(top.get_by_role("heading")).to_contain_text("Comptes contestés 1")
    press(top.get_by_role("link", name="LÉVÊQUE"))
    desk.remedy("Débloquer le compte")
    desk.says("essai de connexion avec le bon mot de passe")
    desk.confirm(LETTER, "à la demande du locataire")
    forget(Portal(app), tenant.lease.reference)
    mailbox.read(to=tenant.email)
    choose_new_password(phone, mailbox.read(to=tenant.email).link)
    mailbox.read_all()
    identify(phone, tenant.lease, NEW_PASSWORD)
    at_home(phone)

    desk.find("levêque MARGOT guyon")
    desk.remedy("Retirer le contrat de ce compte", is_first=False)
    desk.says("Ce compte n'a pas d'autre contrat")
    desk.confirm(COUNTER, "changement de titulaire")
    mailbox.read(to=tenant.email)
    phone.reload()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Identifiez-vous")
    desk.remedy("Remettre le contrat dans son ancien compte")
    desk.confirm(NONE, "erreur de notre bureau")
    mailbox.read(to=tenant.email)
    desk.says("contrat remis dans le compte")
    assert deeds(app) == [("Mme Moreau", act) for act in ("thawed", "detached", "reattached")]


def test_g06_messages_are_answered_recalled_and_answered_otherwise_without_a_script(
    app: Flask, site: str, open_page: OpenPage, mailbox: Mailbox, seat: Seat, account_of: OpenAccount, clock: Clock
) -> None:
    tenant = account_of("LOPES", "Henri", "henri@free.fr")
    thread = write_at_home(tenant.browser, topic="Mon logement ou une réparation", body="La chaudière fuit.").path
    number = thread.rpartition("/")[2]
    mailbox.read_all()
    desk = seat(java_script_enabled=False)
    desk.follow("Messages")
    desk.says("1 message attend une réponse.")
    desk.follow("Mon logement ou une réparation")
    answer = desk.page.get_by_label("Votre réponse", exact=True)
    desk.press("Rendez-vous dans le logement")
    desk.press("Envoyer la réponse")
    expect(desk.page.get_by_role("alert")).to_contain_text("À remplacer : [jour], [heure]")
    answer.fill(answer.input_value().replace("[jour]", "jeudi").replace("[heure]", "midi"))
    desk.press("Envoyer la réponse")
    desk.says("Le locataire ne la voit pas encore")
    desk.press("Annuler l'envoi")
    desk.says("Rien n'est parti")
    answer.fill(answer.input_value().replace("jeudi", "vendredi"))
    desk.press("Envoyer la réponse")
    clock.move(seconds=61)
    assert "vendredi" in mailbox.read(to=tenant.email).text
    desk.page.reload()
    desk.says("L'e-mail est parti.")

    write_in_thread(tenant.browser, number, "Venez plutôt samedi.")
    mailbox.read_all()
    desk.find(number)
    desk.choose("Comment avez-vous répondu", "Par téléphone")
    desk.fill(desk.page.get_by_label("Ce que vous avez répondu"), "Le plombier passe samedi à 9 h.")
    desk.press("Marquer comme répondu")
    desk.says("ce message est clos")
    phone = open_page(site, width=360)
    phone.goto("/connexion")
    identify(phone, tenant.lease)
    reads(phone, thread, "vendredi", "Notre bureau vous a répondu par téléphone", "Le plombier passe samedi", "Clos")
    expect(phone.locator("main")).not_to_contain_text("jeudi")
    acts = ("message_answered", "message_recalled", "message_answered", "message_answered_elsewhere")
    assert deeds(app) == [("Mme Moreau", act) for act in acts]


def test_g16_written_choice_access_request_and_the_journal_of_both(
    app: Flask, site: str, open_page: OpenPage, mailbox: Mailbox, seat: Seat, account_of: OpenAccount
) -> None:
    tenant = account_of("LÉVÊQUE", "Lorraine", "lorraine@free.fr")

    def note_yes(desk: Desk) -> None:
        desk.find(tenant.lease.reference)
        desk.remedy(CHOICE, is_first=False)
        desk.choose("Quel choix", "Informations commerciales")
        desk.choose("Que demande", "Oui")
        desk.choose("Comment l'a-t-il demandé", "lettre")
        desk.fill(desk.page.get_by_label("Date de sa demande"), "2026-11-23")
        desk.choose("Comment savez-vous", "demande écrite")
        desk.choose("Pourquoi", "à la demande du locataire")
        desk.press(CHOICE)

    clerk, owner = seat(), seat("Mme Roux", "owner")
    note_yes(clerk)
    clerk.says("demandez à un responsable")
    note_yes(owner)
    owner.says("le choix est noté")
    mailbox.read(to=tenant.email)
    phone = open_page(site, width=360)
    phone.goto("/connexion")
    identify(phone, tenant.lease)
    reads(phone, "/espace/choix", "bailleur à votre demande (lettre, lundi 23 novembre 2026)")

    expect(clerk.page.get_by_role("link", name="Demande d’accès")).to_have_count(0)
    owner.follow("Demande d'accès")
    owner.choose("Qui demande", "La personne qui a le compte")
    owner.choose("Comment son identité", COUNTER)
    with owner.page.expect_download() as download:
        owner.page.get_by_role("button", name="Télécharger la copie à remettre").click()
    archive = zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes()))
    assert archive.testzip() is None and "lorraine@free.fr" in archive.read("donnees.json").decode()
    assert tenant.lease.reference not in download.value.suggested_filename
    mailbox.read(to=tenant.email)
    owner.follow("Journal")
    lines = owner.page.locator(".portal-journal li")
    for words in ("Mme Roux : copie des données remise", "Mme Roux : choix noté par écrit", "Mme Moreau : page du"):
        expect(lines.filter(has_text=words).first).to_contain_text("LÉVÊQUE")
    for path in ("/gestion/journal", clerk.page.url + "/../demande-acces"):
        answer = clerk.page.goto(path)
        assert answer is not None and answer.status == 404
    assert deeds(app) == [("Mme Roux", "choice_noted"), ("Mme Roux", "data_given")]


def test_g01_colleague_is_invited_loses_his_session_but_not_his_text_and_is_removed(
    app: Flask, site: str, open_page: OpenPage, mailbox: Mailbox, seat: Seat, account_of: OpenAccount, clock: Clock
) -> None:
    tenant = account_of("LOPES", "Marcelle", "marcelle@free.fr")
    thread = write_at_home(tenant.browser, topic="Autre chose", body="Bonjour.").path
    mailbox.read_all()
    owner = seat("Mme Roux", "owner")
    said = must_run(app, "staff", "add", "luc.petit@habitat.example")
    link = mailbox.read(to="luc.petit@habitat.example").link
    assert link.rpartition("/")[2] in said
    page = open_page(site)
    page.goto(link)
    secret = page.locator("code.portal-office-secret").inner_text().replace(" ", "")
    for name, text in {"name": "M. Petit", "password": STAFF_PASSWORD, "confirmation": STAFF_PASSWORD}.items():
        page.fill(f"#{name}", text)
    page.fill("#code", code_of(secret))
    press(page.get_by_role("button", name="Créer mon accès"))
    expect(page.locator("ol.portal-office-codes code")).to_have_count(10)
    page.goto(f"/gestion/messages/{thread.rpartition('/')[2]}")
    text = "Nous avons bien lu votre message,\net nous vous appelons demain."
    page.get_by_label("Votre réponse", exact=True).fill(text)
    write_in_thread(tenant.browser, thread.rpartition("/")[2], "Rappelez-moi après 18 h.")
    mailbox.read_all()
    clock.move(minutes=45)
    press(page.get_by_role("button", name="Envoyer la réponse"))
    expect(page.get_by_role("heading", level=1)).to_have_text("La gestion : connexion")
    colleague = Desk(page, Colleague("luc.petit@habitat.example", "M. Petit", Portal(app), secret, [], clock))
    colleague.log_in()
    expect(page.get_by_label("Votre réponse", exact=True)).to_have_value(text)
    colleague.says("ce message a changé pendant que vous écriviez")
    expect(page.locator("#nouveau")).to_contain_text("Rappelez-moi")
    colleague.press("Envoyer quand même")
    colleague.says("Le locataire ne la voit pas encore")
    clock.move(seconds=61)
    assert "demain" in mailbox.read(to=tenant.email).text

    owner.page.goto("/gestion/collegues")
    owner.log_in()
    owner.follow("M. Petit")
    owner.press("Retirer ce collègue")
    owner.says("ce collègue est retiré")
    mailbox.read_all()
    page.goto("/gestion")
    expect(page.get_by_role("heading", level=1)).to_have_text("La gestion : connexion")
    assert deeds(app) == [("M. Petit", "message_answered"), ("Mme Roux", "staff_removed")]
