"""The tenant's way where a landlord runs PostgreSQL, and several processes share their counters in Redis."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from tenant_portal.db import db
from tenant_portal.models import Account

from .conftest import Clock, MakeApp
from .people import Lease, Tenant, fill_sign_up, log_in
from .portal_client import ANY_STATUS, Portal
from .post import Mailbox
from .rent_notices import in_folder, pdf, publish


@pytest.fixture
def app(make_app: MakeApp, postgres_url: str, redis_url: str) -> Flask:
    """Return the portal on PostgreSQL and Redis."""
    return make_app(SQLALCHEMY_DATABASE_URI=postgres_url, PORTAL_RATE_STORAGE_URI=redis_url)


def test_tenant_takes_the_twelve_steps_on_postgresql(an_account: Callable[..., Tenant], app: Flask) -> None:
    tenant = an_account(commercial="Oui")
    page = tenant.browser.get("/espace")
    assert page.says(tenant.lease.reference)
    page.click("Je me déconnecte")
    assert tenant.log_in(tenant.browser).path == "/espace"
    shown = app.test_cli_runner().invoke(args=["portal", "contracts", "show", tenant.lease.reference])
    assert shown.exit_code == 0, shown.output


def test_tenant_hears_of_his_notice_and_opens_it_on_postgresql(
    an_account: Callable[..., Tenant], app: Flask, mailbox: Mailbox, tmp_path: Path
) -> None:
    tenant = an_account(e_notice="Oui")
    files = {f"{tenant.lease.reference}_2026-11.pdf": pdf()}
    assert publish(app, in_folder(tmp_path / "avis", files))[0] == 0
    assert tenant.browser.get(mailbox.read().link).says("Avis de novembre 2026")
    assert publish(app, tmp_path / "avis")[0] == 0


def test_closed_account_is_erased_and_its_contract_is_free_on_postgresql(
    an_account: Callable[..., Tenant], app: Flask, mailbox: Mailbox, clock: Clock
) -> None:
    tenant, other = an_account(), an_account()
    form = tenant.browser.get("/espace/compte/fermeture").form("Je ferme mon compte")
    form.fill("Mon mot de passe", tenant.password).click()
    mailbox.read()
    assert tenant.log_in(Portal(app)).path == "/reouverture"
    clock.move(days=14, minutes=1)
    purged = app.test_cli_runner().invoke(args=["portal", "purge"])
    assert "Comptes fermés\u00a0: 1" in purged.output, purged.output
    assert other.log_in(Portal(app)).path == "/espace"
    fill_sign_up(Portal(app), tenant.lease, email="nouveau@free.fr")
    assert mailbox.read(to="nouveau@free.fr").subject == "Activez votre compte locataire"


def test_code_and_postgresql_agree(app: Flask) -> None:
    checked = app.test_cli_runner().invoke(args=["portal", "db", "check"])
    assert checked.exit_code == 0, checked.output


def test_ten_sign_ups_at_once_make_one_account_on_postgresql(
    app: Flask, mailbox: Mailbox, a_contract: Callable[..., Lease]
) -> None:
    lease = a_contract()
    with ThreadPoolExecutor(10) as pool:
        claims = [pool.submit(fill_sign_up, Portal(app), lease, status=ANY_STATUS) for _ in range(10)]
    assert all(claim.result().status in {200, 429} for claim in claims)
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Account)) == 1
    mailbox.read_all()


def test_t21_two_processes_share_their_counters_in_redis(
    app: Flask, make_app: MakeApp, postgres_url: str, redis_url: str
) -> None:
    other = make_app(SQLALCHEMY_DATABASE_URI=postgres_url, PORTAL_RATE_STORAGE_URI=redis_url)
    for number in range(5):
        log_in(Portal(app), f"90000{number}", "un mot de passe faux")
    assert log_in(Portal(other), "900009", "un mot de passe faux", status=429).says("trop d'essais")
