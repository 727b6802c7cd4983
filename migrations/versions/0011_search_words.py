"""The search by streets, cities, modules and mail addresses, through indexes."""

import re
import unicodedata
from itertools import islice

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

#: Values of one batch.
BATCH = 5_000
#: Length of the column.
WORD_MAX = 200
#: Signs before the name of a street, and those of the local part of an address.
HOUSE_NUMBER, LOCAL_PART = "0123456789, ", "abcdefghijklmnopqrstuvwxyz0123456789.-_+&=~!#/"

ADDRESSES = (("portal_contracts", "email"), ("portal_accounts", "email"), ("portal_email_changes", "old_email"))
NAMES = ("last_name", "first_name")

_WORD = re.compile(r"[^\W_]+")


def beginnings_of(text: str) -> list[str]:
    """Return a text in one piece from each of its words on, folded."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    words = _WORD.findall(plain.replace("œ", "oe").replace("æ", "ae"))
    return list(dict.fromkeys("".join(words[at:])[:WORD_MAX] for at in range(len(words))))


def upgrade() -> None:
    """Apply the step."""
    op.drop_table("portal_name_words")
    words = _words_table("portal_search_words", "value", 300)
    contracts = sa.table("portal_contracts", *map(sa.column, (*NAMES, "street", "city")))
    street = sa.func.ltrim(contracts.c.street, HOUSE_NUMBER)
    _fill(words, contracts.c.last_name, contracts.c.first_name, street, contracts.c.city)
    for name in NAMES:
        op.drop_index(f"ix_portal_contracts_{name}", "portal_contracts")
    op.create_index("ix_portal_contracts_last_name", "portal_contracts", ["last_name", "first_name", "street", "id"])
    op.create_index("ix_portal_contracts_first_name", "portal_contracts", ["first_name", "last_name", "street", "id"])
    street_name = sa.text(f"ltrim(street, '{HOUSE_NUMBER}')")
    op.create_index("ix_portal_contracts_street_name", "portal_contracts", [street_name, "street", "id"])
    for name in ("city", "module"):
        op.create_index(f"ix_portal_contracts_{name}", "portal_contracts", [name])
    collation = ' COLLATE "C"' if op.get_bind().dialect.name == "postgresql" else ""
    for table, column in ADDRESSES:
        lower = f"lower({column})"
        for kind, what in (("lower", lower), ("domain", f"ltrim({lower}, '{LOCAL_PART}')")):
            op.create_index(f"ix_{table}_{column}_{kind}", table, [sa.text(f"({what}){collation}")])


def downgrade() -> None:
    """Take the step back."""
    for table, column in ADDRESSES:
        for kind in ("domain", "lower"):
            op.drop_index(f"ix_{table}_{column}_{kind}", table)
    for name in ("module", "city", "street_name", *NAMES):
        op.drop_index(f"ix_portal_contracts_{name}", "portal_contracts")
    for name in NAMES:
        op.create_index(f"ix_portal_contracts_{name}", "portal_contracts", [name])
    op.drop_table("portal_search_words")
    words = _words_table("portal_name_words", "name", 200)
    contracts = sa.table("portal_contracts", *map(sa.column, NAMES))
    _fill(words, contracts.c.last_name, contracts.c.first_name)


def _words_table(name: str, value: str, length: int) -> sa.Table:
    word = sa.String(WORD_MAX).with_variant(sa.String(WORD_MAX, collation="C"), "postgresql")
    return op.create_table(
        name,
        sa.Column("word", word, nullable=False),
        sa.Column(value, sa.String(length=length), nullable=False),
        sa.PrimaryKeyConstraint("word", value, name=f"pk_{name}"),
    )


def _fill(words: sa.Table, *columns: sa.ColumnElement[str]) -> None:
    names = [column.name for column in words.c]
    values = sa.union(*(sa.select(column.label("value")) for column in columns))
    with op.get_bind().execute(values.execution_options(yield_per=BATCH)) as found:
        every = (dict(zip(names, (word, value), strict=True)) for (value,) in found for word in beginnings_of(value))
        while batch := list(islice(every, BATCH)):
            op.bulk_insert(words, batch)
