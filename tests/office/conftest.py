"""The people at the desk."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.conftest import Clock
from tests.support.portal_client import Portal
from tests.support.post import Mailbox
from tests.support.staff_steps import Colleague, enrol


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


@pytest.fixture
def a_colleague(app: Flask, mailbox: Mailbox, clock: Clock) -> Callable[..., Colleague]:
    """Return a function that enrols somebody with an account of the portal's own, an owner if not told otherwise."""

    def make(email: str = "anne.moreau@habitat.example", name: str = "Mme Moreau", role: str = "owner") -> Colleague:
        return enrol(app, mailbox, clock, email, name, *(["--owner"] if role == "owner" else []))

    return make


@pytest.fixture
def owner(a_colleague: Callable[..., Colleague]) -> Colleague:
    return a_colleague()
