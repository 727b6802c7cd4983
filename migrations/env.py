"""Alembic's entry, on the connection of `operations.migrations`."""

from alembic import context
from sqlalchemy import Enum

from tenant_portal.db import UtcDateTime
from tenant_portal.operations import migrations


def render_item(kind, item, autogen_context):
    """Write our types as plain SQLAlchemy: a migration outlives our code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Enum):
        return f"sa.String(length={item.length})"
    return False


connection = context.config.attributes["connection"]
context.configure(connection=connection, render_item=render_item, **migrations.options(connection))
with context.begin_transaction():
    context.run_migrations()
