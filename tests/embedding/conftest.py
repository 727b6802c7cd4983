"""A portal inside the hostile host, one mounted beside it, and staff of that host."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.hosts import EXTENSION, MOUNT, add_staff, home_of

MakeApp = Callable[..., Flask]


@pytest.fixture(params=[EXTENSION, MOUNT])
def home(request: pytest.FixtureRequest) -> str:
    """Return where the portal lives: by default in both homes beside a host."""
    return str(request.param)


@pytest.fixture
def host(app: Flask) -> Flask:
    """Return the hostile host in which the portal lives, with one member of staff: Mme Moreau, number 1."""
    front = home_of(app).front
    add_staff(front)
    return front


@pytest.fixture
def visitor(host: Flask) -> FlaskClient:
    """Return a browser on the host's own pages."""
    return host.test_client()


def token_on(browser: FlaskClient, path: str = "/") -> str:
    """Return the CSRF token of a page of the host."""
    return browser.get(f"http://localhost{path}").text.split('name="csrf_token" value="')[1].split('"')[0]


def log_staff_in(browser: FlaskClient, **more: str) -> None:
    """Log Mme Moreau in on the host's login page."""
    answer = browser.post("http://localhost/login", data={"csrf_token": token_on(browser, "/login"), **more})
    assert answer.status_code == 200, answer.text
