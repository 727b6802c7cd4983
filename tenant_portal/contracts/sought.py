"""What of a contract is sought by its words: names, street and city (G03)."""

from sqlalchemy import ColumnElement, String, func, literal_column
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Base
from ..models import Contract
from ..text import HOUSE_NUMBER, WORD_MAX

#: As the index of streets has it.
STREET_SIGNS: ColumnElement[str] = literal_column(f"'{HOUSE_NUMBER}'")
#: Whose words are searched; the third is the street without its number.
SOUGHT: tuple[ColumnElement[str], ...] = (
    Contract.last_name,  # type: ignore[assignment]
    Contract.first_name,
    func.ltrim(Contract.street, STREET_SIGNS),
    Contract.city,
)


class SearchWord(Base):
    """How a name, street or city may begin, folded, for the search; values without a contract may stay."""

    __tablename__ = "portal_search_words"

    #: Compared byte by byte: a prefix is a range in every collation.
    word: Mapped[str] = mapped_column(
        String(WORD_MAX).with_variant(String(WORD_MAX, collation="C"), "postgresql"), primary_key=True
    )
    value: Mapped[str] = mapped_column(String(300), primary_key=True)
