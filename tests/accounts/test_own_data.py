"""One ZIP with all that is kept about a tenant, for his password (H09)."""

import io
import json
import zipfile

import pytest
from sqlalchemy import select

from tenant_portal.db import begin_write, db
from tenant_portal.mail.contents import BLACKED
from tenant_portal.messages.models import Message
from tenant_portal.models import Account, Contract, Event, Login
from tenant_portal.operations import data_copy, personal_data
from tests.support.page_text import plain
from tests.support.people import open_account, second_contract
from tests.support.portal_client import Portal
from tests.support.rent_notices import pdf
from tests.support.steps import EMAIL, QUESTIONS, ask_email_change, fill_login, sign_up, write_at_home, write_message

ADDRESS = "/espace/compte/donnees"


def fill(browser, password):
    return browser.get(ADDRESS).form("Télécharger mes données").fill("Mon mot de passe", password)


def copy_of(tenant):
    """Return the ZIP and the data in it."""
    page = fill(tenant.browser, tenant.password).click()
    assert page.response.headers["Content-Type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(page.response.get_data()))
    assert archive.testzip() is None
    return archive, json.loads(archive.read("donnees.json"))


@pytest.mark.every_home
def test_h09_tenant_takes_a_copy_of_all_his_data_and_documents(an_account, landlord, mailbox):
    tenant = an_account(e_notice="Oui")
    landlord({f"{tenant.lease.reference}_2026-11.pdf": pdf("Avis")})
    write_at_home(tenant.browser, topic="Mon logement ou une réparation", body="Le chauffage ne marche pas.")
    ask_email_change(tenant.browser, "elodie@laposte.net")
    mailbox.read_all()
    page = tenant.browser.get("/espace/compte").click_link("Mes données")
    assert page.h1 == "Mes données" and page.path == ADDRESS
    archive, data = copy_of(tenant)
    document = f"contrat-{tenant.lease.reference}/avis-2026-11.pdf"
    assert archive.namelist() == ["LISEZ-MOI.txt", "donnees.json", document]
    assert archive.read(document) == pdf("Avis")
    assert data["account"][0]["email"] == EMAIL and data["account"][0]["language"] == "fr"
    (contract,) = data["contracts"]
    assert (contract["reference"], contract["last_name"]) == (tenant.lease.reference, "MARTIN")
    assert contract["starts_on"] == "2019-03-01" and contract["is_direct_debit"] is True
    assert data["documents"][0] | {"contract": tenant.lease.reference, "kind": "notice", "period": "2026-11-01"}
    answers = {answer["wording"]: answer["answer"] for answer in data["consents"]}
    assert [answers[words] for words in answers if plain(words).startswith(QUESTIONS[0])] == [True]
    assert data["message_entries"][0]["body"] == "Le chauffage ne marche pas."
    assert data["email_changes"][0]["new_email"] == "elodie@laposte.net"
    said = {mail["kind"]: mail["content"] for mail in data["mails"]}
    assert {"activation", "welcome", "notice_published"} <= set(said)
    assert said["activation"]["digits"] == tenant.lease.reference[-3:] and said["activation"]["link"] == BLACKED
    assert {"signed_up", "finished", "data_copied"} <= {event["name"] for event in data["events"]}
    assert len(data["logins"]) == 1 and data["logins"][0]["is_remembered"] is False
    explained = plain(archive.read("LISEZ-MOI.txt").decode("utf-8-sig"))
    for name, section in personal_data.SECTIONS.items():
        assert f"{name} : " in explained and all(f"- {key} : " in explained for key in section.keys)
    letter = mailbox.read(to=EMAIL)
    assert plain(letter.subject) == "Une copie de vos données a été demandée"
    assert f"se termine par {tenant.lease.reference[-3:]}" in plain(letter.text)
    assert tenant.lease.reference not in letter.raw.decode()


def test_h09_no_secret_is_in_the_copy(app, an_account, mailbox):
    tenant = an_account()
    sign_up(Portal(app), tenant.lease, email="zoe@sfr.fr")  # a mail with links waits
    raw = copy_of(tenant)[0].read("donnees.json").decode()
    with app.app_context():
        account = db.session.scalars(select(Account)).one()
        secrets = {account.password_hash, account.signup_key}
        for login in db.session.scalars(select(Login)):
            secrets |= {login.token_hash, login.device_hash}
    assert not [secret for secret in secrets if secret in raw]
    assert "argon2" not in raw and "http" not in raw
    mailbox.read_all()


def test_t31_address_that_only_the_landlord_knows_is_not_in_the_copy(an_account, a_contract, mailbox):
    tenant = an_account(a_contract(email="adresse.connue@laposte.net"))
    mailbox.read_all()
    _, data = copy_of(tenant)
    assert "account_created" in {mail["kind"] for mail in data["mails"]}
    assert EMAIL in json.dumps(data) and "adresse.connue" not in json.dumps(data)
    mailbox.read_all()


def test_h09_nothing_of_others_is_in_the_copy(app, an_account, a_contract, mailbox, landlord, clock):
    lease = a_contract(last_name="DURAND")
    sign_up(Portal(app), lease, email="ancien@free.fr")  # he never finished, and another one begins anew
    mailbox.read_all()
    clock.move(hours=1)
    tenant = open_account(Portal(app), mailbox, lease, email="nouveau@free.fr")
    neighbour = an_account(a_contract(last_name="VOISIN"), email="voisin@free.fr", commercial="Oui")
    an_account(a_contract(last_name="PARTAGE"), email="nouveau@free.fr")
    landlord({f"{one.lease.reference}_2026-11.pdf": pdf(one.lease.reference) for one in (tenant, neighbour)})
    write_at_home(neighbour.browser, topic="Autre chose", body="Je suis le voisin.")
    write_message(Portal(app), body="Je suis son voisin.", reference=lease.reference, email="voisin@free.fr")
    write_message(Portal(app), body="Je partage son adresse.", reference="", email="nouveau@free.fr")
    mailbox.read_all()
    archive, data = copy_of(tenant)
    text = json.dumps(data, ensure_ascii=False)
    for word in ("ancien@", "voisin", "VOISIN", "PARTAGE", "partage", neighbour.lease.reference):
        assert word not in text, word
    assert archive.namelist()[2:] == [f"contrat-{lease.reference}/avis-2026-11.pdf"]
    assert not data["messages"] and not data["message_entries"]
    mailbox.read_all()


def test_h09_tenant_with_two_contracts_gets_both(app, an_account, a_contract, landlord, mailbox):
    tenant, other = an_account(), a_contract()
    second_contract(app, tenant.lease, other)
    landlord({f"{lease.reference}_2026-11.pdf": pdf() for lease in (tenant.lease, other)})
    archive, data = copy_of(tenant)
    assert [one["reference"] for one in data["contracts"]] == [tenant.lease.reference, other.reference]
    assert len(archive.namelist()) == 4
    mailbox.read_all()


@pytest.mark.every_home
def test_h09_the_password_is_asked_and_wrong_ones_count(an_account, mailbox):
    tenant = an_account()
    page = fill(tenant.browser, "").click()
    assert page.form("Télécharger mes données").error("Mon mot de passe")
    for _ in range(5):
        page = fill(tenant.browser, "un mot de passe faux").click()
        assert page.says("Erreur : ce mot de passe n'est pas celui de votre compte.")
    page = fill(tenant.browser, tenant.password).click(status=429)
    assert page.says("Attention : il y a eu trop d'essais.")
    assert len(mailbox.read_all()) <= 1, "at most the alarm about wrong passwords"


def test_h09_two_clicks_are_one_mail(an_account, mailbox):
    tenant = an_account()
    form = fill(tenant.browser, tenant.password)
    form.click(), form.click()
    mailbox.read(to=EMAIL)
    assert not mailbox.unread()


def test_h09_who_is_not_logged_in_logs_in_first(an_account, portal):
    tenant = an_account()
    page = portal.get(ADDRESS)
    assert page.path == "/connexion"
    assert fill_login(page, tenant.lease.reference).click().path == ADDRESS


def test_h09_a_request_without_account_is_answered_with_the_contract_alone(app, a_contract, landlord):
    lease = a_contract()
    landlord({f"{lease.reference}_2026-11.pdf": pdf()})
    with app.app_context():
        begin_write()
        contract = db.session.scalars(select(Contract)).one()
        db.session.add(Message(number="M-1", topic="other", email="quelqu.un@free.fr", contract_id=contract.id))
        db.session.add(Event(name="signup_refused", contract_id=contract.id))
        db.session.commit()
        found = personal_data.gather([contract], None)
        names = [member.path for member in data_copy.files([contract], None)]
    assert names == ["LISEZ-MOI.txt", "donnees.json", f"contrat-{lease.reference}/avis-2026-11.pdf"]
    assert [name for name, rows in found.items() if rows] == ["contracts", "documents", "events"]
