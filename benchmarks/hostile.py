"""The acts of strangers, each in its worst form that gets past the limits, against a login (X03)."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tenant_portal.accounts.limited_acts import ACTS

from . import portal
from .pages import by_login, ratio
from .server import OURS, Server, serving
from .strangers import FORMS, Stranger, Way, ways
from .table import Row, in_turns
from .town import Town

CONTRACTS, TENANTS, LOGGING_IN = 4000, 2000, 20
#: How often a form is sent in one turn, the turns in which the worst ones are looked for, and those of the measure.
AT_ONCE, SEARCH, ROUNDS = 3, 2, 20
#: What a stranger must not be answered: a limit that came first, or a fault of ours.
_UNWANTED = {403, 429, 500, 503}


def rows() -> Iterator[Row]:
    """Look for the worst form of each act, then measure it and a login in turns."""
    assert set(FORMS) == {act for act, known in ACTS.items() if known.endpoints}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        app = portal.prepare(folder, **portal.DEFAULT, contracts=CONTRACTS, tenants=TENANTS)
        with serving(folder, *OURS, **portal.DEFAULT, proxy_hops=1) as server:
            stranger = Stranger(server.connect, moves=True)
            found = list(ways(Town(app, first=LOGGING_IN, tenants=TENANTS)))
            costs = in_turns(SEARCH, *(_measure(server, stranger, way) for way in found))
            for act in FORMS:
                worst, _ = max(zip(found, costs, strict=True), key=lambda pair: (pair[0].act == act, pair[1]))
                login = by_login(server, tenants=LOGGING_IN)  # anew: its connection does not outlast the search
                mine, least = in_turns(ROUNDS, _measure(server, stranger, worst), login)
                yield Row(
                    f"{act}: {worst.words}",
                    "a complete login, the default hash",
                    "at most 1.00 of its CPU",
                    ratio(mine / least, mine, least),
                )


def _measure(server: Server, stranger: Stranger, way: Way) -> Callable[[], float]:
    def measure() -> float:
        forms = [way.make() for _ in range(AT_ONCE)]
        begun = server.processor()
        statuses = {stranger.send(form) for form in forms}
        assert not statuses & _UNWANTED, (way, statuses)
        return (server.processor() - begun) / AT_ONCE

    return measure
