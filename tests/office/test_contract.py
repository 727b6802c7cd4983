"""One tenant on one page: what to say first, then all that helps, each list bounded."""

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select, text, update

from tenant_portal import roster
from tenant_portal.accounts import registration
from tenant_portal.accounts.office_acts import OfficeAct
from tenant_portal.accounts.standing_words import SITUATIONS
from tenant_portal.accounts.steps import STEPS
from tenant_portal.db import begin_write, db
from tenant_portal.mail import contents, outbox
from tenant_portal.mail.fates import FATES
from tenant_portal.models import ConsentPurpose, Contract, Document, DocumentKind, Event, Mail, MailState
from tenant_portal.office import contract_file

from ..support.page_text import plain
from ..support.people import second_contract
from ..support.rent_notices import pdf
from ..support.steps import change_password, close_account, fill_not_me, finish, sign_up, write_at_home

#: Queries of a page, whatever the contract has.
QUERIES_MAX = 20


def number_of(app: Flask, reference: str) -> int:
    with app.app_context():
        return db.session.scalars(select(Contract.id).where(Contract.reference == reference)).one()


def look(staff, app, lease):
    return staff.get(f"/gestion/contrat/{number_of(app, lease.reference)}")


def headings(page):
    return [plain(node.text_content()) for node in page.tree.cssselect("main h2")]


@pytest.mark.every_home
def test_g04_one_page_tells_first_what_to_say_then_all_of_a_tenant(
    staff, app, mailbox, an_account, a_contract, landlord
):
    tenant, other = an_account(e_notice="Oui"), a_contract(street="3, place Verte")
    second_contract(app, tenant.lease, other)
    landlord({f"{tenant.lease.reference}_2026-11.pdf": pdf()})
    write_at_home(tenant.browser, topic="Mon logement", body="Une fuite")
    mailbox.read_all()
    page = look(staff, app, tenant.lease)
    assert headings(page)[0] == "À dire au téléphone"
    order = [
        "Où en est ce locataire",
        "Connexion",
        "Bail et paiement",
        "Choix",
        "Documents",
        "Correspondance par e-mail",
    ]
    assert headings(page)[1:] == [*order, "Messages", "Autres contrats du même compte", "Ce que le bureau a fait"]
    assert page.says(str(SITUATIONS["finished"].on_the_telephone))
    assert page.says("Attention : ne dites pas si un compte existe")
    for said in (
        *("les douze étapes sont faites", "Dernière connexion", "Prélèvement automatique", "Début du bail"),
        *("Avis d'échéance par e-mail : Oui", "L'avis d'échéance part par e-mail", "Avis de novembre 2026"),
        *("pas encore ouvert", "activation du compte : acceptée par", "Mon logement ou une réparation", "Reçu"),
    ):
        assert page.says(said), said
    assert not page.says("Une fuite"), "texts stand in their thread"
    assert page.click_link(other.reference).says(f"Contrat {other.reference}")
    assert not re.search(r"\b(reçue|lue)\b", page.text)


def test_g04_opening_is_one_line_of_the_journal_and_a_colleague_reads_who(a_clerk, app, a_contract):
    lease = a_contract()
    page = look(a_clerk("Mme Roux"), app, lease)
    assert not page.says("Ouvert par")
    with app.app_context():
        assert [(act.clerk, act.act) for act in db.session.scalars(select(OfficeAct))] == [("Mme Roux", "viewed")]
    assert re.search(r"Ouvert par Mme Roux à \d+ h \d\d", plain(look(a_clerk("M. Petit"), app, lease).text))
    assert not look(a_clerk("Mme Roux"), app, lease).says("Ouvert par Mme Roux")
    a_clerk().get("/gestion/contrat/999999", status=404)


def test_g04_each_mail_shows_its_fate_and_what_its_tenant_saw_without_a_link(staff, app, mailbox, portal, a_contract):
    lease = a_contract()
    sign_up(portal, lease)
    waiting = look(staff, app, lease)
    assert waiting.says("activation du compte : en attente")
    link = mailbox.read().link
    token = link.split("?")[0].rpartition("/")[2]
    page = look(staff, app, lease)
    assert page.says("Activez votre compte locataire") and page.says("Pour l'activer, cliquez sur ce lien avant le")
    assert contents.BLACKED in page.text
    for answer in (*staff.answers, waiting.response):
        assert token not in answer.get_data(as_text=True)
    with app.app_context():
        assert token not in str(db.session.scalars(select(Mail.content)).all())
    fates = {
        (MailState.WAITING, "on its way"): "partie",
        (MailState.WAITING, "about us, quota: 550"): "en attente (à cause de nous)",
        (MailState.REFUSED, "gone: 550 5.1.1"): "refusée (inexistante)",
        (MailState.REFUSED, "full: 552 5.2.2"): "refusée (pleine)",
        (MailState.REFUSED, "about us, quota: 550"): "refusée (à cause de nous)",
        (MailState.REFUSED, "expired"): "elle n'est jamais partie",
        (MailState.BOUNCED, "gone: returned"): "revenue (inexistante)",
    }
    for (state, error), word in fates.items():
        with app.app_context():
            begin_write()
            db.session.execute(update(Mail).values(state=state, error=error))
            db.session.commit()
        assert look(staff, app, lease).says(f"activation du compte : {word}") or word.startswith("elle"), word
        assert look(staff, app, lease).says(word)
    with app.app_context():
        begin_write()
        db.session.execute(update(Mail).values(content=None, state=MailState.SENT, error=""))
        db.session.commit()
    assert look(staff, app, lease).says("Son contenu n'est pas gardé.")


def test_g04_answers_of_an_unfinished_sign_up_are_shown_to_nobody(staff, app, mailbox, portal, a_contract):
    lease = a_contract()
    sign_up(portal, lease, e_notice="Oui", commercial="Oui")
    link = mailbox.read().link
    for opens in (False, True):
        if opens:
            finish(portal, link, lease.reference, "un mauvais mot de passe")
        page = look(staff, app, lease)
        assert page.says("les réponses d'une inscription non terminée ne sont montrées à personne")
        assert not page.says(": Oui") and not page.says("commerciales")


def test_g04_a_document_tells_when_its_tenant_first_opened_it(staff, app, mailbox, an_account, landlord, clock):
    tenant = an_account()
    reference = tenant.lease.reference
    landlord({f"{reference}_2026-{month}.pdf": pdf(f"Avis {month}") for month in ("10", "11")})
    newest, oldest = (f"/espace/avis/{number}" for number in opened_numbers(app))
    tenant.browser.http.head(newest, buffered=True)
    assert plain(look(staff, app, tenant.lease).text).count("pas encore ouvert") == 2
    assert tenant.browser.http.get(newest, buffered=True).status_code == 200
    clock.move(days=1)
    tenant.log_in(tenant.browser)
    tenant.browser.http.get(newest, buffered=True)
    page = look(staff, app, tenant.lease)
    assert page.says("Avis de novembre 2026 ouvert le lundi 23 novembre") and page.says("pas encore ouvert")
    assert tenant.browser.http.get("/espace/avis/tout", buffered=True).status_code == 200
    page = look(staff, app, tenant.lease)
    assert page.says("ouvert le lundi 23 novembre") and page.says("ouvert le mardi 24 novembre")
    landlord({f"{reference}_2026-11.pdf": pdf("corrigé")})
    assert look(staff, app, tenant.lease).says("pas encore ouvert"), "another file"


def opened_numbers(app: Flask) -> list[int]:
    with app.app_context():
        return list(db.session.scalars(select(Document.id).order_by(Document.period.desc())))


def test_g04_the_page_says_what_stands_in_the_way_of_a_login(staff, app, mailbox, an_account, post_office):
    closed, frozen, failed = (an_account(email=f"{name}@free.fr") for name in ("zoe", "luc", "eve"))
    close_account(closed.browser)
    mailbox.read(to="zoe@free.fr")
    change_password(frozen.browser)
    fill_not_me(frozen.browser.get(mailbox.read(to="luc@free.fr").link_not_me)).click()
    post_office.answers["eve@free.fr"] = "550 5.1.1 unknown"
    failed.log_in(failed.browser.another_browser())
    mailbox.read_all()
    for tenant, situation in ((closed, "closed"), (frozen, "frozen"), (failed, "address_failed")):
        page, words = look(staff, app, tenant.lease), SITUATIONS[situation]
        assert page.says(str(words.on_the_telephone)) and page.says(str(words.not_to_say))
        assert page.says(str(words.for_staff)) and page.says(f"État {words.word}")


def test_g15_help_of_the_office_reads_every_word_from_the_tables(staff):
    page = staff.get("/gestion").click_link("Aide du bureau")
    for situation in SITUATIONS.values():
        assert all(page.says(str(cell)) for cell in (situation.word, situation.for_staff, situation.not_to_say))
        assert page.says(str(situation.on_the_telephone))
    for row in (*STEPS, *FATES.values()):
        assert all(page.says(str(cell)) for cell in row)


def _crowded(app: Flask, *, rows: int) -> Contract:
    """Return a contract with an account, among others, with so many rows in each table."""
    lines = [{"reference": str(n), "module": "7", "last_name": f"NOM{n}"} for n in range(20_000, 20_000 + 300)]
    roster.take(lines, name="x")
    db.session.commit()
    contract = db.session.scalars(select(Contract).where(Contract.reference == "20007")).one()
    choices = dict.fromkeys(ConsentPurpose, True)
    submission = registration.Submission(email="elodie@orange.fr", choices=choices)
    account = registration.sign_up(contract, submission, password="girafe", language="fr").account
    assert account is not None
    account.activated_at = account.completed_at = account.created_at
    for number in range(rows):
        period = account.created_at.date().replace(year=2000 + number // 12, month=number % 12 + 1, day=1)
        facts: dict[str, Any] = {"contract_id": contract.id, "digest": f"{number:064}", "size": 1}
        db.session.add(Document(kind=DocumentKind.NOTICE, period=period, **facts))
        db.session.add(Event(name="login_refused", account_id=account.id, contract_id=contract.id, step=11))
        db.session.add(OfficeAct(clerk="Mme Roux", act="viewed", contract_id=contract.id))
        content = {"digits": "007", "link": "https://x.example/y", "changed_at": account.created_at.isoformat()}
        outbox.put("password_changed", "elodie@orange.fr", account=account, contract=contract, content=content)
    db.session.commit()
    return contract


@pytest.mark.databases("sqlite", "postgresql")
def test_g04_a_bounded_number_of_queries_each_by_an_index(app: Flask) -> None:
    asked: list[str] = []
    with app.test_request_context("/"):
        number = _crowded(app, rows=40).id
        is_postgresql = db.engine.dialect.name == "postgresql"

        def explain(connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
            if statement.startswith("SELECT"):
                word = "EXPLAIN " if is_postgresql else "EXPLAIN QUERY PLAN "
                told = connection.connection.cursor().execute(word + statement, parameters).fetchall()
                asked.append("\n".join([statement, *(str(line) for line in told)]))

        if is_postgresql:
            db.session.execute(text("ANALYZE"))
            db.session.commit()
        for _ in range(2):
            db.session.rollback()
            db.session.expire_all()
            if is_postgresql:
                db.session.execute(text("SET LOCAL enable_seqscan = off"))  # it would scan so small tables
            asked.clear()
            event.listen(db.engine, "after_cursor_execute", explain)
            try:
                file = contract_file.gather(db.session.get_one(Contract, number), reader="M. Petit")
            finally:
                event.remove(db.engine, "after_cursor_execute", explain)
    assert len(file.documents) == 40 and len(file.mails) == contract_file.MAILS_MAX and file.looked is not None
    assert 5 < len(asked) <= QUERIES_MAX, "\n\n".join(asked)
    for plan in asked:
        assert not re.search(r"SCAN portal_|Seq Scan on portal_", plan), plan
