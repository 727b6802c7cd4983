"""X13: `/healthz` tells nothing of who has an account."""

from collections.abc import Callable

import pytest

from ..conftest import Clock, MakeApp
from ..support.people import Tenant
from ..support.portal_client import Portal
from ..support.post import Mailbox, PostOffice
from ..support.steps import forget

pytestmark = pytest.mark.security

TOKEN = "a-token-for-prometheus"


def test_health_says_the_same_after_a_reset_whoever_has_an_account(
    make_app: MakeApp, an_account: Callable[..., Tenant], mailbox: Mailbox, post_office: PostOffice, clock: Clock
) -> None:
    """While the mail server defers, a mail waits only where there is an account."""
    tenant, app = an_account(), make_app(PORTAL_METRICS_TOKEN=TOKEN)
    said, figures = [], []
    for reference in (tenant.lease.reference, "31415926"):
        browser = Portal(app)
        post_office.answers["*"] = "451 4.3.0 try again later"
        forget(browser, reference)
        mailbox.read_all()
        clock.move(seconds=90)
        said.append(browser.http.get("/healthz").get_data())
        told = browser.http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
        figures.append("portal_oldest_mail_seconds 0" in told)
        post_office.answers.clear()
        mailbox.read_all()
    assert said[0] == said[1]
    assert not any(character.isdigit() for character in said[0].decode()), "states alone"
    assert figures == [False, True], "whoever holds the token knows for how long a mail has waited"
