"""A login and a sign-up among a million contracts, against a thousand."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import portal
from .pages import by_login, by_sign_up, ratio
from .server import OURS, serving
from .table import Row, in_turns

ROUNDS, TENANTS, FEW, MANY = 40, 10, 1000, 1_000_000


def rows() -> Iterator[Row]:
    """Measure the portal at both sizes."""
    with tempfile.TemporaryDirectory() as few, tempfile.TemporaryDirectory() as many:
        for folder, contracts in ((many, MANY), (few, FEW)):
            portal.prepare(Path(folder), **portal.CHEAPEST, contracts=contracts, tenants=TENANTS)
        with (
            serving(Path(many), *OURS, **portal.CHEAPEST) as among_many,
            serving(Path(few), *OURS, **portal.CHEAPEST) as among_few,
        ):
            for name, work in (("login", by_login), ("sign-up", by_sign_up)):
                mine, least = in_turns(ROUNDS, *(work(server, tenants=TENANTS) for server in (among_many, among_few)))
                yield Row(
                    f"{name} with 1,000,000 contracts, the cheapest hash",
                    "with 1,000",
                    "at most 1.10",
                    ratio(mine / least, mine, least),
                )
