"""Servers for the trials of this room."""

from collections.abc import Iterator
from typing import Any

import pytest

from ..support.live import COMMANDS, Live, serve


@pytest.fixture(scope="module", params=sorted(COMMANDS))
def live(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, live_settings: dict[str, Any]
) -> Iterator[Live]:
    """Run each server that we ship."""
    with serve(COMMANDS[request.param], tmp_path_factory.mktemp(request.param), live_settings) as server:
        yield server
