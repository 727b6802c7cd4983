"""How many requests of one account a process answers at the same time, so that no tenant takes every place."""

import threading
from collections import Counter

from ..settings import state

#: A browser that opens all its tabs again asks for fewer pages at once.
ACCOUNT_REQUESTS_MAX = 8
#: After so many seconds a request that was refused may be sent again.
RETRY_SECONDS = 10


class Running:
    """Counts the requests of each account that are being answered; an account without any is not kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[int] = Counter()

    def enter(self, account_id: int) -> bool:
        """Count one more request of the account, unless it has as many as one may have."""
        with self._lock:
            if self._counts[account_id] >= ACCOUNT_REQUESTS_MAX:
                return False
            self._counts[account_id] += 1
            return True

    def leave(self, account_id: int) -> None:
        """Count one request of the account less."""
        with self._lock:
            self._counts[account_id] -= 1
            if self._counts[account_id] <= 0:
                del self._counts[account_id]


def running() -> Running:
    """Return the counts of this application."""
    counts: Running | None = state.cache.get("running_requests")
    if counts is None:
        counts = state.cache.setdefault("running_requests", Running())
    return counts
