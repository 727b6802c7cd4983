"""A limit of running requests per account, so that no tenant takes every thread."""

import threading
from collections import Counter

from ..settings import state

#: More than a browser sends that reopens all its tabs.
ACCOUNT_REQUESTS_MAX = 8
RETRY_SECONDS = 10


class Running:
    """Count the running requests of each account."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[int] = Counter()

    def enter(self, account_id: int) -> bool:
        """Count a request, or return False at the limit."""
        with self._lock:
            if self._counts[account_id] >= ACCOUNT_REQUESTS_MAX:
                return False
            self._counts[account_id] += 1
            return True

    def leave(self, account_id: int) -> None:
        """Uncount a request."""
        with self._lock:
            self._counts[account_id] -= 1
            if self._counts[account_id] <= 0:
                del self._counts[account_id]


def running() -> Running:
    """Return the counter of this application."""
    counts: Running | None = state.cache.get("running_requests")
    if counts is None:
        counts = state.cache.setdefault("running_requests", Running())
    return counts
