"""The people at the desk."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.support.portal_client import Portal


@pytest.fixture
def a_clerk(app: Flask) -> Callable[..., Portal]:
    """Return the browser of somebody whom the host names, in the role that is asked for."""

    def at_the_desk(name: str = "Mme Moreau", role: str = "office") -> Portal:
        app.extensions["portal"].options["staff"] = lambda: (name, role)
        return Portal(app)

    return at_the_desk


@pytest.fixture
def staff(a_clerk: Callable[..., Portal]) -> Portal:
    """Return the browser of an employee whom the host names."""
    return a_clerk()
