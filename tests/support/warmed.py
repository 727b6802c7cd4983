"""What each process of `killable_acts` would do first, done once in the server that they are forked from."""

from werkzeug.routing import Rule

from tenant_portal import create_app
from tenant_portal.db import db
from tests.conftest import SETTINGS

from .url_map import compiling_once

Rule._compile_builder = compiling_once()  # type: ignore[method-assign]
app = create_app({**SETTINGS, "SQLALCHEMY_DATABASE_URI": "sqlite://"})
assert app.test_client().get("/aide").status_code == 200
with app.app_context():
    db.engine.dispose()  # no connection is inherited
