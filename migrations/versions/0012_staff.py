"""The staff's own accounts, their logins, recovery codes and kept forms."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "portal_staff",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("name_key", sa.String(length=120), nullable=True),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("totp_secret", sa.String(length=200), nullable=False),
        sa.Column("totp_step", sa.Integer(), nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_staff")),
        sa.UniqueConstraint("email", name=op.f("uq_portal_staff_email")),
        sa.UniqueConstraint("name_key", name=op.f("uq_portal_staff_name_key")),
    )
    op.create_table(
        "portal_staff_logins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("device_hash", sa.String(length=64), nullable=False),
        sa.Column("device_name", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        _of_staff("portal_staff_logins"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_staff_logins")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_portal_staff_logins_token_hash")),
    )
    op.create_index("ix_portal_staff_logins_staff_id", "portal_staff_logins", ["staff_id"])
    op.create_table(
        "portal_staff_recovery_codes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        _of_staff("portal_staff_recovery_codes"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_staff_recovery_codes")),
    )
    op.create_index("ix_portal_staff_recovery_codes_staff_id", "portal_staff_recovery_codes", ["staff_id"])
    op.create_table(
        "portal_staff_kept_forms",
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _of_staff("portal_staff_kept_forms"),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_portal_staff_kept_forms")),
    )


def downgrade() -> None:
    """Take the step back."""
    for table in ("kept_forms", "recovery_codes", "logins"):
        op.drop_table(f"portal_staff_{table}")
    op.drop_table("portal_staff")


def _of_staff(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_staff_id_portal_staff")
    return sa.ForeignKeyConstraint(["staff_id"], ["portal_staff.id"], name=name, ondelete="CASCADE")
