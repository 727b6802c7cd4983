"""Rent notices and receipts: published, read, kept, all as one ZIP (H05, L12)."""

import io
import logging
import tracemalloc
import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from tenant_portal.documents import bundle
from tests.support.page_text import plain
from tests.support.people import run, second_contract
from tests.support.rent_notices import files, in_folder, pdf, publish
from tests.support.steps import EMAIL

MB = 1_000_000


@pytest.fixture
def publish_both(app, landlord, tmp_path):
    """Return a function that publishes notices and receipts of months for a lease."""

    def publish_months(lease, *, notices=(), receipts=()):
        if notices:
            landlord({f"{lease.reference}_{month}.pdf": pdf(f"Avis {month}") for month in notices})
        if receipts:
            named = {f"{lease.reference}_{month}.pdf": pdf(f"Quittance {month}") for month in receipts}
            folder = in_folder(tmp_path / f"recus-{lease.reference}-{receipts[0]}", named)
            code, said = publish(app, folder, "--kind", "quittance")
            assert code == 0, said

    return publish_months


def shown(page):
    """Return the years and the titles below each, in their order."""
    nodes = page.tree.cssselect("main section h3, main .portal-documents a:first-child span:first-child")
    return [plain(node.text_content()) for node in nodes]


def zip_of(browser, address="/espace/avis/tout"):
    answer = browser.http.get(address, buffered=True)
    assert answer.status_code == 200
    return zipfile.ZipFile(io.BytesIO(answer.data))


@pytest.mark.every_home
def test_h05_tenant_finds_both_kinds_by_year_the_newest_first(an_account, publish_both):
    tenant = an_account()
    publish_both(tenant.lease, notices=("2026-11", "2026-12", "2025-12"), receipts=("2026-11", "2025-12"))
    page = tenant.browser.get("/espace").click_link("Mes avis")
    assert page.h1 == "Mes avis"
    assert shown(page) == [
        *("2026", "Avis de décembre 2026", "Avis de novembre 2026", "Quittance de novembre 2026"),
        *("2025", "Avis de décembre 2025", "Quittance de décembre 2025"),
    ]


@pytest.mark.every_home
def test_h05_a_document_opens_in_the_browser_and_can_be_kept(an_account, publish_both):
    tenant = an_account()
    publish_both(tenant.lease, notices=("2026-11",), receipts=("2026-11",))
    page = tenant.browser.get("/espace/avis")
    digits = tenant.lease.reference[-3:]
    for kind, said in (("avis", "Avis"), ("quittance", "Quittance")):
        name = f"{kind}-2026-11-contrat-se-terminant-par-{digits}.pdf"
        answers = {
            "inline": tenant.browser.http.get(page.link(f"{said} de novembre 2026 PDF, 1 ko"), buffered=True),
            "attachment": tenant.browser.http.get(page.link(f"Télécharger « {said} de novembre 2026 »"), buffered=True),
        }
        for way, answer in answers.items():
            assert answer.data == pdf(f"{said} 2026-11")
            headers = answer.headers
            assert headers["Content-Disposition"] == f"{way}; filename={name}"
            assert headers["Content-Type"] == "application/pdf" and headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Cache-Control"] == "no-store, private"
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "object-src 'self'" in policy and "script-src" not in policy


@pytest.mark.every_home
def test_h05_all_documents_come_as_one_zip(app, an_account, a_contract, publish_both):
    tenant, other, stranger = an_account(), a_contract(), an_account(email="autre@free.fr")
    second_contract(app, tenant.lease, other)
    publish_both(tenant.lease, notices=("2026-11",), receipts=("2026-11",))
    publish_both(other, notices=("2026-10",))
    publish_both(stranger.lease, notices=("2026-09",))
    answer = tenant.browser.http.get(tenant.browser.get("/espace/avis").link("Tout télécharger (ZIP)"), buffered=True)
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == "attachment; filename=mes-avis-2026-11-23.zip"
    assert answer.headers["Cache-Control"] == "no-store, private"
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == {
        f"contrat-{tenant.lease.reference}/avis-2026-11.pdf": pdf("Avis 2026-11"),
        f"contrat-{tenant.lease.reference}/quittance-2026-11.pdf": pdf("Quittance 2026-11"),
        f"contrat-{other.reference}/avis-2026-10.pdf": pdf("Avis 2026-10"),
    }


def test_h05_without_documents_there_is_no_zip_and_strangers_get_none(an_account, portal):
    tenant = an_account()
    page = tenant.browser.get("/espace/avis")
    assert not page.says("Tout télécharger")
    assert tenant.browser.get("/espace/avis/tout").path == "/espace/avis"
    assert portal.get("/espace/avis/tout").path == "/connexion"


def test_h05_documents_of_another_tenant_do_not_exist_whatever_the_way(an_account, publish_both):
    owner, other = an_account(), an_account(email="autre@free.fr")
    publish_both(owner.lease, receipts=("2026-11",))
    for address in ("/espace/avis/1", "/espace/avis/1/telecharger"):
        assert owner.browser.http.get(address, buffered=True).status_code == 200
        other.browser.get(address, status=404)


def test_h05_a_lost_file_is_told_in_the_zip_and_in_the_log(app, an_account, publish_both, caplog):
    tenant = an_account()
    publish_both(tenant.lease, notices=("2026-09", "2026-10", "2026-11"))
    next(path for path in files(app) if b"2026-10" in path.read_bytes()).unlink()
    with caplog.at_level(logging.ERROR):
        archive = zip_of(tenant.browser)
    folder = f"contrat-{tenant.lease.reference}"
    lost = "DOCUMENTS-MANQUANTS.txt"
    assert archive.testzip() is None
    assert archive.namelist() == [f"{folder}/avis-2026-11.pdf", f"{folder}/avis-2026-09.pdf", lost]
    text = plain(archive.read(lost).decode("utf-8-sig"))
    assert "Ces documents n'ont pas pu être joints." in text and f"{folder}/avis-2026-10.pdf" in text
    assert "a file is missing in a ZIP of a tenant: No such file" in caplog.text
    assert tenant.lease.reference not in caplog.text


def test_h05_the_zip_takes_no_more_memory_for_more_files():
    def highest(count):
        members = [bundle.Member(f"{n}.pdf", lambda n=n: bytes([n % 256]) * MB) for n in range(count)]
        tracemalloc.start()
        sent = sum(map(len, bundle.stream(members, datetime(2026, 11, 23), lambda *_: None, members[0])))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count * MB < sent < count * (MB + 300)
        return peak

    few, many = highest(4), highest(60)
    assert many < few + MB / 2 and many < 5 * MB


def test_h05_who_leaves_in_the_middle_leaves_nothing_behind(app, an_account, publish_both):
    tenant = an_account()
    publish_both(tenant.lease, notices=("2026-09", "2026-10", "2026-11"))
    answer = tenant.browser.http.get("/espace/avis/tout")
    pieces = answer.iter_encoded()
    assert next(pieces).startswith(b"PK")
    with app.app_context():
        assert app.extensions["sqlalchemy"].engine.pool.checkedout() == 0, "no connection is held meanwhile"
    answer.close()
    assert zip_of(tenant.browser).testzip() is None


def test_l12_tenant_who_agreed_to_mails_is_told_of_a_receipt_and_others_find_it_all_the_same(
    app, an_account, publish_both, mailbox
):
    tenant, other = an_account(e_notice="Oui"), an_account(email="autre@free.fr", e_notice="Non")
    publish_both(other.lease, receipts=("2026-11",))
    assert not mailbox.unread()
    assert shown(other.browser.get("/espace/avis")) == ["2026", "Quittance de novembre 2026"]
    publish_both(tenant.lease, receipts=("2026-11",))
    letter = mailbox.read(to=EMAIL)
    assert plain(letter.subject) == "Votre quittance de novembre 2026 est disponible"
    assert f"dont la référence se termine par {tenant.lease.reference[-3:]}" in plain(letter.text)
    assert "quittance disponible" in run(app, "contracts", "show", tenant.lease.reference)[1]


def test_h11_receipts_put_nobody_on_the_paper_list_of_notices(app, a_contract, publish_both):
    lease = a_contract(ends_on="22/11/2026")
    publish_both(lease, receipts=("2026-11",))
    assert lease.reference not in run(app, "notices", "paper", "2026-11")[1]
    publish_both(lease, notices=("2026-11",))
    assert lease.reference in run(app, "notices", "paper", "2026-11")[1]


@pytest.mark.parametrize(
    ("kind", "name", "is_taken"),
    [
        ("avis", "quittance_417201_2026-11.pdf", False),
        ("avis", "Quittances/417201_2026-11.pdf", False),
        ("avis", "quittancement-novembre/417201_2026-11.pdf", True),
        ("avis", "avis_et_quittance_417201_2026-11.pdf", True),
        ("quittance", "AVIS417201_2026-11.pdf", False),
        ("quittance", "417201_avis d'échéance_2026-11.pdf", False),
        ("quittance", "avis/quittance_417201_2026-11.pdf", True),
        ("quittance", "QUITTANCE_417201_2026-11.pdf", True),
        ("quittance", "417201_2026-11.pdf", True),
    ],
)
def test_h05_a_name_that_says_another_kind_is_refused(app, roster, tmp_path, kind, name, is_taken):
    roster.add(reference="417201")
    code, said = publish(app, in_folder(tmp_path / "novembre", {name: pdf()}), "--kind", kind)
    assert code == (0 if is_taken else 3), said
    other = "quittance" if kind == "avis" else "avis"
    assert (
        is_taken or f"se lit comme une autre sorte de document. Pour le publier ainsi, ajoutez --kind {other}" in said
    )


def test_h05_a_folder_that_says_another_kind_is_refused_whole(app, roster, tmp_path):
    roster.add(reference="417201")
    folder = in_folder(tmp_path / "Quittances novembre", {"417201_2026-11.pdf": pdf()})
    code, said = publish(app, folder)
    assert code == 3 and "« Quittances novembre » se lit comme une autre sorte" in said
    assert publish(app, folder, "--kind", "quittance")[0] == 0
    assert publish(app, folder, "--kind", "reçu")[0] == 2


@pytest.mark.settings(PORTAL_PAYMENT_URL="https://paiement.habitat-du-val.example/loyer")
def test_h05_tenant_whose_landlord_takes_payments_finds_where_to_pay(an_account, roster):
    tenant = an_account()
    for address in ("/espace", "/espace/avis"):
        link = tenant.browser.get(address).tree.xpath("//a[normalize-space()='Payer mon loyer']")[0]
        assert link.get("href") == "https://paiement.habitat-du-val.example/loyer"
        assert "noopener" in link.get("rel")
    roster.add(reference=tenant.lease.reference, module=tenant.lease.module, ends_on="22/11/2026")
    for address in ("/espace", "/espace/avis"):
        assert not tenant.browser.get(address).says("Payer mon loyer")


def test_h05_without_a_page_of_payment_there_is_no_link(an_account, make_app):
    assert not an_account().browser.get("/espace").says("Payer mon loyer")
    with pytest.raises(Exception, match="PORTAL_PAYMENT_URL"):
        make_app(PORTAL_PAYMENT_URL="http://paiement.example")


def test_h05_archives_of_both_kinds_are_saved_and_restored(app, an_account, publish_both, tmp_path):
    tenant = an_account()
    publish_both(tenant.lease, notices=("2026-11",), receipts=("2026-11",))
    archive = str(tmp_path / "portail.zip")
    assert run(app, "backup", archive)[0] == 0
    for path in files(app):
        Path(path).unlink()
    assert run(app, "restore", archive, "--force")[0] == 0
    assert zip_of(tenant.browser).testzip() is None
