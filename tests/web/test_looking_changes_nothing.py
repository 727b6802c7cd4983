"""Looking changes nothing, each form needs its token, and private pages have a guard."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine

from ..support.people import Tenant
from ..support.portal_client import Portal
from ..support.post import Mailbox
from ..support.steps import Lease, ask_email_change, forget, join, log_in, sign_up
from ..support.url_map import pages, rules

pytestmark = pytest.mark.security


class Watch:
    """A connection that notices what others commit."""

    def __init__(self, engine: Engine) -> None:
        # PostgreSQL numbers a transaction when it writes; SQLite counts the commits of others.
        is_sqlite = engine.dialect.name == "sqlite"
        self._question = "PRAGMA data_version" if is_sqlite else "SELECT pg_snapshot_xmax(pg_current_snapshot())"
        self.connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._seen = ""
        self.has_changed()

    def has_changed(self) -> bool:
        """Tell whether anything was written since the last call."""
        before, self._seen = self._seen, str(self.connection.exec_driver_sql(self._question).scalar_one())
        return before != self._seen


@pytest.fixture
def watch(app: Flask) -> Iterator[Watch]:
    engine = create_engine(app.config["SQLALCHEMY_DATABASE_URI"])
    watching = Watch(engine)
    yield watching
    watching.connection.close()
    engine.dispose()


def test_a_stranger_who_looks_at_every_page_changes_nothing(app: Flask, portal: Portal, watch: Watch) -> None:
    for address in pages(app):
        portal.get(address)
        portal.http.head(address)
        assert not watch.has_changed(), address


def test_a_tenant_who_looks_at_every_page_changes_nothing(
    app: Flask, an_account: Callable[..., Tenant], watch: Watch
) -> None:
    browser = an_account().browser
    assert watch.has_changed()
    for address in pages(app):
        browser.get(address)
        assert not watch.has_changed(), address


def test_t12_a_scanner_that_opens_the_links_of_mails_changes_nothing(
    portal: Portal,
    mailbox: Mailbox,
    a_contract: Callable[..., Lease],
    an_account: Callable[..., Tenant],
    watch: Watch,
) -> None:
    lease, tenant = a_contract(), an_account()
    sign_up(portal, lease, email="lea@free.fr")
    forget(portal, tenant.lease.reference)
    ask_email_change(tenant.browser, "marc@free.fr")
    join(tenant.browser, an_account(email="zoe@free.fr").lease)
    links = {link for mail in mailbox.read_all() for link in mail.whole_links}
    assert {link.split("/")[-2] for link in links} >= {
        "activation",
        "mot-de-passe",
        "adresse",
        "ce-nest-pas-moi",
        "rattachement",
    }
    assert watch.has_changed()
    for link in links:
        scanner = portal.another_browser()
        scanner.http.head(link)
        scanner.get(link)
        assert not watch.has_changed(), link
    assert log_in(portal.another_browser(), lease.reference).path != "/espace"


def test_no_form_is_taken_without_its_token(app: Flask, an_account: Callable[..., Tenant], watch: Watch) -> None:
    browser = an_account().browser
    assert watch.has_changed()
    for rule in rules(app):
        if "POST" in (rule.methods or ()) and not rule.arguments:
            answer = browser.http.post(rule.rule, data={"reference": "123456", "email": "a@b.fr", "body": "Bonjour"})
            assert answer.status_code in {204, 302, 400, 403, 404}, f"{rule.rule}: {answer.status_code}"
            assert not watch.has_changed(), rule.rule
    assert browser.get("/espace").path == "/espace"


def test_private_pages_are_guarded(app: Flask) -> None:
    for path, guards in (("/espace", {"account"}), ("/gestion", {"office", "owner", "open"})):
        private = [rule for rule in rules(app) if f"{rule.rule}/".startswith(f"{path}/")]
        assert private
        assert {getattr(app.view_functions[rule.endpoint], "portal_guard", None) for rule in private} <= guards
