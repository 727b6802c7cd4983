"""A change of address that the office asks for: when it counts, and when the new address proved itself."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    for name in ("counts_at", "proved_at"):
        op.add_column("portal_email_changes", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_portal_email_changes_counts_at", "portal_email_changes", ["counts_at"])


def downgrade() -> None:
    """Take the step back."""
    op.drop_index("ix_portal_email_changes_counts_at", "portal_email_changes")
    for name in ("proved_at", "counts_at"):
        op.drop_column("portal_email_changes", name)
