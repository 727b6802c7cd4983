"""A tenant finds, opens and hears of his own rent notices alone."""

import logging
from pathlib import Path

import pytest

from tests.support.page_text import plain
from tests.support.people import must_run, second_contract
from tests.support.rent_notices import pdf
from tests.support.steps import EMAIL, fill_login, sign_up


def publish_for(landlord, tenant, *months, text="Avis"):
    return landlord({f"{tenant.lease.reference}_{month}.pdf": pdf(f"{text} {month}") for month in months})


def notice_links(page):
    """Return text and address of each document."""
    return [(plain(a.text_content()), a.get("href")) for a in page.tree.cssselect(".portal-documents a:first-child")]


def test_tenant_without_notices_is_told_so(an_account):
    tenant = an_account()
    page = tenant.browser.get("/espace").click_link("Mes avis")
    assert page.path == "/espace/avis" and page.h1 == "Mes avis"
    assert page.says("Il n'y a pas encore d'avis d'échéance ici pour ce contrat.")
    assert page.click_link("Revenir à mon espace").path == "/espace"


def test_tenant_finds_his_notices_the_newest_first(an_account, landlord):
    tenant = an_account()
    publish_for(landlord, tenant, "2026-09", "2026-11", "2025-12", "2026-10")
    page = tenant.browser.get("/espace").click_link("Mes avis")
    assert [text for text, _ in notice_links(page)] == [
        "Avis de novembre 2026 PDF, 1 ko",
        "Avis d'octobre 2026 PDF, 1 ko",
        "Avis de septembre 2026 PDF, 1 ko",
        "Avis de décembre 2025 PDF, 1 ko",
    ]
    assert not page.says("pas encore d'avis")


def test_tenant_with_two_contracts_finds_the_notices_of_each(app, an_account, a_contract, landlord):
    tenant, other = an_account(), a_contract()
    second_contract(app, tenant.lease, other)
    publish_for(landlord, tenant, "2026-11")
    landlord({f"{other.reference}_2026-10.pdf": pdf()})
    page = tenant.browser.get("/espace/avis")
    assert [text for text, _ in notice_links(page)] == [
        "Avis de novembre 2026 PDF, 1 ko",
        "Avis d'octobre 2026 PDF, 1 ko",
    ]
    assert page.says(f"Contrat {tenant.lease.reference}") and page.says(f"Contrat {other.reference}")


@pytest.mark.every_home
def test_tenant_opens_his_notice_and_it_stays_between_him_and_the_landlord(an_account, landlord):
    tenant = an_account()
    publish_for(landlord, tenant, "2026-11")
    (_, address), *_ = notice_links(tenant.browser.get("/espace/avis"))
    answer = tenant.browser.http.get(address, buffered=True)
    assert answer.status_code == 200
    assert answer.data == pdf("Avis 2026-11")
    assert answer.headers["Content-Type"] == "application/pdf"
    name = f"avis-2026-11-contrat-se-terminant-par-{tenant.lease.reference[-3:]}.pdf"
    assert answer.headers["Content-Disposition"] == f"inline; filename={name}"
    to_keep = tenant.browser.http.get(f"{address}/telecharger", buffered=True)
    assert to_keep.headers["Content-Disposition"] == f"attachment; filename={name}" and to_keep.data == answer.data
    assert answer.headers["Cache-Control"] == "no-store, private"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "ETag" not in answer.headers and "Last-Modified" not in answer.headers
    assert tenant.browser.http.head(address, buffered=True).status_code == 200


def test_tenant_opens_the_corrected_notice_at_the_same_address(an_account, landlord):
    tenant = an_account()
    publish_for(landlord, tenant, "2026-11")
    (_, address), *_ = notice_links(tenant.browser.get("/espace/avis"))
    publish_for(landlord, tenant, "2026-11", text="Corrigé")
    assert len(notice_links(tenant.browser.get("/espace/avis"))) == 1
    assert tenant.browser.http.get(address, buffered=True).data == pdf("Corrigé 2026-11")


@pytest.mark.every_home
def test_notices_of_another_tenant_do_not_exist(an_account, landlord, portal):
    owner, other = an_account(), an_account(email="autre@free.fr")
    publish_for(landlord, owner, "2026-11")
    (_, address), *_ = notice_links(owner.browser.get("/espace/avis"))
    assert owner.browser.http.get(address, buffered=True).status_code == 200
    assert not notice_links(other.browser.get("/espace/avis"))
    page = other.browser.get("/espace/avis/1", status=404)
    assert page.h1 == other.browser.get("/espace/avis/99999", status=404).h1 == "Cette page n'existe pas"
    assert other.browser.http.get(address, buffered=True).status_code == 404
    assert portal.get("/espace/avis/1").path == "/connexion"


@pytest.mark.every_home
def test_tenant_is_told_kindly_when_the_file_is_lost_and_the_landlord_finds_it_in_the_log(
    app, an_account, landlord, caplog
):
    tenant = an_account()
    publish_for(landlord, tenant, "2026-11")
    (_, address), *_ = notice_links(tenant.browser.get("/espace/avis"))
    for path in (Path(app.config["PORTAL_DATA_DIR"]) / "notices").rglob("*"):
        if path.is_file():
            path.unlink()
    with caplog.at_level(logging.ERROR):
        page = tenant.browser.get(address, status=404)
    assert page.h1 == "Ce document ne peut pas être ouvert pour le moment"
    assert page.says("Le problème ne vient pas de vous.") and page.link("Laissez-nous un message")
    assert "No such file" in caplog.text and tenant.lease.reference not in caplog.text


def test_tenant_whose_session_ended_on_the_list_is_at_home_after_his_login(an_account, landlord, portal):
    tenant = an_account()
    publish_for(landlord, tenant, "2026-11")
    (_, address), *_ = notice_links(tenant.browser.get("/espace/avis"))
    assert fill_login(portal.get(address), tenant.lease.reference, tenant.password).click().path == "/espace"


@pytest.mark.every_home
def test_tenant_who_chose_so_is_told_by_mail_and_its_link_leads_to_his_notices(an_account, landlord, mailbox, portal):
    tenant = an_account(e_notice="Oui")
    said = publish_for(landlord, tenant, "2026-11")
    assert "1 locataire est prévenu par e-mail." in said
    letter = mailbox.read(to=EMAIL)
    assert plain(letter.subject) == "Votre avis d'échéance de novembre 2026 est disponible"
    text = plain(letter.text)
    assert (
        f"se termine par {tenant.lease.reference[-3:]}," in text and tenant.lease.reference not in letter.raw.decode()
    )
    assert not list(letter.message.iter_attachments()) and "€" not in text
    page = fill_login(portal.get(letter.link), tenant.lease.reference).click()
    assert page.path == "/espace/avis" and len(notice_links(page)) == 1


def test_the_same_notice_again_is_no_news_and_a_corrected_one_says_so(an_account, landlord, mailbox):
    tenant = an_account(e_notice="Oui")
    publish_for(landlord, tenant, "2026-11")
    assert "remplace" not in mailbox.read(to=EMAIL).text
    publish_for(landlord, tenant, "2026-11")
    assert not mailbox.unread()
    publish_for(landlord, tenant, "2026-11", text="Corrigé")
    letter = mailbox.read(to=EMAIL)
    assert "Il remplace celui que nous avions publié pour ce mois." in letter.text


def test_tenant_gets_one_mail_when_many_months_are_published_at_once(an_account, landlord, mailbox):
    tenant = an_account(e_notice="Oui")
    publish_for(landlord, tenant, "2026-09", "2026-11", "2026-10")
    assert plain(mailbox.read(to=EMAIL).subject) == "Votre avis d'échéance de novembre 2026 est disponible"
    assert not mailbox.unread()


@pytest.mark.parametrize("why", ["refused", "other payment", "ended", "not begun"])
def test_tenant_who_keeps_his_paper_notice_gets_no_mail_but_finds_it_here(an_account, roster, landlord, mailbox, why):
    tenant = an_account(e_notice="Non" if why == "refused" else "Oui")
    changes = {
        "other payment": {"payment": "Chèque"},
        "ended": {"ends_on": "22/11/2026"},
        "not begun": {"starts_on": "01/12/2026"},
    }
    roster.add(reference=tenant.lease.reference, module=tenant.lease.module, **changes.get(why, {}))
    said = publish_for(landlord, tenant, "2026-11")
    assert "prévenu" not in said and not mailbox.unread()
    assert len(notice_links(tenant.browser.get("/espace/avis"))) == 1


def test_tenant_whose_account_is_not_finished_gets_no_mail(portal, a_contract, landlord, mailbox):
    lease = a_contract()
    sign_up(portal, lease, e_notice="Oui")
    mailbox.read(to=EMAIL)
    landlord({f"{lease.reference}_2026-11.pdf": pdf()})
    assert not mailbox.unread()


def test_tenant_whose_address_failed_gets_no_further_mail(an_account, landlord, mailbox, post_office):
    tenant = an_account(e_notice="Oui")
    post_office.answers[EMAIL] = "550 5.1.1 no such user"
    publish_for(landlord, tenant, "2026-10")
    assert not mailbox.unread()
    post_office.answers.clear()
    publish_for(landlord, tenant, "2026-11")
    assert not mailbox.unread()
    assert len(notice_links(tenant.browser.get("/espace/avis"))) == 2


def test_staff_see_the_mail_about_the_notice_in_where_the_tenant_stands(app, an_account, landlord, mailbox):
    tenant = an_account(e_notice="Oui")
    publish_for(landlord, tenant, "2026-11")
    mailbox.read(to=EMAIL)
    assert "avis d'échéance disponible" in must_run(app, "contracts", "show", tenant.lease.reference)


def test_tenant_who_reads_english_reads_of_his_notices_in_english(an_account, landlord):
    tenant = an_account()
    publish_for(landlord, tenant, "2026-11")
    page = tenant.browser.get("/espace/avis?langue=en")
    assert [text for text, _ in notice_links(page)] == ["Notice for November 2026 PDF, 1 kB"]
