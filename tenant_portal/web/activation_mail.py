"""The mail of step 9, which several pages send."""

from .. import public_urls
from ..accounts import registration, signed_links
from ..mail import notifications
from ..mail.notifications import OfficeWord
from ..models import Account, Contract
from . import links


def send(account: Account, contract: Contract, *, by_office: OfficeWord | None = None) -> None:
    """Send the activation link of a pending account, and say so where its address has another account."""
    link = links.address("activation", account, contract)
    is_known = registration.has_other_account(account.email, besides=account)
    join_link = public_urls.public("contracts.join") if is_known else ""
    until = signed_links.expires_at("activation")
    notifications.activation(account, contract, link=link, until=until, join_link=join_link, by_office=by_office)
