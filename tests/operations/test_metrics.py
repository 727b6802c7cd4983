"""Figures for Prometheus: true in every process, behind a token."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ..conftest import Clock, MakeApp
from ..support.people import Tenant, must_run
from ..support.portal_client import Portal
from ..support.post import Mailbox
from ..support.steps import Lease, log_in, sign_up

TOKEN = "a token for Prometheus, of the tests".replace(" ", "-")

pytestmark = pytest.mark.settings(PORTAL_METRICS_TOKEN=TOKEN)


def figures(browser: FlaskClient) -> dict[str, int]:
    """Read the answer by the rules of Prometheus's format."""
    answer = browser.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200 and answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text.endswith("\n")
    found, described = {}, set()
    for line in answer.text.splitlines():
        if line.startswith("#"):
            told = re.fullmatch(r"# (HELP|TYPE) (portal_[a-z_]+) (.+)", line)
            assert told, line
            described.add(told[2])
        else:
            read = re.fullmatch(r'((portal_[a-z_]+)(?:\{[a-z]+="[a-z_]+"\})?) ([0-9]+)', line)
            assert read and read[2] in described and read[1] not in found, line
            found[read[1]] = int(read[3])
    return found


def test_figures_follow_what_happens_whatever_the_process(
    app: Flask, make_app: MakeApp, mailbox: Mailbox, an_account: Callable[..., Tenant],
    a_contract: Callable[..., Lease], clock: Clock,
) -> None:  # fmt: skip
    an_account()
    sign_up(Portal(app), lease := a_contract())
    clock.move(minutes=5)
    log_in(Portal(app), lease.reference, "un mot de passe faux")
    told = figures(make_app(PORTAL_METRICS_TOKEN=TOKEN).test_client())
    assert told['portal_accounts{state="finished"}'] == told['portal_accounts{state="pending"}'] == 1
    assert told['portal_accounts{state="closed"}'] == told['portal_accounts{state="frozen"}'] == 0
    assert told["portal_contracts"] == 2
    assert told['portal_mails{state="sent"}'] == 2 and told['portal_mails{state="waiting"}'] == 1
    assert 300 <= told["portal_oldest_mail_seconds"] <= 330
    assert 300 <= told["portal_roster_age_seconds"] <= 330
    assert told['portal_events_last_hour{name="signed_up"}'] == 2
    assert told['portal_events_last_hour{name="login_refused"}'] == 1
    mailbox.read()
    clock.move(hours=1, minutes=1)
    told = figures(app.test_client())
    assert told["portal_oldest_mail_seconds"] == 0 and not [name for name in told if "events" in name]


def test_h07_frozen_accounts_are_told_apart_from_those_in_use(
    app: Flask, mailbox: Mailbox, an_account: Callable[..., Tenant]
) -> None:
    tenant = an_account()
    must_run(app, "contracts", "freeze", tenant.lease.reference)
    mailbox.read_all()
    told = figures(app.test_client())
    assert (told['portal_accounts{state="frozen"}'], told['portal_accounts{state="finished"}']) == (1, 0)


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer x", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"])
def test_there_is_no_such_page_without_the_token(app: Flask, given: str) -> None:
    answer = app.test_client().get("/metrics", headers={"Authorization": given} if given else {})
    assert answer.status_code == 404 and "portal_" not in answer.get_data(as_text=True).split("<main")[1]


def test_there_is_no_such_page_without_the_setting(make_app: MakeApp) -> None:
    browser = make_app().test_client()
    assert [browser.get("/metrics", headers={"Authorization": a}).status_code for a in ("", "Bearer ")] == [404, 404]
