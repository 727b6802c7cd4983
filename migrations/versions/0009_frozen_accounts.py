"""An account frozen by « Ce n'est pas moi »."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column("portal_accounts", sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("portal_accounts", sa.Column("frozen_by", sa.String(length=20), nullable=False, server_default=""))
    op.add_column("portal_accounts", sa.Column("thawed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take the step back."""
    for column in ("thawed_at", "frozen_by", "frozen_at"):
        op.drop_column("portal_accounts", column)
