"""Whoever asks what is kept about him gets all of it from the owner of la gestion, and nothing of others (G16)."""

import io
import json
import zipfile

import pytest
from sqlalchemy import select

from tenant_portal.accounts import office_acts
from tenant_portal.accounts.office_acts import OfficeAct
from tenant_portal.db import begin_write, db
from tenant_portal.models import Account
from tests.support.page_text import plain
from tests.support.people import must_run, open_account, second_contract
from tests.support.portal_client import Portal
from tests.support.rent_notices import pdf
from tests.support.steps import EMAIL, hand_over, join, log_in, sign_up, write_at_home, write_message

TAKE = "Télécharger la copie à remettre"
THE_ACCOUNT, ANOTHER = "La personne qui a le compte", "Une autre personne du contrat"


@pytest.fixture
def owner(a_clerk):
    return a_clerk("Mme Roux", "owner")


def ask(owner, number=1, *, whose="", identity="au guichet", asked_on="2026-11-20"):
    """Fill the page of a request; return its form."""
    form = owner.get(f"/gestion/contrat/{number}/demande-acces").form(TAKE)
    if whose:
        form.choose("Qui demande", whose)
    if identity:
        form.choose("Comment son identité", identity)
    return form.fill("Jour où la demande", asked_on)


def given(page):
    """Return the ZIP, its data and all its text."""
    response = page.response
    assert response.headers["Content-Type"] == "application/zip" and "no-store" in response.headers["Cache-Control"]
    archive = zipfile.ZipFile(io.BytesIO(response.get_data()))
    assert archive.testzip() is None
    raw = archive.read("donnees.json").decode()
    return archive, json.loads(raw), raw


def journal(app):
    with app.app_context():
        return [
            (a.act, a.contract_id, a.account_id, a.identity, a.about) for a in db.session.scalars(select(OfficeAct))
        ]


def test_g16_the_owner_hands_a_tenant_all_that_is_kept_and_the_tenant_is_told(
    owner, app, an_account, landlord, mailbox
):
    tenant = an_account(e_notice="Oui")
    landlord({f"{tenant.lease.reference}_2026-11.pdf": pdf("Avis")})
    write_at_home(tenant.browser, topic="Mon logement ou une réparation", body="Le chauffage ne marche pas.")
    mailbox.read_all()
    page = owner.get("/gestion/contrat/1").click_link("Demande d'accès")
    assert page.says("Arrivée aujourd'hui : au plus tard le mercredi 23 décembre 2026.")
    answer = ask(owner, whose=THE_ACCOUNT).click()
    assert tenant.lease.reference not in str(answer.response.headers)
    archive, data, raw = given(answer)
    assert archive.read(f"contrat-{tenant.lease.reference}/avis-2026-11.pdf") == pdf("Avis")
    assert data["account"][0]["email"] == EMAIL and data["consents"] and data["mails"] and data["logins"]
    assert data["message_entries"][0]["body"] == "Le chauffage ne marche pas."
    acts = [(act["act"], act["reason"], act["identity"], act["about"]) for act in data["office_acts"]]
    assert acts == [("viewed", "", "", ""), ("data_given", "on_request", "counter", "2026-11-20")]
    assert "Mme Roux" not in raw and "argon2" not in raw
    assert "/donnees-personnelles" in archive.read("LISEZ-MOI.txt").decode()
    assert journal(app)[-1] == ("data_given", 1, 1, "counter", "2026-11-20")
    letter = mailbox.read(to=EMAIL)
    assert plain(letter.subject) == "Une copie de vos données vous a été remise"
    assert "À votre demande, notre bureau a remis une copie de vos données" in plain(letter.text) and letter.link_not_me
    with app.app_context():
        told = office_acts.told_to(db.session.get_one(Account, 1))
        assert [act.act for act in told] == ["data_given"]
    assert owner.get("/gestion/demandes-acces").says("Demande du vendredi 20 novembre 2026, remise par Mme Roux")


def test_g16_a_contract_without_account_is_answered_with_what_the_office_has(
    owner, app, portal, a_contract, landlord, mailbox
):
    lease = a_contract(email="lea@free.fr")
    landlord({f"{lease.reference}_2026-11.pdf": pdf()})
    write_message(portal, body="Je suis Léa.", reference=lease.reference, email="lea@free.fr")
    write_message(portal, body="Je suis la voisine.", reference=lease.reference, email="voisine@free.fr")
    sign_up(Portal(app), lease, email="inconnu@free.fr")
    mailbox.read_all()
    page = owner.get("/gestion/contrat/1/demande-acces")
    assert page.says("Le compte en cours n'est pas dans la copie") and not page.says("Qui demande")
    archive, data, raw = given(ask(owner).click())
    names = {name for name, rows in data.items() if rows}
    assert names == {"contracts", "documents", "messages", "message_entries", "office_acts"}
    assert data["contracts"][0]["email"] == "lea@free.fr" and "Je suis Léa." in raw
    assert "voisine" not in raw and "inconnu" not in raw, "an unfinished sign-up proves nothing about who typed it"
    explained = plain(archive.read("LISEZ-MOI.txt").decode("utf-8-sig"))
    assert "Les données d'un compte locataire n'y sont pas." in explained
    assert "mot de passe" not in explained and "account :" not in explained
    assert len(archive.namelist()) == 3 and not mailbox.unread()


def test_f30_the_other_holder_of_a_contract_gets_nothing_of_the_account(owner, app, an_account, a_contract, mailbox):
    lease = a_contract(email=EMAIL)
    tenant = an_account(lease, commercial="Oui")
    garage = a_contract(kind="Garage")
    second_contract(app, lease, garage)
    write_at_home(tenant.browser, topic="Autre chose", body="Ceci est à Élodie seule.")
    write_message(Portal(app), body="Sans connexion, mais Élodie.", reference=lease.reference, email=EMAIL)
    mailbox.read_all()
    page = owner.get("/gestion/contrat/1/demande-acces")
    assert page.says("Son compte a plusieurs contrats") and page.says(garage.reference)
    _, data, raw = given(ask(owner, whose=ANOTHER).click())
    assert {name for name, rows in data.items() if rows} == {"contracts", "office_acts"}
    assert EMAIL not in raw and "Élodie seule" not in raw and garage.reference not in raw and "mais Élodie" not in raw
    letter = mailbox.read(to=EMAIL)
    assert "Les données de votre compte n'y sont pas." in plain(letter.text)
    _, data, _ = given(ask(owner, whose=THE_ACCOUNT).click())
    assert [one["reference"] for one in data["contracts"]] == [lease.reference, garage.reference]
    assert not mailbox.unread(), "two requests within a moment are one mail"


def test_f30_a_contract_that_changed_hands_tells_nothing_of_who_had_it(
    owner, app, an_account, a_contract, landlord, mailbox, clock
):
    former, lease = an_account(email="ancien@free.fr"), a_contract()
    new = an_account(lease, email="nouveau@free.fr")
    with app.app_context():
        begin_write()
        office_acts.record("Mme Roux", "data_given", contract=1, account=1, sentence="Note pour ancien.")
        db.session.commit()
    write_at_home(former.browser, topic="Autre chose", body="Je suis l'ancien.")
    mailbox.read_all()
    join(new.browser, former.lease)
    hand_over(Portal(app), mailbox.read(to="ancien@free.fr").link, former.password)
    mailbox.read_all()
    clock.move(days=20)
    must_run(app, "purge")
    with app.app_context():
        assert [account.email for account in db.session.scalars(select(Account))] == ["nouveau@free.fr"]
    _, data, raw = given(ask(owner, whose=THE_ACCOUNT, asked_on="2026-12-10").click())
    assert len(data["contracts"]) == 2 and "ancien" not in raw
    log_in(new.browser, lease.reference)
    assert "pour ancien" not in plain(new.browser.get("/espace/connexions").text)
    assert [act["act"] for act in data["office_acts"]] == ["data_given"]
    mailbox.read_all()


def test_f30_a_contested_account_is_in_no_copy_and_a_released_one_leaves_no_trace_in_the_next(
    owner, app, an_account, landlord, mailbox, clock
):
    thief = an_account(email="voleur@free.fr")
    write_at_home(thief.browser, topic="Autre chose", body="Je suis le voleur.")
    must_run(app, "contracts", "freeze", thief.lease.reference)
    mailbox.read_all()
    _, data, raw = given(ask(owner).click())
    assert "voleur" not in raw and not data["account"] and not mailbox.unread()
    must_run(app, "contracts", "release", thief.lease.reference)
    clock.move(days=20)
    must_run(app, "purge")
    mailbox.read_all()
    _, data, raw = given(ask(owner, asked_on="2026-12-10").click())
    assert "voleur" not in raw and {event["name"] for event in data["events"]} <= {"contract_released"}
    clock.move(minutes=5)
    rightful = open_account(Portal(app), mailbox, thief.lease, email="vrai@free.fr")
    _, data, raw = given(ask(owner, whose=THE_ACCOUNT, asked_on="2026-12-10").click())
    assert "voleur" not in raw and data["account"][0]["email"] == rightful.email
    mailbox.read_all()


def test_g16_a_contract_that_changed_accounts_while_the_page_was_open_gives_nothing(owner, app, an_account, mailbox):
    tenant = an_account()
    form = ask(owner, whose=THE_ACCOUNT)
    must_run(app, "contracts", "release", tenant.lease.reference)
    open_account(Portal(app), mailbox, tenant.lease, email="autre@free.fr") if mailbox.read_all() else None
    page = form.click()
    assert page.says("Rien n'a été remis. Vérifiez à nouveau qui demande.")
    assert [act for act, *_ in journal(app)] == ["detached"]


def test_g16_who_asks_how_he_was_known_and_when_are_asked_and_a_lack_of_check_is_no_answer(owner, app, an_account):
    an_account()
    page = ask(owner, identity="", asked_on="").click()
    form = page.form(TAKE)
    assert form.error("Qui demande") and form.error("Comment son identité")
    assert form.error("Jour où la demande") and not page.says("aucune vérification")
    for wrong in ("2026-11-24", "2025-01-01", "20/11/2026x"):
        assert ask(owner, whose=THE_ACCOUNT, asked_on=wrong).click().form(TAKE).error("Jour où la demande"), wrong
    form = ask(owner, whose=THE_ACCOUNT)
    for control in form.controls:
        if control.get("name") == "identity" and control.checked:
            control.set("value", "none")
    assert form.click().form(TAKE).error("Comment son identité")
    assert not journal(app)


def test_g16_only_an_owner_answers_requests_and_no_form_without_token_does(staff, a_clerk, app, an_account):
    an_account()
    assert "demande-acces" not in staff.get("/gestion/contrat/1").response.get_data(as_text=True)
    for path in ("/gestion/contrat/1/demande-acces", "/gestion/demandes-acces"):
        staff.get(path, status=404)
    assert staff.http.post("/gestion/contrat/1/demande-acces").status_code == 404
    owner = a_clerk("Mme Roux", "owner")
    owner.get("/gestion/contrat/9/demande-acces", status=404)
    fields = {"whose": "account", "identity": "counter", "asked_on": "2026-11-20", "mark": "1-1"}
    assert owner.http.post("/gestion/contrat/1/demande-acces", data=fields).status_code == 400
    assert [act for act, *_ in journal(app)] == ["viewed"]
