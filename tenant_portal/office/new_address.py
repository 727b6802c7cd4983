"""Another address for a finished account, asked for at the desk (F27)."""

from ..accounts import office_email_change, signed_links
from ..mail import notifications
from ..models import Account, Contract
from ..web import links

PURPOSE = "office_email_change"


def ask(account: Account, contract: Contract, email: str, *, at_counter: bool) -> bool:
    """Ask for another address and write the mails; tell whether this was no double click.

    The caller holds the lock of the account, for which `office_email_change.may_ask` holds.
    """
    change = office_email_change.ask(account, email, at_counter=at_counter)
    if change is None:
        return False
    link = links.address(PURPOSE, change, contract)
    notifications.office_email_change(change, contract, link=link, until=signed_links.expires_at(PURPOSE))
    for address in office_email_change.told(account):
        notifications.office_email_change_asked(change, contract, address=address)
    return True
