"""A notice goes by mail or on paper, never both, never neither, and its tenant reads which and why."""

import csv
import io
import random
import shutil
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from tenant_portal import roster
from tenant_portal.db import begin_write, db, utcnow
from tenant_portal.documents import unserved
from tenant_portal.models import Account, Consent, ConsentPurpose, Contract, Mail
from tenant_portal.roster import csv_reader
from tests.support.page_text import plain
from tests.support.paths import ROOT
from tests.support.people import must_run, run
from tests.support.rent_notices import in_folder, pdf, publish
from tests.support.steps import EMAIL, close_account, log_in, sign_up

CONTRACTS = ROOT / "tests" / "data" / "contrats.csv"
MONTH = "2026-12"


def paper_list(app, month=MONTH):
    """Return the rows of the paper list, each as a dictionary."""
    result = app.test_cli_runner().invoke(args=["portal", "notices", "paper", month])
    assert result.exit_code == 0, result.output
    assert result.stdout_bytes.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(result.stdout_bytes.decode("utf-8-sig"), newline=""), delimiter=";"))


def reason_for(app, lease, month=MONTH):
    """Return why the paper list names a contract, or None."""
    return {row["Référence contrat"]: plain(row["Motif"]) for row in paper_list(app, month)}.get(lease.reference)


def says_way(browser, text):
    return browser.get("/espace").says(text)


def test_h11_tenant_who_gets_mails_reads_so_and_is_on_no_paper_list(app, an_account):
    tenant = an_account(e_notice="Oui")
    assert says_way(tenant.browser, "Vos avis arrivent par e-mail.")
    assert not says_way(tenant.browser, "par courrier") and reason_for(app, tenant.lease) is None


def test_h11_tenant_who_said_no_reads_that_paper_comes(app, an_account):
    tenant = an_account(e_notice="Non")
    assert says_way(tenant.browser, "Vos avis arrivent par courrier. Vous n'avez pas choisi l'avis par e-mail.")
    assert reason_for(app, tenant.lease) == "avis par e-mail pas choisi"


@pytest.mark.every_home
def test_t23_direct_debit_stops_and_the_next_visit_says_since_when_paper_comes(
    app, an_account, roster, landlord, clock, mailbox
):
    tenant = an_account(e_notice="Oui")
    clock.move(minutes=10)
    roster.add(reference=tenant.lease.reference, module=tenant.lease.module, payment="Chèque")
    clock.move(days=40)
    roster.add(reference=tenant.lease.reference, module=tenant.lease.module, payment="Chèque", last_name="DURAND")
    said = "Attention : Vos avis arrivent par courrier depuis le lundi 23 novembre 2026. Votre contrat n'est plus en"
    page = tenant.log_in(tenant.browser)
    assert page.says(said) and page.link("laissez-nous un message")
    assert reason_for(app, tenant.lease) == "avis par e-mail choisi, mais pas de prélèvement automatique"
    landlord({f"{tenant.lease.reference}_2026-12.pdf": pdf()})
    assert not mailbox.unread()
    roster.add(reference=tenant.lease.reference, module=tenant.lease.module)
    assert says_way(tenant.browser, "Vos avis arrivent par e-mail.") and reason_for(app, tenant.lease) is None


def test_t22_whoever_never_paid_by_direct_debit_is_not_told_that_it_stopped(an_account, a_contract):
    tenant = an_account(a_contract(payment="Chèque"), e_notice="Oui")
    page = tenant.browser.get("/espace")
    assert page.says("Votre choix est noté. Votre contrat n'est pas en prélèvement automatique")
    assert not page.says("depuis le")


def test_t24_a_bounce_puts_the_notice_back_on_paper_and_a_new_address_back_to_mail(
    app, an_account, landlord, post_office, mailbox
):
    tenant = an_account(e_notice="Oui")
    post_office.answers[EMAIL] = "550 5.1.1 no such user"
    landlord({f"{tenant.lease.reference}_2026-11.pdf": pdf()})
    assert not mailbox.unread()
    post_office.answers.clear()
    said = "Vos avis arrivent par courrier depuis le lundi 23 novembre 2026. Nos e-mails n'arrivent plus"
    page = tenant.browser.get("/espace")
    assert page.says(said) and page.link("Changer mon adresse mail")
    assert reason_for(app, tenant.lease) == "adresse mail en erreur : papier rétabli"
    with app.app_context():
        begin_write()
        db.session.scalars(select(Account)).one().email_failed_at = None
        db.session.commit()
    assert says_way(tenant.browser, "Vos avis arrivent par e-mail.") and reason_for(app, tenant.lease) is None


def test_h11_a_closed_account_gets_paper_and_reads_so_when_it_is_open_again(app, an_account, mailbox):
    tenant = an_account(e_notice="Oui")
    close_account(tenant.browser)
    mailbox.read(to=EMAIL)
    assert reason_for(app, tenant.lease) == "compte fermé"
    page = log_in(tenant.browser, tenant.lease.reference).click("Je rouvre mon compte")
    mailbox.read(to=EMAIL)
    assert page.says("Vos avis arrivent par courrier depuis le lundi 23 novembre 2026. Vous n'avez pas choisi")
    assert reason_for(app, tenant.lease) == "avis par e-mail pas choisi"


def test_h11_the_paper_list_names_who_never_signed_up_and_who_has_not_finished(app, a_contract, portal, mailbox):
    alone, begun = a_contract(), a_contract()
    sign_up(portal, begun, e_notice="Oui")
    mailbox.read(to=EMAIL)
    assert reason_for(app, alone) == "pas de compte" and reason_for(app, begun) == "création du compte pas finie"


def test_h11_a_lease_that_has_ended_is_listed_only_for_a_notice_of_that_month(app, an_account, roster, landlord):
    tenant = an_account(e_notice="Oui")
    roster.add(reference=tenant.lease.reference, module=tenant.lease.module, ends_on="30/11/2026")
    assert reason_for(app, tenant.lease, "2026-11") is None, "by mail: it still runs"
    assert reason_for(app, tenant.lease, "2026-12") is None, "no notice"
    landlord({f"{tenant.lease.reference}_2026-12.pdf": pdf()})
    assert reason_for(app, tenant.lease, "2026-12") == "le bail n'est pas en cours"


def test_h11_the_list_opens_in_a_spreadsheet_and_holds_no_formula(app, a_contract):
    lease = a_contract(reference="0012345", title="", first_name="", last_name="=1+1", street="@SUM(A1)")
    (row,) = paper_list(app)
    assert list(row) == ["Référence contrat", "N° de module", "Nom", "Adresse", "Motif"]
    assert row["Référence contrat"] == "0012345" and row["N° de module"] == lease.module
    assert row["Nom"].startswith("'") and row["Adresse"].startswith("'@")
    assert run(app, "notices", "paper", "2026-13")[0] == 2
    assert "1 avis part par courrier." in must_run(app, "notices", "paper", MONTH)


def facts(chance, contract_id, email):
    """Return an account and its answers about e-notices, the newest last, or None."""
    kind = chance.random()
    if kind < 0.2:
        return None
    now = utcnow()
    account = {
        "id": contract_id,
        "email": email,
        "password_hash": "-",
        "signup_key": "-",
        "completed_at": now if kind > 0.3 else None,
        "closed_at": now if chance.random() < 0.1 else None,
        "email_failed_at": now if chance.random() < 0.15 else None,
        "frozen_at": now if chance.random() < 0.1 else None,
    }
    return account, [chance.random() < 0.75 for _ in range(chance.randrange(4))]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_h11_each_of_two_thousand_contracts_is_on_exactly_one_side(app, tmp_path, seed):
    """Mix answers, payments, bounces and closings; compare the mails with the list, and both with the mix."""
    chance, expected = random.Random(seed), {}  # noqa: S311 (a sample)
    with app.app_context():
        roster.take(csv_reader.read(CONTRACTS), name="contrats.csv")
        db.session.commit()
        begin_write()
        contracts = list(db.session.scalars(select(Contract).order_by(Contract.id)))
        for contract in contracts:
            contract.is_direct_debit = chance.random() < 0.7
            if (known := facts(chance, contract.id, f"t{contract.id}@free.fr")) is None:
                expected[contract.reference] = False
                continue
            account, answers = known
            db.session.add(Account(**account))
            db.session.flush()
            contract.account_id = contract.id
            for answer in answers:
                given = {"purpose": ConsentPurpose.E_NOTICE, "answer": answer, "wording": "-", "wording_version": "-"}
                db.session.add(Consent(account_id=contract.id, contract_id=contract.id, channel="form", **given))
                db.session.flush()
            is_open = account["completed_at"] and not any(
                account[trouble] for trouble in ("closed_at", "frozen_at", "email_failed_at")
            )
            is_asked = answers[-1:] == [True] and contract.is_direct_debit
            ends = contract.ends_on is None or f"{contract.ends_on}" >= f"{MONTH}-01"
            expected[contract.reference] = bool(is_open and is_asked and ends)
        db.session.commit()
    folder = in_folder(tmp_path / "avis", {f"{reference}_{MONTH}.pdf": pdf(reference) for reference in expected})
    code, said = publish(app, folder)
    shutil.rmtree(folder)
    assert code == 0, said
    with app.app_context():
        mailed = db.session.scalars(
            select(Contract.reference)
            .join(Mail, Mail.contract_id == Contract.id)
            .where(Mail.kind == "notice_published")
        ).all()
        by_mail = unserved.goes_by_mail(date(2026, 12, 1), answered_before=utcnow() + timedelta(minutes=1))
        asked_at_once = db.session.scalars(select(Contract.reference).join(Contract.account).where(by_mail)).all()
    assert sorted(asked_at_once) == sorted(mailed), "what waits for the office is decided alike"
    printed = [row["Référence contrat"] for row in paper_list(app)]
    assert len(expected) == 2000 and 200 < len(mailed) < 1800
    assert sorted([*mailed, *printed]) == sorted(expected), "each on one side, once"
    assert set(mailed) == {reference for reference, is_by_mail in expected.items() if is_by_mail}
