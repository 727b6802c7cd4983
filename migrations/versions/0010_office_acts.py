"""The journal of the office."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "portal_office_acts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clerk", sa.String(length=100), nullable=False),
        sa.Column("act", sa.String(length=40), nullable=False),
        sa.Column("contract_id", sa.Integer(), nullable=True),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("about", sa.String(length=100), nullable=False),
        sa.Column("identity", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("sentence", sa.String(length=140), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["portal_accounts.id"],
            name=op.f("fk_portal_office_acts_account_id_portal_accounts"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["portal_contracts.id"],
            name=op.f("fk_portal_office_acts_contract_id_portal_contracts"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_office_acts")),
    )
    op.create_index("ix_portal_office_acts_account_id", "portal_office_acts", ["account_id"])
    op.create_index("ix_portal_office_acts_contract_id_id", "portal_office_acts", ["contract_id", "id"])
    op.create_index("ix_portal_office_acts_created_at", "portal_office_acts", ["created_at"])


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("portal_office_acts")
