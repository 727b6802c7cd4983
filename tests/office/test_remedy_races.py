"""G05, X15: two clerks, or clerk and tenant, act at once; one act stands, one mail leaves, nobody loses anything."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from tests.support.people import Tenant
from tests.support.portal_client import ANY_STATUS, Portal
from tests.support.post import Mailbox
from tests.support.steps import EMAIL, Lease, fill_login, fill_sign_up, sign_up

from ..accounts.test_locks import account, race
from .test_remedies import CALL, NONE, do, filled, journal, opened

pytestmark = pytest.mark.security

AContract = Callable[..., Lease]
AnAccount = Callable[..., Tenant]


@pytest.mark.databases("sqlite", "postgresql")
@pytest.mark.parametrize(("remedy", "how"), [("mot-de-passe", NONE), ("blocage", CALL), ("retrait", "au guichet")])
def test_g05_six_clicks_at_once_act_once_and_send_one_mail(
    app: Flask, staff: Portal, mailbox: Mailbox, an_account: AnAccount, remedy: str, how: str
) -> None:
    tenant = an_account()
    form = filled(opened(staff, app, tenant.lease, remedy), how)
    with ThreadPoolExecutor(6) as pool:
        pages = list(pool.map(lambda form: form.click(status=ANY_STATUS), [form] * 6))
    assert {page.status for page in pages} == {200}
    assert len(journal(app)) == 1 and len(mailbox.read_all()) == 1
    assert sum(page.says("Vous l'avez déjà fait") for page in pages) == 5


@pytest.mark.databases("postgresql")  # where two can write at once
@pytest.mark.parametrize("who_first", ["clerk", "tenant"])
def test_x15_corrected_address_meets_the_first_login(
    app: Flask, staff: Portal, portal: Portal, mailbox: Mailbox, a_contract: AContract, who_first: str
) -> None:
    lease = a_contract()
    sign_up(portal, lease, email="elodie@orange.com")
    login = fill_login(portal.get(mailbox.read().link), lease.reference)
    correction = filled(opened(staff, app, lease, "activation"), CALL).fill("Adresse mail", EMAIL)
    acts = [lambda form=form: form.click(status=ANY_STATUS) for form in (correction, login)]  # type: ignore[misc]
    race(app, *(acts if who_first == "clerk" else acts[::-1]))
    mailbox.read_all()
    found = account(app)
    if found.completed_at is not None:
        assert found.email == "elodie@orange.com" and not journal(app), "a finished account keeps its address"
        assert portal.get("/espace").path == "/espace"
    else:
        assert found.email == EMAIL and len(journal(app)) == 1


@pytest.mark.databases("postgresql")
@pytest.mark.parametrize("who_first", ["clerk", "tenant"])
def test_x15_contract_that_is_put_back_meets_a_sign_up(
    app: Flask, staff: Portal, portal: Portal, mailbox: Mailbox, an_account: AnAccount, who_first: str
) -> None:
    tenant = an_account()
    do(staff, app, tenant.lease, "retrait")
    sign_up_form = fill_sign_up(portal.another_browser(), tenant.lease, email="vraie@free.fr")
    back = filled(opened(staff, app, tenant.lease, "remise"))
    acts = [lambda form=form: form.click(status=ANY_STATUS) for form in (back, sign_up_form)]  # type: ignore[misc]
    race(
        app,
        *(acts if who_first == "clerk" else acts[::-1]),
        at=r"^(UPDATE portal_contracts|INSERT INTO portal_accounts)",
    )
    told = {mail.to for mail in mailbox.read_all()}
    assert len(journal(app)) == (2 if who_first == "clerk" else 1)
    assert ("vraie@free.fr" in told) is (who_first == "tenant") or told == {EMAIL, "vraie@free.fr"}
