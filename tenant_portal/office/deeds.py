"""The remedies' acts: each changes what it must and writes the one mail that tells the tenant (G05).

The caller holds the locks, notes the act and commits; it then calls what a deed returns.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from .. import audit, public_urls, signals
from ..accounts import freezing, joining, rate_limits, registration, sessions, signed_links, written_choices
from ..accounts.freezing import Freezer
from ..mail import notifications
from ..mail.notifications import OfficeWord
from ..models import Account, Contract
from ..web import activation_mail, links

STAFF = "staff"


class Noted(NamedTuple):
    """What the clerk filled in."""

    identity: str
    reason: str
    sentence: str = ""
    #: Of a sign-up, perhaps put right.
    email: str = ""
    act: str = ""
    #: A choice, and whether an owner notes it.
    written: written_choices.Request | None = None
    by_owner: bool = False

    @property
    def word(self) -> OfficeWord:
        """Return what the mail says of it."""
        return OfficeWord(self.act, self.sentence)


def nothing_more() -> None:
    """Do nothing after the commit."""


def send_activation(contract: Contract, account: Account, noted: Noted) -> Callable[[], None]:
    """Put the address of a pending account right, take the mark of a bounce away, and send the link."""
    registration.change_sign_up_email(account, noted.email or account.email, actor=STAFF)
    account.email_failed_at = None
    activation_mail.send(account, contract, by_office=noted.word)
    return nothing_more


def send_reset(contract: Contract, account: Account, noted: Noted) -> Callable[[], None]:
    """Send a link for a new password to the address on file."""
    audit.record("reset_requested", account=account, contract=contract, actor=STAFF)
    link, until = links.address("reset", account, contract), signed_links.expires_at("reset")
    notifications.reset(account, contract, link=link, until=until, by_office=noted.word)
    return nothing_more


def lift_delay(contract: Contract, account: Account, noted: Noted) -> Callable[[], None]:
    """End the waits of the account."""
    rate_limits.lift_login_waits(account.id)
    audit.record("delay_lifted", account=account, contract=contract, actor=STAFF)
    notifications.office_acted(account, contract, by_office=noted.word)
    return nothing_more


def end_sessions(contract: Contract, account: Account, noted: Noted) -> Callable[[], None]:
    """Log out every device."""
    ended = sessions.end_all(account)
    audit.record("sessions_ended", account=account, contract=contract, actor=STAFF, detail=str(ended))
    notifications.office_acted(account, contract, by_office=noted.word)
    return nothing_more


def freeze(contract: Contract, account: Account, noted: Noted) -> Callable[[], None]:
    """Freeze the account until the office thaws it."""
    undone = freezing.freeze(account, Freezer.STAFF)
    notifications.account_frozen(account, contract, undone=undone, by_office=noted.word)
    return nothing_more


def thaw(contract: Contract, account: Account, noted: Noted) -> Callable[[], None]:
    """Thaw the account; its tenant chooses another password."""
    freezing.thaw(account, actor=Freezer.STAFF)
    notifications.account_thawed(account, contract, by_office=noted.word)
    return nothing_more


def detach(contract: Contract, account: Account, noted: Noted) -> Callable[[], None]:
    """Take the contract out of its account."""
    withdrawn = joining.release(contract, account, actor=STAFF)
    notifications.contract_released(account, contract, by_office=noted.word)
    return partial(
        signals.send_contract_released,
        account=account.id,
        reference=contract.reference,
        withdrawn=withdrawn,
        keeps_others=bool(account.contracts),
    )


def reattach(contract: Contract, account: Account, noted: Noted) -> Callable[[], None]:
    """Put the contract back into the account that it was taken out of."""
    was_emptied = joining.reattach(contract, account, actor=STAFF)
    link = public_urls.public("password.forgotten") if was_emptied else ""
    notifications.office_acted(account, contract, by_office=noted.word, link=link)
    return nothing_more
