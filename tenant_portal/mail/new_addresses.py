"""The addresses that the office was told: from their day on they count, and both addresses hear of it (F27)."""

from .. import public_urls
from ..accounts import office_email_change
from ..accounts.email_change import EmailChange
from ..db import db
from . import notifications


def settle_due() -> None:
    """Let the proved addresses count whose day has come, tell of it, and commit."""
    for change in office_email_change.settle_due():
        tell(change)
    db.session.commit()


def tell(change: EmailChange) -> None:
    """Tell the new address that it counts and how to choose a password, and the former that it counts no more."""
    contract = change.account.contracts[0]
    link = public_urls.public("password.forgotten")
    notifications.email_changed(change, contract, address=change.new_email, link=link)
    if change.new_email.lower() != change.old_email.lower():
        notifications.email_changed(change, contract, address=change.old_email)
