"""Redis is gone or hangs: logins go on with the database's counters, and Redis counts again when it is back (T21)."""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from redis import Redis

from tenant_portal.accounts import rate_limits
from tests.conftest import Clock, MakeApp
from tests.support import services
from tests.support.people import Tenant
from tests.support.portal_client import Portal
from tests.support.post import Mailbox
from tests.support.steps import log_in

pytestmark = pytest.mark.slow
PATIENCE = 15  # seconds for six logins
WRONG = "un mot de passe faux"


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[services.RedisServer]:
    with services.redis(tmp_path) as server:
        yield server
        server.process.send_signal(signal.SIGCONT)


@pytest.fixture
def app(make_app: MakeApp, own_redis: services.RedisServer) -> Flask:
    return make_app(PORTAL_RATE_STORAGE_URI=own_redis.address)


def guess(app: Flask, *references: str) -> list[int]:
    """Try a wrong password for each reference, each from a new browser."""
    return [log_in(Portal(app), reference, WRONG, status=0).status for reference in references]


def test_t21_redis_is_gone_and_comes_back(
    app: Flask,
    own_redis: services.RedisServer,
    tmp_path: Path,
    clock: Clock,
    mailbox: Mailbox,
    an_account: Callable[..., Tenant],
    caplog: pytest.LogCaptureFixture,
) -> None:
    tenant = an_account()
    assert guess(app, "900001") == [200]
    own_redis.process.kill()
    own_redis.process.wait()
    with caplog.at_level(logging.WARNING, logger="tenant_portal"):
        assert log_in(Portal(app), tenant.lease.reference, tenant.password).path == "/espace"
        assert guess(app, *["900002"] * 6) == [200] * 5 + [429], "what the database counts goes on"
        assert guess(app, *(f"91000{n}" for n in range(8))) == [200] * 8, "origins are not counted meanwhile"
    told = [record.getMessage() for record in caplog.records if "origin counters" in record.getMessage()]
    assert 1 <= len(told) < 5 and "ConnectionError" in told[0], "one line a while, not one a login"
    with services.redis(tmp_path, own_redis.port) as back:
        clock.move(seconds=rate_limits.STORE_REST.total_seconds() + 1)
        assert guess(app, *(f"92000{n}" for n in range(6))) == [200] * 5 + [429]
        with Redis(port=back.port) as client:
            assert any(b"login/fail" in key for key in client.scan_iter())
    mailbox.read_all()


def test_a_redis_that_hangs_holds_up_no_login(
    app: Flask, own_redis: services.RedisServer, an_account: Callable[..., Tenant], clock: Clock, mailbox: Mailbox
) -> None:
    tenant = an_account()
    answers: list[int] = []
    tries = threading.Thread(target=lambda: answers.extend(guess(app, *["900002"] * 6)), daemon=True)
    own_redis.process.send_signal(signal.SIGSTOP)  # it accepts connections and never answers
    tries.start()
    tries.join(PATIENCE)
    assert answers == [200] * 5 + [429]
    assert log_in(Portal(app), tenant.lease.reference, tenant.password).path == "/espace"
    own_redis.process.send_signal(signal.SIGCONT)
    clock.move(seconds=rate_limits.STORE_REST.total_seconds() + 1)
    assert guess(app, *(f"92000{n}" for n in range(6))) == [200] * 5 + [429]
    mailbox.read_all()
