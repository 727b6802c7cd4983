"""Messages become threads: an entry for each text, whose they are, and how far they are."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_MESSAGES = sa.table(
    "portal_messages",
    *map(sa.column, ("id", "body", "state", "reference", "contract_id", "created_at", "last_entry_at", "told_at")),
)
_ENTRIES = sa.table("portal_message_entries", *map(sa.column, ("id", "message_id", "author", "body", "created_at")))
_CONTRACTS = sa.table("portal_contracts", sa.column("id"), sa.column("reference"))


def upgrade() -> None:
    """Apply the step; SQLite builds the table anew, which must have no entries yet: they would go with it."""
    _add_columns()
    _create_entries()
    _create_drafts()
    own = _MESSAGES.c
    texts = sa.select(own.id, sa.literal("tenant"), own.body, own.created_at).order_by(own.id)
    op.execute(_ENTRIES.insert().from_select(["message_id", "author", "body", "created_at"], texts))
    op.drop_column("portal_messages", "body")


def _add_columns() -> None:
    """Say whose the messages are and how far; nothing is due, as the answers so far left no trace."""
    with op.batch_alter_table("portal_messages") as messages:
        messages.add_column(sa.Column("account_id", sa.Integer(), nullable=True))
        messages.add_column(sa.Column("state", sa.String(length=20), nullable=False, server_default="received"))
        messages.add_column(sa.Column("due_on", sa.Date(), nullable=True))
        messages.add_column(sa.Column("last_entry_at", _MOMENT, nullable=True))
        messages.create_foreign_key(
            "fk_portal_messages_account_id_portal_accounts",
            "portal_accounts",
            ["account_id"],
            ["id"],
            ondelete="SET NULL",
        )
    own = _MESSAGES.c
    op.execute(_MESSAGES.update().values(last_entry_at=own.created_at))
    op.execute(_MESSAGES.update().where(own.told_at.is_not(None)).values(state="closed"))
    # Who waited for a contract was told of it, but the message was not put to it.
    appeared = sa.select(_CONTRACTS.c.id).where(_CONTRACTS.c.reference == own.reference).scalar_subquery()
    is_told = sa.and_(own.contract_id.is_(None), own.told_at.is_not(None), own.reference != "")
    op.execute(_MESSAGES.update().where(is_told).values(contract_id=appeared))
    with op.batch_alter_table("portal_messages") as messages:
        messages.alter_column("last_entry_at", existing_type=_MOMENT, nullable=False)
        messages.create_index("ix_portal_messages_account_id", ["account_id"])
        messages.create_index("ix_portal_messages_last_entry_at", ["last_entry_at"])


def _create_entries() -> None:
    op.create_table(
        "portal_message_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(length=20), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["portal_messages.id"],
            name="fk_portal_message_entries_message_id_portal_messages",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_portal_message_entries"),
    )
    op.create_index("ix_portal_message_entries_message_id", "portal_message_entries", ["message_id"])


def _create_drafts() -> None:
    op.create_table(
        "portal_drafts",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("topic", sa.String(length=30), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["portal_accounts.id"],
            name="fk_portal_drafts_account_id_portal_accounts",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name="pk_portal_drafts"),
    )


def downgrade() -> None:
    """Take the step back; of each message only the first text stays."""
    op.add_column("portal_messages", sa.Column("body", sa.Text(), nullable=False, server_default=""))
    entries, own = _ENTRIES.c, _MESSAGES.c
    of_message = sa.select(entries.body).where(entries.message_id == own.id)
    first = of_message.order_by(entries.id).limit(1).scalar_subquery()
    op.execute(_MESSAGES.update().values(body=sa.func.coalesce(first, "")))
    op.drop_table("portal_drafts")
    op.drop_table("portal_message_entries")
    with op.batch_alter_table("portal_messages") as messages:
        messages.drop_index("ix_portal_messages_last_entry_at")
        messages.drop_index("ix_portal_messages_account_id")
        messages.drop_constraint("fk_portal_messages_account_id_portal_accounts", type_="foreignkey")
        for name in ("last_entry_at", "due_on", "state", "account_id"):
            messages.drop_column(name)
