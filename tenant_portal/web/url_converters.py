"""The numbers of rows in addresses: what no row can have is the address of no page."""

from typing import Any

from werkzeug.routing import IntegerConverter

#: The largest whole number of a column; PostgreSQL fails where it is asked for a larger one.
ROW_NUMBER_MAX = 2**31 - 1


class RowNumber(IntegerConverter):
    """The number of a row, in ASCII digits; the database is asked for none that it could not hold."""

    regex = "[1-9][0-9]{0,9}"

    def __init__(self, url_map: Any) -> None:
        super().__init__(url_map, max=ROW_NUMBER_MAX)
