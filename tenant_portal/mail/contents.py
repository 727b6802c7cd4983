"""What stays of a mail's content once it has left: enough to read it again, and nothing that opens anything.

The office shows a tenant's mails as he saw them, his copy of his data holds them. A link would act in his name, so all
of it goes, and not its token alone.
"""

import re
from typing import Any

#: What of a content leads to our pages.
LINKS = ("link", "reset_link", "signup_link", "join_link", "not_me", "unsubscribe")
#: Stands where a link was.
BLACKED = "█████"
#: To the landlord, about what somebody typed: they have a thread or a page of their own.
_OF_LANDLORD = frozenset({"message_to_landlord", "account_disputed"})
#: What a thread holds word for word, and forgets on a day of its own.
_IN_THREAD = "body"
#: An address, or what is too long for a word: tokens have no spaces.
_SECRET = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+|\S{40,}", re.IGNORECASE)


def without_links(content: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a content with each link blacked out and without what was typed; None stays None."""
    if content is None:
        return None
    return {name: _blacked(value, is_link=name in LINKS) for name, value in content.items() if name != _IN_THREAD}


def kept(kind: str, content: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what stays of a mail of that kind once it has left, or will leave no more."""
    return None if kind in _OF_LANDLORD else without_links(content)


def _blacked(value: Any, *, is_link: bool = False) -> Any:
    if isinstance(value, str):
        return BLACKED if is_link and value else _SECRET.sub(BLACKED, value)
    if isinstance(value, list):
        return [_blacked(one) for one in value]
    return (
        {name: _blacked(one, is_link=name in LINKS) for name, one in value.items()}
        if isinstance(value, dict)
        else value
    )
