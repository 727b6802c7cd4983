"""The office: its journal, search, accounts, visits, and what it does about addresses, answers and documents."""

import re
import unicodedata
from itertools import islice

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

#: Values of one batch.
_BATCH = 5_000
#: Length of the column.
_WORD_MAX = 200
#: Signs before the name of a street, and those of the local part of an address.
_HOUSE_NUMBER, _LOCAL_PART = "0123456789, ", "abcdefghijklmnopqrstuvwxyz0123456789.-_+&=~!#/"

_ADDRESSES = (("portal_contracts", "email"), ("portal_accounts", "email"), ("portal_email_changes", "old_email"))
_NAMES = ("last_name", "first_name")

_WORD = re.compile(r"[^\W_]+")
_ANSWER_COLUMNS = (
    ("channel", sa.String(length=20)),
    ("answered_on", sa.Date()),
    ("leaves_at", sa.DateTime(timezone=True)),
    ("former_state", sa.String(length=20)),
    ("former_due_on", sa.Date()),
    ("mail_id", sa.Integer()),
)
_ANSWER_MAIL = "fk_portal_message_entries_mail_id_portal_mails"
_UNDELIVERED = sa.text("state IN ('refused', 'bounced')")
_TROUBLED = sa.text("error <> ''")
#: Name, table, columns and condition.
_INDEXES = (
    ("ix_portal_office_acts_clerk_id", "portal_office_acts", ["clerk", "id"], None),
    ("ix_portal_documents_kind_period", "portal_documents", ["kind", "period", "published_at"], None),
    ("ix_portal_mails_undelivered", "portal_mails", ["kind", "created_at"], _UNDELIVERED),
    ("ix_portal_mails_error", "portal_mails", ["error", "state"], _TROUBLED),
    ("ix_portal_mails_sent_at", "portal_mails", ["sent_at"], None),
)


def upgrade() -> None:
    """Apply the step."""
    _add_journal()
    _add_staff()
    _add_email_changes()
    _add_answers()
    _add_fates()
    _add_visits()
    _add_search()  # last: SQLite builds no table anew beside an index of an expression without a warning


def downgrade() -> None:
    """Take the step back."""
    _drop_search()
    _drop_visits()
    _drop_fates()
    _drop_answers()
    _drop_email_changes()
    _drop_staff()
    _drop_journal()


def _add_journal() -> None:
    """The journal of the office."""
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


def _drop_journal() -> None:
    op.drop_table("portal_office_acts")


def _add_search() -> None:
    """The search by streets, cities, modules and mail addresses, through indexes."""
    op.drop_table("portal_name_words")
    words = _words_table("portal_search_words", "value", 300)
    contracts = sa.table("portal_contracts", *map(sa.column, (*_NAMES, "street", "city")))
    street = sa.func.ltrim(contracts.c.street, _HOUSE_NUMBER)
    _fill(words, contracts.c.last_name, contracts.c.first_name, street, contracts.c.city)
    for name in _NAMES:
        op.drop_index(f"ix_portal_contracts_{name}", "portal_contracts")
    op.create_index("ix_portal_contracts_last_name", "portal_contracts", ["last_name", "first_name", "street", "id"])
    op.create_index("ix_portal_contracts_first_name", "portal_contracts", ["first_name", "last_name", "street", "id"])
    street_name = sa.text(f"ltrim(street, '{_HOUSE_NUMBER}')")
    op.create_index("ix_portal_contracts_street_name", "portal_contracts", [street_name, "street", "id"])
    for name in ("city", "module"):
        op.create_index(f"ix_portal_contracts_{name}", "portal_contracts", [name])
    collation = ' COLLATE "C"' if op.get_bind().dialect.name == "postgresql" else ""
    for table, column in _ADDRESSES:
        lower = f"lower({column})"
        for kind, what in (("lower", lower), ("domain", f"ltrim({lower}, '{_LOCAL_PART}')")):
            op.create_index(f"ix_{table}_{column}_{kind}", table, [sa.text(f"({what}){collation}")])


def _drop_search() -> None:
    for table, column in _ADDRESSES:
        for kind in ("domain", "lower"):
            op.drop_index(f"ix_{table}_{column}_{kind}", table)
    for name in ("module", "city", "street_name", *_NAMES):
        op.drop_index(f"ix_portal_contracts_{name}", "portal_contracts")
    for name in _NAMES:
        op.create_index(f"ix_portal_contracts_{name}", "portal_contracts", [name])
    op.drop_table("portal_search_words")
    words = _words_table("portal_name_words", "name", 200)
    contracts = sa.table("portal_contracts", *map(sa.column, _NAMES))
    _fill(words, contracts.c.last_name, contracts.c.first_name)


def _add_staff() -> None:
    """The staff's own accounts, their logins, recovery codes and kept forms."""
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


def _drop_staff() -> None:
    for table in ("kept_forms", "recovery_codes", "logins"):
        op.drop_table(f"portal_staff_{table}")
    op.drop_table("portal_staff")


def _add_email_changes() -> None:
    """A change of address that the office asks for: when it counts, and when the new address proved itself."""
    for name in ("counts_at", "proved_at"):
        op.add_column("portal_email_changes", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_portal_email_changes_counts_at", "portal_email_changes", ["counts_at"])


def _drop_email_changes() -> None:
    op.drop_index("ix_portal_email_changes_counts_at", "portal_email_changes")
    for name in ("proved_at", "counts_at"):
        op.drop_column("portal_email_changes", name)


def _add_answers() -> None:
    """Answers of the office that wait, that were given elsewhere, and that did not arrive."""
    with op.batch_alter_table("portal_message_entries") as entries:
        for name, kind in _ANSWER_COLUMNS:
            entries.add_column(sa.Column(name, kind, nullable=True))
        entries.create_foreign_key(_ANSWER_MAIL, "portal_mails", ["mail_id"], ["id"], ondelete="SET NULL")
    op.create_index("ix_portal_message_entries_mail_id", "portal_message_entries", ["mail_id"])
    op.create_index("ix_portal_messages_due_on_id", "portal_messages", ["due_on", "id"])
    op.create_index("ix_portal_office_acts_about_id", "portal_office_acts", ["about", "id"])


def _drop_answers() -> None:
    op.drop_index("ix_portal_office_acts_about_id", "portal_office_acts")
    op.drop_index("ix_portal_messages_due_on_id", "portal_messages")
    with op.batch_alter_table("portal_message_entries") as entries:
        entries.drop_index("ix_portal_message_entries_mail_id")
        entries.drop_constraint(_ANSWER_MAIL, type_="foreignkey")
        for name, _kind in reversed(_ANSWER_COLUMNS):
            entries.drop_column(name)


def _add_fates() -> None:
    """When a document was first opened, and which server took a mail."""
    op.add_column("portal_documents", sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("portal_mails", sa.Column("taken_by", sa.String(length=255), nullable=False, server_default=""))


def _drop_fates() -> None:
    with op.batch_alter_table("portal_mails") as mails:
        mails.drop_column("taken_by")
    with op.batch_alter_table("portal_documents") as documents:
        documents.drop_column("opened_at")


def _add_visits() -> None:
    """When each clerk was here last, and the indexes of what waits for the office."""
    op.create_table(
        "portal_office_visits",
        sa.Column("clerk", sa.String(length=100), nullable=False),
        sa.Column("previous_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("latest_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("clerk", name=op.f("pk_portal_office_visits")),
    )
    for name, table, columns, condition in _INDEXES:
        op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def _drop_visits() -> None:
    for name, table, _columns, _condition in reversed(_INDEXES):
        op.drop_index(name, table)
    op.drop_table("portal_office_visits")


def beginnings_of(text: str) -> list[str]:
    """Return a text in one piece from each of its words on, folded."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    words = _WORD.findall(plain.replace("œ", "oe").replace("æ", "ae"))
    return list(dict.fromkeys("".join(words[at:])[:_WORD_MAX] for at in range(len(words))))


def _words_table(name: str, value: str, length: int) -> sa.Table:
    word = sa.String(_WORD_MAX).with_variant(sa.String(_WORD_MAX, collation="C"), "postgresql")
    return op.create_table(
        name,
        sa.Column("word", word, nullable=False),
        sa.Column(value, sa.String(length=length), nullable=False),
        sa.PrimaryKeyConstraint("word", value, name=f"pk_{name}"),
    )


def _fill(words: sa.Table, *columns: sa.ColumnElement[str]) -> None:
    names = [column.name for column in words.c]
    values = sa.union(*(sa.select(column.label("value")) for column in columns))
    with op.get_bind().execute(values.execution_options(yield_per=_BATCH)) as found:
        every = (dict(zip(names, (word, value), strict=True)) for (value,) in found for word in beginnings_of(value))
        while batch := list(islice(every, _BATCH)):
            op.bulk_insert(words, batch)


def _of_staff(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_staff_id_portal_staff")
    return sa.ForeignKeyConstraint(["staff_id"], ["portal_staff.id"], name=name, ondelete="CASCADE")
