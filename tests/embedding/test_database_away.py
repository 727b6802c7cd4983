"""A host's database is away: our pages tell it, and the host's errors stay its own."""

from pathlib import Path

import pytest
from flask import Flask
from jinja2 import DictLoader
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tests.conftest import MakeApp, close
from tests.support.hosts import EXTENSION, PREFIX

pytestmark = pytest.mark.sqlite  # other tests stop PostgreSQL


@pytest.fixture
def home() -> str:
    return EXTENSION


@pytest.fixture
def stranded(make_app: MakeApp, tmp_path: Path) -> Flask:
    """Return a host whose layout asks its database for a menu."""
    app = make_app()
    database = app.extensions["sqlalchemy"]
    app.jinja_env.globals["menu"] = lambda: database.session.scalar(text("SELECT count(*) FROM portal_accounts"))
    layout = "{{ menu() }}<title>{% block title %}{% endblock %}</title>{% block content %}{% endblock %}"
    app.jinja_loader = DictLoader({"portal/base.html": layout, "page.html": "{{ menu() }}"})
    close(app)
    file = tmp_path / "portal.sqlite3"
    file.rename(tmp_path / "shelf.sqlite3")
    file.mkdir()
    return app


def test_a_layout_that_asks_the_database_is_left_out(stranded: Flask) -> None:
    answer = stranded.test_client().get(f"{PREFIX}/connexion")
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    assert "Notre service est arrêté pour un moment" in answer.text and "02\u00a041" in answer.text
    assert answer.headers["Content-Security-Policy"] and answer.headers["X-Intranet"] == "1"


def test_a_page_of_the_host_meets_the_error_by_itself(stranded: Flask) -> None:
    @stranded.errorhandler(OperationalError)
    def of_the_host(error: OperationalError) -> tuple[str, int]:
        return "the intranet cannot reach its database", 500

    answer = stranded.test_client().get("/")
    assert (answer.text, answer.status_code) == ("the intranet cannot reach its database", 500)
    assert stranded.test_client().get(f"{PREFIX}/connexion").status_code == 503, "nor does its handler take ours"
