"""When a document was first opened, and which server took a mail."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column("portal_documents", sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("portal_mails", sa.Column("taken_by", sa.String(length=255), nullable=False, server_default=""))


def downgrade() -> None:
    """Take the step back."""
    with op.batch_alter_table("portal_mails") as mails:
        mails.drop_column("taken_by")
    with op.batch_alter_table("portal_documents") as documents:
        documents.drop_column("opened_at")
