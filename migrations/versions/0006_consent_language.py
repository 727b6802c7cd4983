"""The language in which each answer was asked."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

#: The questions as asked in English until now; any other wording is French.
ENGLISH = {
    "e_notice": "You agree to receive your rent notice electronically (only for contracts paid by direct debit)",
    "commercial": "You agree to receive commercial information by email",
    "general": "You agree to receive general (non-commercial) information by email",
}


def upgrade() -> None:
    """Apply the step."""
    op.add_column("portal_consents", sa.Column("language", sa.String(length=8), nullable=False, server_default="fr"))
    consents = sa.table("portal_consents", sa.column("purpose"), sa.column("wording"), sa.column("language"))
    for purpose, wording in ENGLISH.items():
        is_english = sa.and_(consents.c.purpose == purpose, consents.c.wording == wording)
        op.execute(consents.update().where(is_english).values(language="en"))


def downgrade() -> None:
    """Take the step back."""
    op.drop_column("portal_consents", "language")
