"""An account frozen by « Ce n'est pas moi », one half of a password that waits, and accounts found by address."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column("portal_accounts", sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("portal_accounts", sa.Column("frozen_by", sa.String(length=20), nullable=False, server_default=""))
    op.add_column("portal_accounts", sa.Column("thawed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_portal_accounts_email", "portal_accounts", ["email"])
    op.create_table(
        "portal_kept_passwords",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("half", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_kept_passwords")),
    )
    op.create_index("ix_portal_kept_passwords_created_at", "portal_kept_passwords", ["created_at"])


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("portal_kept_passwords")
    op.drop_index("ix_portal_accounts_email", "portal_accounts")
    for column in ("thawed_at", "frozen_by", "frozen_at"):
        op.drop_column("portal_accounts", column)
