"""PostgreSQL and Redis in a run without `--postgresql`."""

from collections.abc import Callable

import pytest
from flask import Flask

from ..conftest import MakeApp
from ..support.people import Tenant, must_run
from ..support.portal_client import Portal
from ..support.steps import log_in

pytestmark = pytest.mark.databases("postgresql")


@pytest.fixture
def counters(redis_url: str) -> str:
    return redis_url


def test_tenant_takes_the_twelve_steps_on_postgresql(an_account: Callable[..., Tenant], app: Flask) -> None:
    tenant = an_account(commercial="Oui")
    page = tenant.browser.get("/espace")
    assert page.says(tenant.lease.reference)
    page.click("Je me déconnecte")
    assert tenant.log_in(tenant.browser).path == "/espace"
    must_run(app, "contracts", "show", tenant.lease.reference)


def test_code_and_postgresql_agree(app: Flask) -> None:
    must_run(app, "db", "check")


def test_t21_two_processes_share_their_counters_in_redis(app: Flask, make_app: MakeApp) -> None:
    for number in range(5):
        log_in(Portal(app), f"90000{number}", "un mot de passe faux")
    assert log_in(Portal(make_app()), "900009", "un mot de passe faux", status=429).says("trop d'essais")
