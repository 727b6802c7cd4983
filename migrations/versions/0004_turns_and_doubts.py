"""The turn of a mail in the outbox, and the doubt about a changed address."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    """Apply the step."""
    op.add_column("portal_accounts", sa.Column("email_doubted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("portal_mails", sa.Column("turn", sa.Integer(), nullable=False, server_default="0"))
    op.drop_index("ix_portal_mails_due", "portal_mails")
    op.create_index(
        "ix_portal_mails_turn",
        "portal_mails",
        ["turn", "due_at"],
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_index("ix_portal_mails_turn", "portal_mails")
    op.create_index("ix_portal_mails_due", "portal_mails", ["due_at"], sqlite_where=_WAITING, postgresql_where=_WAITING)
    op.drop_column("portal_mails", "turn")
    op.drop_column("portal_accounts", "email_doubted_at")
