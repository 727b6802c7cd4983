"""Answers of the office that wait, that were given elsewhere, and that did not arrive."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("channel", sa.String(length=20)),
    ("answered_on", sa.Date()),
    ("leaves_at", sa.DateTime(timezone=True)),
    ("former_state", sa.String(length=20)),
    ("former_due_on", sa.Date()),
    ("mail_id", sa.Integer()),
)
_MAIL = "fk_portal_message_entries_mail_id_portal_mails"


def upgrade() -> None:
    """Apply the step."""
    with op.batch_alter_table("portal_message_entries") as entries:
        for name, kind in _COLUMNS:
            entries.add_column(sa.Column(name, kind, nullable=True))
        entries.create_foreign_key(_MAIL, "portal_mails", ["mail_id"], ["id"], ondelete="SET NULL")
    op.create_index("ix_portal_message_entries_mail_id", "portal_message_entries", ["mail_id"])
    op.create_index("ix_portal_messages_due_on_id", "portal_messages", ["due_on", "id"])
    op.create_index("ix_portal_office_acts_about_id", "portal_office_acts", ["about", "id"])


def downgrade() -> None:
    """Take the step back."""
    op.drop_index("ix_portal_office_acts_about_id", "portal_office_acts")
    op.drop_index("ix_portal_messages_due_on_id", "portal_messages")
    with op.batch_alter_table("portal_message_entries") as entries:
        entries.drop_index("ix_portal_message_entries_mail_id")
        entries.drop_constraint(_MAIL, type_="foreignkey")
        for name, _kind in reversed(_COLUMNS):
            entries.drop_column(name)
