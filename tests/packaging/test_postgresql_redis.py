"""PostgreSQL and Redis for whoever runs the tests without `--postgresql`, which tells everything there."""

from collections.abc import Callable

import pytest
from flask import Flask

from ..conftest import MakeApp
from ..support.people import Tenant, log_in
from ..support.portal_client import Portal


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


def test_code_and_postgresql_agree(app: Flask) -> None:
    checked = app.test_cli_runner().invoke(args=["portal", "db", "check"])
    assert checked.exit_code == 0, checked.output


def test_t21_two_processes_share_their_counters_in_redis(
    app: Flask, make_app: MakeApp, postgres_url: str, redis_url: str
) -> None:
    other = make_app(SQLALCHEMY_DATABASE_URI=postgres_url, PORTAL_RATE_STORAGE_URI=redis_url)
    for number in range(5):
        log_in(Portal(app), f"90000{number}", "un mot de passe faux")
    assert log_in(Portal(other), "900009", "un mot de passe faux", status=429).says("trop d'essais")
