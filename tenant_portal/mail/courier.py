"""The thread that carries mails after the response, and the program that does nothing else."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable

from flask import Flask, Response, current_app

from ..accounts import office_email_change
from ..db import cause, is_away, utcnow
from ..settings import settings, state
from . import new_addresses, outbox

#: Longest seconds between rounds while mails wait, and in `watch`.
LOOK_SECONDS, WATCH_SECONDS = 300, 5
#: Seconds in which the mails of several requests become one round.
GATHER_SECONDS = 0.5
#: Shortest seconds between rounds, and seconds while the mail server or database is down.
LEAST_SECONDS, DOWN_SECONDS = 0.2, 60

log = logging.getLogger("tenant_portal")


def deliver(*, now: bool = False, stop: threading.Event | None = None) -> outbox.Delivery:
    """Make one round: new addresses whose day has come count, then due mails leave."""
    new_addresses.settle_due()
    done = outbox.deliver_due(now=now, stop=stop)
    done.next_due_at = min(filter(None, (done.next_due_at, office_email_change.next_at())), default=None)
    return done


def watch(*, every: float = WATCH_SECONDS, report: Callable[[outbox.Delivery], None] | None = None) -> None:
    """Deliver due mails until SIGTERM or Ctrl-C; the current mail is finished first."""
    stop = threading.Event()
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    former = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        while not stop.is_set():
            pause = _round(app, longest=every, stop=stop, report=report)
            stop.wait(every if pause is None else pause)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def deliver_after(response: Response) -> None:
    """Wake the courier if this request wrote a mail, or is the first of the process.

    A browser that hangs up while it reads the response cannot hold mails back.
    """
    if response.direct_passthrough:
        return  # a file
    has_mail = outbox.has_new_mail()
    if settings.mail_after_response and (has_mail or _courier_key() not in state.cache):
        courier: Courier = state.cache.setdefault(
            _courier_key(),
            Courier(current_app._get_current_object()),  # type: ignore[attr-defined]
        )
        courier.wake()


class Courier:
    """The thread that delivers mails, from a wake-up until none waits."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._call = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Start a round now, in the background."""
        with self._lock:
            self._call.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._carry, name="portal-courier", daemon=True)
                self._thread.start()

    def _carry(self) -> None:
        while True:
            time.sleep(GATHER_SECONDS)
            self._call.clear()
            pause = _round(self._app)
            with self._lock:
                if pause is None and not self._call.is_set():
                    self._thread = None
                    return
            self._call.wait(pause)


def _courier_key() -> str:
    return f"courier:{os.getpid()}"  # a fork has no threads


def _round(
    app: Flask,
    *,
    longest: float = LOOK_SECONDS,
    stop: threading.Event | None = None,
    report: Callable[[outbox.Delivery], None] | None = None,
) -> float | None:
    """Deliver once; return the seconds until the next round, or None if nothing waits."""
    try:
        with app.app_context():
            done = deliver(stop=stop)
            if report is not None:
                report(done)
            if done.next_due_at is None:
                return None
            least = DOWN_SECONDS if done.is_down else LEAST_SECONDS
            return max(least, min((done.next_due_at - utcnow()).total_seconds(), longest))
    except Exception as trouble:  # the courier must outlive a database that is away
        if is_away(trouble):
            log.warning("the outbox cannot be read: %s", cause(trouble))
        else:
            log.exception("the outbox cannot be read")
        return DOWN_SECONDS
