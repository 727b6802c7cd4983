"""What a mail costs: with a sign-up, with a login from a new device, and ten thousand at once."""

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

from flask import Flask

from tenant_portal.db import begin_write, db
from tenant_portal.mail import notifications, outbox, rendering
from tenant_portal.mail.smtp import SmtpSession
from tenant_portal.models import Account, Contract, Mail

from . import portal
from .browser import log_in, sign_up
from .pages import BARE_APP, ratio
from .server import BARE, OURS, Server, prepare, serving
from .sink import Sink, sink
from .table import Row, in_turns, processor_seconds

ROUNDS, AT_ONCE, TENANTS, CONTRACTS = 40, 5, 20, 2000
MAILS, TURNS = 10_000, 3
PATIENCE = 30  # seconds


def rows() -> Iterator[Row]:
    """Measure sign-ups and logins by the processor time of the worker that carries their mails too."""
    with tempfile.TemporaryDirectory() as name, sink() as post:
        folder = Path(name)
        prepare(folder, **portal.DEFAULT, contracts=CONTRACTS, tenants=TENANTS)
        with (
            serving(folder, *OURS, **portal.DEFAULT, mail_port=post.port) as ours,
            serving(folder, *BARE, **portal.DEFAULT) as bare,
        ):
            mine, least = in_turns(ROUNDS, _by_sign_up(ours, post), _by_sign_up(bare))
            what = "complete sign-up with its mail delivered, the default hash"
            must = "at least 0.75 of its sign-ups a second"
            yield Row(what, f"{BARE_APP}, the mail written to a file", must, ratio(least / mine, mine, least))
            mine, least = in_turns(ROUNDS, _by_new_device(ours, post), _by_new_device(bare))
            what = "complete login from a new device with its mail delivered, the default hash"
            must = "at least 0.80 of its logins a second"
            yield Row(what, "the same, which sends none", must, ratio(least / mine, mine, least))
    with tempfile.TemporaryDirectory() as name, sink() as post:
        app = portal.prepare(Path(name), **portal.CHEAPEST, contracts=1, tenants=1)
        app.extensions["mail"].state.port = post.port
        mine, least = in_turns(TURNS, partial(_send, app), partial(_hand_over, app))
        yield Row(
            f"`mail send` of {MAILS:,} mails about notices",
            "rendering the same and handing them over",
            "at most 2.0",
            f"**{mine / least:.2f}** ({mine:.1f} against {least:.1f} s of processor)",
        )


def _by_sign_up(server: Server, post: Sink | None = None) -> Callable[[], float]:
    browser, numbers = server.browser(), count(TENANTS)

    def work() -> None:
        number = next(numbers)
        sign_up(browser, portal.reference(number), portal.module(number), portal.PASSWORD)

    return _measure(server, work, post)


def _by_new_device(server: Server, post: Sink | None = None) -> Callable[[], float]:
    browser, numbers = server.browser(), count()

    def work() -> None:
        browser.cookies = {}
        log_in(browser, portal.reference(next(numbers) % TENANTS), portal.PASSWORD)

    return _measure(server, work, post)


def _measure(server: Server, work: Callable[[], None], post: Sink | None) -> Callable[[], float]:
    """Return a measure of work that ends when its mails have been delivered."""

    def measure() -> float:
        known, begun = post.count if post else 0, server.processor()
        for _ in range(AT_ONCE):
            work()
        if post is not None:
            assert post.wait_for(known + AT_ONCE, PATIENCE), "a mail has not come"
            time.sleep(0.1)  # until its fate is noted
        return (server.processor() - begun) / AT_ONCE

    return measure


def _write(app: Flask) -> None:
    with app.app_context():
        begin_write()
        account, contract = db.session.get_one(Account, 1), db.session.get_one(Contract, 1)
        for _ in range(MAILS):
            notifications.welcome(account, contract, link="http://localhost/espace")
        db.session.commit()


def _send(app: Flask) -> float:
    """Return what delivering so many mails takes."""
    _write(app)
    with app.app_context():
        taken = processor_seconds(outbox.deliver_due)
        assert outbox.oldest_waiting_age() is None
    return taken


def _hand_over(app: Flask) -> float:
    """Return what composing so many mails and handing them over takes, without an outbox."""
    _write(app)
    with app.app_context():
        found = list(db.session.scalars(db.select(Mail).where(Mail.content.is_not(None))))
        db.session.expunge_all()
        server = SmtpSession()

        def work() -> None:
            for row in found:
                server.send(rendering.compose(row))

        taken = processor_seconds(work)
        server.close()
        begin_write()
        db.session.execute(db.delete(Mail))
        db.session.commit()
    return taken
