"""The portal inside a hostile host, or beside it, and an employee of the host."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.hosts import EXTENSION, MOUNT, add_staff, home_of

MakeApp = Callable[..., Flask]


@pytest.fixture(params=[EXTENSION, MOUNT])
def home(request: pytest.FixtureRequest) -> str:
    """Return both homes with a host."""
    return str(request.param)


@pytest.fixture
def host(app: Flask) -> Flask:
    """Return the host with one employee: Mme Moreau, number 1."""
    front = home_of(app).front
    add_staff(front)
    return front


@pytest.fixture
def visitor(host: Flask) -> FlaskClient:
    """Return a browser for the host's pages."""
    return host.test_client()


def token_on(browser: FlaskClient, path: str = "/") -> str:
    return browser.get(f"http://localhost{path}").text.split('name="csrf_token" value="')[1].split('"')[0]


def log_staff_in(browser: FlaskClient, **more: str) -> None:
    answer = browser.post("http://localhost/login", data={"csrf_token": token_on(browser, "/login"), **more})
    assert answer.status_code == 200, answer.text
