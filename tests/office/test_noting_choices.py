"""G05: a choice that a tenant asked for in writing, noted by the office with the kind and date of the request."""

import pytest
from sqlalchemy import func, select

from tenant_portal import signals
from tenant_portal.accounts import consents, written_choices
from tenant_portal.accounts.consents import Choice
from tenant_portal.accounts.locks import lock_account
from tenant_portal.accounts.office_acts import OfficeAct
from tenant_portal.db import begin_write, db
from tenant_portal.models import Consent, ConsentPurpose, Contract
from tests.support.page_text import plain

NOTICE, COMMERCIAL = "Avis d'échéance par e-mail", "Informations commerciales par e-mail"
LABEL = "Noter un choix demandé par écrit"


def filled(page, subject, answer, *, date="23/11/2026", kind="lettre"):
    form = page.form(LABEL).choose("Quel choix", subject).choose("Que demande", answer)
    form.choose("Comment l'a-t-il demandé", kind).fill("Date de sa demande", date)
    return form.choose("Comment savez-vous", "demande écrite").choose("Pourquoi", "à la demande du locataire")


def page_of(desk, number=1):
    return desk.get(f"/gestion/contrat/{number}/choix")


def answers(app):
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(Consent))


def test_g05_no_to_notices_by_mail_is_noted_with_its_proof_and_the_tenant_is_told(app, staff, mailbox, an_account):
    tenant = an_account(email="lea@free.fr", e_notice="Oui")
    page = staff.get("/gestion/contrat/1").click_link(LABEL)
    assert page.says(f"Aujourd'hui : {NOTICE} : Oui") and page.says("à partir de l'avis de décembre 2026")
    assert "aucune vérification" not in page.text and "rappel au numéro" not in page.text
    heard = []
    with signals.choices_changed.connected_to(lambda _, **what: heard.append(what), sender=app):
        done = filled(page, NOTICE, "Non").click()
    assert done.path == "/gestion/contrat/1" and done.says("le choix est noté")
    assert heard[0]["reference"] == tenant.lease.reference and heard[0]["choices"]["e_notice"] is False
    letter = mailbox.read(to="lea@free.fr")
    text = plain(letter.text)
    assert "À votre demande, notre bureau a noté un choix que vous avez demandé par écrit" in text
    assert plain(f"« {NOTICE} : Non (papier) »") in text and "à partir de l'avis de décembre 2026" in text
    assert letter.link_not_me and letter.link.endswith("/espace/choix")
    row = tenant.browser.get("/espace/choix").tree.cssselect("tbody tr")[0]
    told = plain(row.text_content())
    assert "Non" in told and "bailleur à votre demande (lettre, lundi 23 novembre 2026)" in told
    with app.app_context():
        (act,) = db.session.scalars(select(OfficeAct).where(OfficeAct.act != "viewed"))
        assert (act.act, act.identity, act.reason) == ("choice_noted", "written", "on_request")


def test_g05_from_no_to_yes_is_an_owners_act_with_a_way_out_in_the_mail(app, a_clerk, portal, mailbox, an_account):
    tenant = an_account(email="lea@free.fr")
    before = answers(app)
    refused = filled(page_of(a_clerk()), COMMERCIAL, "Oui").click()
    assert refused.says("demandez à un responsable") and answers(app) == before
    assert filled(page_of(a_clerk("M. Roy", "owner")), COMMERCIAL, "Oui").click().says("le choix est noté")
    letter = mailbox.read(to="lea@free.fr")
    way_out = next(link for link in letter.links if "/desabonnement/" in link)
    portal.get(way_out).click("Je me désabonne")
    assert "lien d'un e-mail" in plain(tenant.browser.get("/espace/choix").tree.cssselect("tbody tr")[0].text_content())
    with app.app_context():
        begin_write()
        account = lock_account(db.session.get_one(Contract, 1))
        wanted = written_choices.Request(Choice(ConsentPurpose.COMMERCIAL), True, "lettre", account.created_at.date())
        with pytest.raises(ValueError, match="owner"):
            written_choices.note(account, wanted, by_owner=False)


@pytest.mark.parametrize(
    ("date", "answer", "told"),
    [
        ("24/11/2026", "Non", "pas encore venue"),
        ("22/11/2025", "Non", "plus d'un an"),
        ("22/11/2026", "Non", "Une réponse plus récente"),
        ("", "Non", "Donnez la date"),
        ("le 12", "Non", "date"),
        ("23/11/2026", "Oui", "déjà la réponse"),
    ],
)
def test_g05_date_and_answer_must_make_sense(app, staff, an_account, date, answer, told):
    an_account(e_notice="Oui")
    before = answers(app)
    assert filled(page_of(staff), NOTICE, answer, date=date).click().says(told)
    assert answers(app) == before


def test_g05_choice_that_its_tenant_changed_meanwhile_is_left_alone(app, staff, mailbox, an_account):
    tenant = an_account(e_notice="Oui", general="Oui")
    page = page_of(staff)
    form = filled(page, "Informations générales par e-mail", "Non")
    own = tenant.browser.get("/espace/choix").form("J'enregistre mes choix")
    own.choose("Vous acceptez de recevoir des informations générales", "Non").click()
    before = answers(app)
    assert form.click().says("La situation a changé") and answers(app) == before
    filled(page_of(staff), NOTICE, "Non").click()
    assert filled(page, NOTICE, "Non").click().says("Rien n'est fait une seconde fois")
    mailbox.read_all()


def test_g05_each_contract_has_its_own_answer(app, staff, mailbox, an_account, a_contract):
    tenant, other = an_account(e_notice="Oui"), a_contract(payment="Chèque")
    form = tenant.browser.get("/espace/contrats/ajout").form("Je rattache ce contrat")
    form.fill("Référence de l'autre contrat", other.reference)
    form.fill("Numéro de module de l'autre contrat", other.module).fill("Mon mot de passe", tenant.password).click()
    mailbox.read_all()
    page = page_of(staff, 2)
    assert page.says(f"{NOTICE} : sans réponse ({other.reference})")
    filled(page, f"{NOTICE} : Oui ({tenant.lease.reference})", "Non").click()
    assert tenant.lease.reference[-3:] in mailbox.read().text
    with app.app_context():
        contracts = db.session.scalars(select(Contract).order_by(Contract.id)).all()
        current = [consents.current(lease.account_id, lease.id) for lease in contracts]
        assert current[0][ConsentPurpose.E_NOTICE].answer is False
        assert ConsentPurpose.E_NOTICE not in current[1]
