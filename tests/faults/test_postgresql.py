"""PostgreSQL stops, starts, and cuts connections: people are told, and the next request works (T41)."""

import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event, func, select

from tenant_portal.db import db
from tenant_portal.mail import outbox
from tenant_portal.models import Account, Contract, Mail, MailState
from tests.conftest import MakeApp
from tests.support import services
from tests.support.people import Tenant, must_run, run
from tests.support.portal_client import Portal
from tests.support.post import Mailbox, PostOffice
from tests.support.steps import Lease, sign_up

pytestmark = pytest.mark.slow


class Restartable:
    """A PostgreSQL that a test stops and starts."""

    def __init__(self, server: services.Postgres) -> None:
        self.server, self.url = server, server.new_database()
        with psycopg.connect(self.url.replace("+psycopg", "")) as connection:
            found = connection.execute("SHOW data_directory").fetchone()
        assert found is not None
        self._data = Path(found[0])
        self._command = shlex.split((self._data / "postmaster.opts").read_text())
        self._process: subprocess.Popen[bytes] | None = None

    def stop(self) -> None:
        """Stop it at once, as systemd does."""
        os.kill(int((self._data / "postmaster.pid").read_text().split()[0]), signal.SIGINT)
        self._wait(until=lambda: not self.server.is_up() and not (self._data / "postmaster.pid").exists())
        if self._process is not None:
            self._process.wait(services.START_SECONDS)

    def start(self) -> None:
        """Start it on the same data, and wait until it answers."""
        owner = self._data.stat()
        as_owner: Any = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(self._command, cwd=self._data.parent, **silent, **as_owner)
        self._wait(until=self.server.is_up)

    def restart(self) -> None:
        self.stop()
        self.start()

    def end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(services.START_SECONDS)

    def cut(self) -> None:
        """Cut every connection, as a firewall does."""
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def _wait(self, *, until: Callable[[], bool]) -> None:
        end = time.monotonic() + services.START_SECONDS
        while not until():
            assert time.monotonic() < end, "PostgreSQL does not obey"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restartable]:
    with services.postgres(tmp_path_factory.mktemp("harmed")) as server:
        restartable = Restartable(server)
        yield restartable
        restartable.end()


@pytest.fixture
def postgres(cluster: Restartable) -> Restartable:
    """Return it with an empty database."""
    cluster.url = cluster.server.new_database()
    return cluster


@pytest.fixture
def app(make_app: MakeApp, postgres: Restartable) -> Flask:
    return make_app(SQLALCHEMY_DATABASE_URI=postgres.url)


def once(app: Flask, name: str, do: Callable[[], None], *, at: str = "") -> None:
    """Act at the next such event of the engine, within a request."""
    done = []

    def happen(*arguments: Any) -> None:
        if not done and at in str(arguments[2] if len(arguments) > 2 else ""):
            done.append(True)
            do()

    with app.app_context():
        event.listen(db.engine, name, happen)


def count(app: Flask, table: type) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(table)) or 0


def test_postgresql_was_restarted_and_nobody_notices(postgres: Restartable, an_account: Callable[..., Tenant]) -> None:
    tenant = an_account()
    postgres.restart()
    assert tenant.browser.get("/espace").says(tenant.lease.reference)
    postgres.cut()
    assert tenant.log_in(tenant.browser.another_browser()).path == "/espace"


def test_t41_postgresql_is_stopped_and_all_goes_on_when_it_is_back(
    app: Flask, postgres: Restartable, an_account: Callable[..., Tenant], portal: Portal, mailbox: Mailbox, roster: Any
) -> None:
    tenant, lease = an_account(), roster.add()
    postgres.stop()
    page = tenant.browser.get("/espace", status=503)
    assert page.says("rechargez cette page") and page.response.headers["Retry-After"]
    assert portal.get("/connexion").h1 == "Identifiez-vous"
    code, said = run(app, "contracts", "show", lease.reference)
    assert code == 1 and said.startswith("La base de données ne répond pas")
    postgres.start()
    assert tenant.browser.get("/espace").says(tenant.lease.reference)
    assert sign_up(portal, lease, email="claire@free.fr").h1 == "Consultez vos e-mails"
    assert mailbox.read(to="claire@free.fr").link


@pytest.mark.parametrize(
    ("name", "at", "told"),
    [
        ("before_cursor_execute", "INSERT INTO portal_consents", "Ce que vous venez d'envoyer n'est pas enregistré"),
        ("commit", "", "Ce que vous venez d'envoyer n'est peut-être pas enregistré"),
    ],
)
@pytest.mark.parametrize("harm", ["cut", "restart"])
def test_t41_the_connection_is_lost_in_the_middle_of_a_sign_up(
    app: Flask,
    postgres: Restartable,
    portal: Portal,
    a_contract: Callable[..., Lease],
    mailbox: Mailbox,
    name: str,
    at: str,
    told: str,
    harm: str,
) -> None:
    lease = a_contract()
    once(app, name, getattr(postgres, harm), at=at)
    page = sign_up(portal, lease, status=503)
    assert page.says(told)
    assert count(app, Account) == count(app, Mail) == 0
    assert sign_up(portal, lease).h1 == "Consultez vos e-mails"
    assert count(app, Account) == count(app, Mail) == 1
    mailbox.read()


def test_an_import_that_is_cut_changes_nothing_and_is_done_again(
    app: Flask, postgres: Restartable, tmp_path: Path
) -> None:
    (tmp_path / "contrats.csv").write_text("Référence contrat;N° module\n1;11\n2;22\n", encoding="utf-8")
    arguments = ["contracts", "import", str(tmp_path / "contrats.csv")]
    once(app, "commit", postgres.cut)
    code, said = run(app, *arguments)
    assert code == 1 and said.startswith("La base de données ne répond pas"), said
    assert count(app, Contract) == 0
    must_run(app, *arguments)
    assert count(app, Contract) == 2


def test_a_mail_that_left_while_the_database_went_away_is_noted_when_it_is_back(
    app: Flask,
    postgres: Restartable,
    portal: Portal,
    a_contract: Callable[..., Lease],
    post_office: PostOffice,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "NOTE_PAUSES", (0, *[0.1] * 300))
    sign_up(portal, a_contract())
    back = threading.Thread(target=postgres.start)

    async def gone(*_: Any) -> str:
        postgres.stop()
        back.start()
        return "250 OK"

    monkeypatch.setattr(post_office, "handle_DATA", gone)
    with app.app_context():
        assert outbox.deliver_due().sent == 1
    back.join()
    with app.app_context():
        assert db.session.scalars(select(Mail)).one().state is MailState.SENT
        assert outbox.deliver_due(now=True) == outbox.Delivery()
