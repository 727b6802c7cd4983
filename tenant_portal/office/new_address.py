"""Another address for a finished account, asked for at the desk (F27)."""

from collections.abc import Callable

from ..accounts import office_email_change, signed_links
from ..mail import notifications
from ..models import Account, Contract
from ..web import links
from .deeds import Noted, nothing_more

PURPOSE = "office_email_change"


def ask(contract: Contract, account: Account, noted: Noted) -> Callable[[], None]:
    """Ask for another address: it gets a link, and those who can object are told."""
    at_counter = noted.identity == "counter"
    change = office_email_change.ask(account, noted.email, at_counter=at_counter)
    link = links.address(PURPOSE, change, contract)
    notifications.office_email_change(change, contract, link=link, until=signed_links.expires_at(PURPOSE))
    counts_at = "" if at_counter or change.counts_at is None else change.counts_at.isoformat()
    for address in office_email_change.told(account):
        notifications.office_acted(account, contract, by_office=noted.word, address=address, counts_at=counts_at)
    return nothing_more
