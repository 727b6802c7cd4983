"""« À traiter »: what waits stands there until its cause is gone, the most harmful first (G02)."""

from datetime import date

from sqlalchemy import select

from tenant_portal.db import begin_write, db
from tenant_portal.messages.models import Message
from tenant_portal.models import Document
from tests.support.page_text import plain
from tests.support.people import must_run, run
from tests.support.portal_client import Portal
from tests.support.rent_notices import pdf
from tests.support.steps import EMAIL, Lease, fill_sign_up, sign_up, write_message

WELL = "Tout va bien : rien n'attend."


def piles(staff, address="/gestion"):
    """Return what waits, in the order of the page: heading with number, and the text of each line."""
    page = staff.get(address)
    found = {}
    for section in page.tree.cssselect("section.portal-todo"):
        heading = plain(section.find("h2").text_content()).strip()
        found[heading] = [" ".join(plain(line.text_content()).split()) for line in section.cssselect("li")]
    return found


def waiting(staff, heading):
    """Return the only line of a pile, or None."""
    lines = next((lines for name, lines in piles(staff).items() if name.startswith(heading)), [None])
    (line,) = lines
    return line


def test_g02_an_empty_desk_says_that_all_is_well_and_how_old_roster_and_notices_are(
    staff, app, an_account, landlord, clock, mailbox
):
    page = staff.get("/gestion")
    assert page.says(WELL) and page.says("Aucune liste des contrats n'est encore importée.")
    tenant = an_account()
    landlord({f"{tenant.lease.reference}_2026-11.pdf": pdf()})
    clock.move(days=2)
    page = staff.get("/gestion")
    assert page.says(WELL) and page.says("Bonne journée")
    assert page.says("Liste des contrats : importée le lundi 23 novembre 2026, il y a 2 jours.")
    assert page.says("Derniers avis publiés : ceux de novembre 2026, le lundi 23 novembre 2026, il y a 2 jours.")
    clock.move(days=50)
    page = staff.get("/gestion")
    assert page.says("Elle est ancienne : importez la dernière.") and page.says("Ceux de ce mois manquent.")


def test_g02_a_contested_account_comes_first_until_the_office_has_settled_it(staff, app, an_account, clock, mailbox):
    tenant = an_account()
    write_message(Portal(app), reference="", email="zoe@free.fr")
    clock.move(days=10)
    must_run(app, "contracts", "freeze", tenant.lease.reference)
    mailbox.read_all()
    clock.move(hours=3)
    assert [name.rpartition(" ")[0] for name in piles(staff)][:2] == ["Comptes contestés", "Messages en retard"]
    line = waiting(staff, "Comptes contestés")
    assert line.startswith(f"Mme Élodie MARTIN, {tenant.lease.reference} : vérifiez à qui est ce contrat")
    assert "Depuis 3 heures" in line and "Ouvert par" not in line
    page = staff.get("/gestion").click_link(f"Mme Élodie MARTIN, {tenant.lease.reference}")
    assert page.says("contesté"), "a line leads to the remedy"
    must_run(app, "contracts", "thaw", tenant.lease.reference)
    mailbox.read_all()
    assert "Comptes contestés 1" not in piles(staff)


def test_g02_who_opened_a_line_last_stands_there_and_the_line_stays(staff, a_clerk, app, an_account, clock, mailbox):
    tenant = an_account()
    staff.get("/gestion/contrat/1")
    clock.move(minutes=5)
    must_run(app, "contracts", "freeze", tenant.lease.reference)
    mailbox.read_all()
    assert "Ouvert" not in waiting(staff, "Comptes contestés"), "what was seen before was something else"
    clock.move(minutes=7)
    staff.get("/gestion").click_link(f"Mme Élodie MARTIN, {tenant.lease.reference}")
    assert "Ouvert par vous à 9 h 42" in waiting(staff, "Comptes contestés")
    colleague = a_clerk("M. Roy")
    assert "Ouvert par Mme Moreau à 9 h 42" in waiting(colleague, "Comptes contestés")
    clock.move(days=1)
    assert "Ouvert par Mme Moreau le lundi 23 novembre à 9 h 42" in waiting(colleague, "Comptes contestés")


def test_g02_a_notice_whose_mail_came_back_was_served_neither_by_mail_nor_on_paper(
    staff, an_account, landlord, post_office, mailbox, clock
):
    tenant = an_account(e_notice="Oui")
    landlord({f"{tenant.lease.reference}_2026-11.pdf": pdf()})
    assert not any(name.startswith("Avis remis") for name in piles(staff)), "it may still arrive"
    post_office.answers[EMAIL] = "550 5.1.1 no such user"
    mailbox.deliver()
    found = list(piles(staff).items())
    assert [name for name, _ in found][:2] == ["Avis remis ni par e-mail, ni sur papier 1", "Adresses mail en erreur 1"]
    assert "l'e-mail de l'avis n'a pas été remis : imprimez cet avis" in found[0][1][0]
    assert "l'adresse mail ne reçoit plus rien : faites-la corriger" in found[1][1][0]
    clock.move(days=7)
    landlord({f"{tenant.lease.reference}_2026-12.pdf": pdf("Décembre")})
    assert next(iter(piles(staff))) == "Adresses mail en erreur 1", "the next notice goes on paper"


def test_g02_a_tenant_by_mail_whose_notice_nobody_published_is_told_from_the_next_day_on(
    staff, app, an_account, a_contract, landlord, clock, mailbox
):
    by_mail, on_paper = an_account(e_notice="Oui"), an_account(email="paul@free.fr", e_notice="Non")
    clock.move(hours=1)
    landlord({f"{a_contract().reference}_2026-11.pdf": pdf()})
    assert staff.get("/gestion").says(WELL), "a publication may take a day"
    clock.move(days=1, hours=1)
    line = waiting(staff, "Avis remis ni par e-mail")
    assert by_mail.lease.reference in line and "aucun avis publié pour novembre 2026" in line
    assert on_paper.lease.reference not in line
    landlord({f"{by_mail.lease.reference}_2026-11.pdf": pdf()})
    mailbox.read_all()
    assert staff.get("/gestion").says(WELL)


def test_g02_mails_that_do_not_leave_say_since_when(staff, portal, a_contract, mailbox, clock):
    sign_up(portal, a_contract())
    clock.move(minutes=10)
    assert staff.get("/gestion").says(WELL)
    clock.move(minutes=10)
    line = waiting(staff, "Envoi des e-mails")
    assert line.startswith("L'envoi des e-mails est arrêté depuis le lundi 23 novembre à 9 h 30. Prévenez")
    mailbox.read()
    assert staff.get("/gestion").says(WELL)


def test_g02_a_message_is_told_from_the_day_after_it_was_due_until_it_is_answered(staff, app, portal, clock, mailbox):
    write_message(portal, reference="", email="zoe@free.fr")
    mailbox.read_all()
    assert staff.get("/gestion").says(WELL)
    clock.move(days=6)
    line = waiting(staff, "Messages en retard")
    with app.app_context():
        number = db.session.scalars(select(Message)).one().number
    assert f"zoe@free.fr : message {number}, réponse attendue le" in line and "Depuis" in line
    must_run(app, "messages", "answer", number, "-", stdin=b"Bonjour")
    mailbox.read_all()
    assert staff.get("/gestion").says(WELL)


def test_g02_many_lines_are_counted_and_the_oldest_shown_the_rest_on_a_page_of_their_kind(staff, app):
    with app.app_context():
        begin_write()
        for day in range(1, 9):
            facts = {"number": f"M-{day}", "topic": "home", "email": f"t{day}@free.fr", "due_on": date(2026, 11, day)}
            db.session.add(Message(**facts))
        db.session.commit()
    lines = piles(staff)["Messages en retard 8"]
    assert len(lines) == 5 and lines[0].startswith("t1@free.fr")
    page = staff.get("/gestion").click_link("Voir les 3 autres aussi")
    assert len(page.tree.cssselect(".portal-todo--overdue li")) == 8
    assert page.click_link("Tout ce qui est à traiter").path == "/gestion"
    assert staff.get("/gestion?voir=nichts").says("Messages en retard")


def test_g02_a_sign_up_without_login_for_three_days_is_told_with_its_reason(
    staff, app, portal, a_contract, clock, mailbox, post_office
):
    sent, waits, refused = a_contract(), a_contract(), a_contract()
    sign_up(portal, sent)
    mailbox.read()
    post_office.answers["non@free.fr"] = "550 5.1.1 no such user"
    sign_up(Portal(app), refused, email="non@free.fr")
    mailbox.deliver()
    sign_up(Portal(app), waits, email="tard@free.fr")
    assert not any("étape 9" in name for name in piles(staff))
    clock.move(days=3, minutes=1)
    lines = piles(staff)["Inscriptions arrêtées à l'étape 9 depuis trois jours 3"]
    said = {line.partition(" : ")[0][-6:]: line for line in lines}
    assert "n'est plus valable : renvoyez-le" in said[sent.reference], "the link lives three days"
    assert "attend de partir" in said[waits.reference] and "a été refusé" in said[refused.reference]
    mailbox.read_all()
    sign_up(portal, sent)
    mailbox.read_all()
    assert sent.reference not in " ".join(piles(staff)["Inscriptions arrêtées à l'étape 9 depuis trois jours 2"])


def test_g02_numbers_that_nobody_finds_are_told_until_the_roster_has_them(staff, app, portal, a_contract, mailbox):
    a_contract()
    for reference in ("555001", "555002", "555003"):
        form = fill_sign_up(portal, Lease(reference, "12345678"))
        form.click("Je valide la création de mon compte")
    line = waiting(staff, "Numéros introuvables")
    assert line.startswith("3 références inconnues saisies à l'inscription en sept jours") and "555" not in line
    write_message(Portal(app), topic="Mon bail est récent", reference="555001", email="neuf@free.fr", body="")
    mailbox.read_all()
    lines = piles(staff)["Numéros introuvables 2"]
    assert any("attend le contrat 555001" in line for line in lines)
    a_contract(reference="555001", module="12345678")
    mailbox.read_all()
    assert not any("attend le contrat" in line for line in piles(staff)["Numéros introuvables 1"])


def test_g02_a_clerk_reads_what_is_new_since_he_was_here(staff, a_clerk, app, an_account, clock, mailbox, post_office):
    assert piles(staff)["Depuis votre dernier passage"] == []
    clock.move(minutes=31)
    tenant = an_account()
    write_message(Portal(app), reference=tenant.lease.reference, email="zoe@free.fr")
    mailbox.read_all()
    for _ in range(2):
        news = piles(staff)["Depuis votre dernier passage"]
        assert news[0] == f"1 compte créé : Mme Élodie MARTIN, {tenant.lease.reference}"
        assert news[1].startswith("1 message écrit : Mme Élodie MARTIN")
        clock.move(minutes=20)
    page = staff.get("/gestion/contrat/1")
    clock.move(minutes=20)
    assert page.says("MARTIN") and piles(staff)["Depuis votre dernier passage"], (
        "a page elsewhere goes on with the visit"
    )
    clock.move(minutes=31)
    assert piles(staff)["Depuis votre dernier passage"] == []
    clock.move(days=40)
    assert run(app, "purge")[1].count("Derniers passages des gestionnaires : 1")


def test_g02_a_month_published_years_ahead_is_a_slip_and_no_month(staff, app, an_account):
    an_account()
    with app.app_context():
        begin_write()
        db.session.add(Document(contract_id=1, kind="notice", period=date(2031, 1, 1), digest="0" * 64, size=1))
        db.session.commit()
    assert staff.get("/gestion").says("Aucun avis d'échéance n'est encore publié.")
