"""Row numbers and tokens in addresses."""

from typing import Any

from werkzeug.routing import BaseConverter, IntegerConverter

#: The largest integer of a column; PostgreSQL fails on a larger one.
ROW_NUMBER_MAX = 2**31 - 1


class RowNumber(IntegerConverter):
    """The number of a row, in ASCII digits, that fits its column."""

    regex = "[1-9][0-9]{0,9}"

    def __init__(self, url_map: Any) -> None:
        super().__init__(url_map, max=ROW_NUMBER_MAX)


class MessageNumber(BaseConverter):
    """The number of a message, as it is written."""

    regex = "M-[0-9]{4}-[0-9]{4}"


class MailedLink(BaseConverter):
    """The token of a link, with whatever a mail program took for a part of it: slashes and line ends too."""

    part_isolating = False
    regex = r"[\s\S]+"
    weight = 200
