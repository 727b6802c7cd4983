"""Rent notices: which file belongs to which contract and month."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "portal_notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contract_id", sa.Integer(), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["portal_contracts.id"], name="fk_portal_notices_contract_id_portal_contracts"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_portal_notices"),
        sa.UniqueConstraint("contract_id", "period", name="uq_portal_notices_contract_id_period"),
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("portal_notices")
