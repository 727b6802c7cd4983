"""When each clerk was here last, and the indexes of what waits for the office."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0017"
branch_labels = None
depends_on = None

_UNDELIVERED = sa.text("state IN ('refused', 'bounced')")
_TROUBLED = sa.text("error <> ''")
#: Name, table, columns and condition.
_INDEXES = (
    ("ix_portal_office_acts_clerk_id", "portal_office_acts", ["clerk", "id"], None),
    ("ix_portal_documents_kind_period", "portal_documents", ["kind", "period", "published_at"], None),
    ("ix_portal_mails_undelivered", "portal_mails", ["kind", "created_at"], _UNDELIVERED),
    ("ix_portal_mails_error", "portal_mails", ["error", "state"], _TROUBLED),
    ("ix_portal_mails_sent_at", "portal_mails", ["sent_at"], None),
)


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "portal_office_visits",
        sa.Column("clerk", sa.String(length=100), nullable=False),
        sa.Column("previous_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("latest_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("clerk", name=op.f("pk_portal_office_visits")),
    )
    for name, table, columns, condition in _INDEXES:
        op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    """Take the step back."""
    for name, table, _columns, _condition in reversed(_INDEXES):
        op.drop_index(name, table)
    op.drop_table("portal_office_visits")
