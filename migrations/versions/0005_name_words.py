"""The folded words of names, an index for the search by name."""

import re
import unicodedata
from itertools import islice

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

#: Names of one batch.
BATCH = 5_000
#: Length of the column.
WORD_MAX = 200

_WORD = re.compile(r"[^\W_]+")


def words_of(name: str) -> list[str]:
    """Return the folded words of a name, each once, without punctuation."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return list(dict.fromkeys(word[:WORD_MAX] for word in _WORD.findall(plain)))


def upgrade() -> None:
    """Apply the step."""
    words = op.create_table(
        "portal_name_words",
        sa.Column(
            "word", sa.String(length=200).with_variant(sa.String(200, collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("word", "name", name="pk_portal_name_words"),
    )
    contracts = sa.table("portal_contracts", sa.column("last_name"), sa.column("first_name"))
    names = sa.union(sa.select(contracts.c.last_name), sa.select(contracts.c.first_name))
    with op.get_bind().execute(names.execution_options(yield_per=BATCH)) as found:
        every = ({"word": word, "name": name} for (name,) in found for word in words_of(name))
        while batch := list(islice(every, BATCH)):
            op.bulk_insert(words, batch)
    op.create_index("ix_portal_contracts_last_name", "portal_contracts", ["last_name"])
    op.create_index("ix_portal_contracts_first_name", "portal_contracts", ["first_name"])


def downgrade() -> None:
    """Take the step back."""
    op.drop_index("ix_portal_contracts_first_name", "portal_contracts")
    op.drop_index("ix_portal_contracts_last_name", "portal_contracts")
    op.drop_table("portal_name_words")
