"""The hostile host does the same with the portal and without it."""

import pytest
from sqlalchemy import inspect

from tenant_portal.operations import migrations
from tests.conftest import close
from tests.support.hosts import EXTENSION, add_staff, home_of, hostile_host

from .conftest import log_staff_in, token_on


def what_the_host_does(host):
    """Return all that the host answers."""
    browser = host.test_client()
    seen = []

    def look(path, **headers):
        answer = browser.get(path, headers=headers)
        text = answer.text.split('<form method="post">')[0]
        seen.append((path, answer.status_code, sorted(set(answer.headers.keys()) - {"Set-Cookie"}), text))

    for path in (
        "/",
        "/payroll",
        "/de/news",
        "/fr/news",
        "/nowhere",
        "/static/x",
        "/who",
        "/say",
        "/context",
        "/login",
    ):
        look(path)
    look("/words", **{"Accept-Language": "de"})
    seen.append(browser.post("/mail").status_code)
    log_staff_in(browser, remember="yes")
    look("/payroll")
    look("/who")
    seen.append(browser.post("/logout", data={"csrf_token": token_on(browser)}).text)
    look("/payroll")
    host.config["PROPAGATE_EXCEPTIONS"] = False
    look("/broken")
    return seen


@pytest.fixture
def alone(tmp_path):
    """Return the host without a portal."""
    app = hostile_host(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path / 'alone.sqlite3'}")
    add_staff(app)
    yield app
    close(app)


def test_host_does_the_same_with_the_portal_and_without(host, portal, alone):
    portal.get("/connexion")
    assert what_the_host_does(host) == what_the_host_does(alone)


@pytest.mark.parametrize("home", [EXTENSION], indirect=True)
def test_upgrade_of_the_portal_touches_nothing_of_the_host(host):
    def tables():
        with host.app_context():
            engine = host.extensions["sqlalchemy"].engine
            return {
                name: (inspect(engine).get_columns(name).__repr__(), inspect(engine).get_indexes(name))
                for name in inspect(engine).get_table_names()
                if not name.startswith("portal_")
            }

    before = tables()
    with host.app_context():
        migrations.downgrade("base")
    assert tables() == before
    assert home_of(host).app.test_cli_runner().invoke(args=["portal", "db", "upgrade"]).exit_code == 0
    assert tables() == before and before
