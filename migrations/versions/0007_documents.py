"""Documents of two kinds: what was published so far are rent notices."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COLUMNS = ("id", "contract_id", "period", "digest", "size", "published_at")


def upgrade() -> None:
    """Apply the step."""
    _make("portal_documents", ("contract_id", "kind", "period"), sa.Column("kind", sa.String(20), nullable=False))
    _move("portal_notices", "portal_documents", "kind", "'notice'")


def downgrade() -> None:
    """Take the step back; receipts are lost."""
    _make("portal_notices", ("contract_id", "period"))
    op.execute("DELETE FROM portal_documents WHERE kind <> 'notice'")
    _move("portal_documents", "portal_notices")


def _make(name: str, unique: tuple[str, ...], *more: sa.Column) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contract_id", sa.Integer(), nullable=False),
        *more,
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["portal_contracts.id"],
            name=f"fk_{name}_contract_id_portal_contracts",
            ondelete="CASCADE" if more else None,
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        sa.UniqueConstraint(*unique, name=f"uq_{name}_{'_'.join(unique)}"),
    )


def _move(source: str, target: str, column: str = "", value: str = "") -> None:
    """Move every row with its number, which stands in addresses that people keep."""
    names = ", ".join(COLUMNS)
    more = (f", {column}", f", {value}") if column else ("", "")
    op.execute(f"INSERT INTO {target} ({names}{more[0]}) SELECT {names}{more[1]} FROM {source}")  # noqa: S608 (ours)
    if op.get_bind().dialect.name == "postgresql":  # SQLite numbers on by itself
        last = f"(SELECT COALESCE(MAX(id), 0) + 1 FROM {target})"  # noqa: S608 (ours)
        op.execute(f"SELECT setval(pg_get_serial_sequence('{target}', 'id'), {last}, false)")
    op.drop_table(source)
