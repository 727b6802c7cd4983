"""Another address for a finished account, asked for at the desk (F27)."""

from collections.abc import Callable

from ..accounts import office_email_change, signed_links
from ..mail import notifications
from ..models import Account, Contract
from ..web import links
from .deeds import Noted, nothing_more

PURPOSE = "office_email_change"


def ask(contract: Contract, account: Account, noted: Noted) -> Callable[[], None]:
    """Ask for another address; a double click writes no mail."""
    at_counter = noted.identity == "counter"
    change = office_email_change.ask(account, noted.email, at_counter=at_counter)
    if change is not None and change.counts_at is not None:
        link = links.address(PURPOSE, change, contract)
        notifications.office_email_change(change, contract, link=link, until=signed_links.expires_at(PURPOSE))
        counts_at = "" if at_counter else change.counts_at.isoformat()
        for address in office_email_change.told(account):
            notifications.office_acted(account, contract, by_office=noted.word, address=address, counts_at=counts_at)
    return nothing_more
