"""The mails about what somebody may have done in a tenant's name: each holds the link « Ce n'est pas moi » (H07)."""

from typing import Any

from .. import public_urls
from ..accounts import freezing, signed_links
from ..accounts.authentication import AuthenticatedAccount, KnownContract
from ..models import Account, Contract
from . import outbox

SECURITY_MAILS = frozenset(
    {
        "account_closed",
        "account_created",
        "account_reopened",
        "account_thawed",
        "already_registered",
        "attempts",
        "contract_handed_over",
        "contract_joined",
        "data_copied",
        "e_notice_changed",
        "email_change_asked",
        "email_changed",
        "new_device",
        "office_acted",
        "password_changed",
    }
)


def warn(
    kind: str,
    account: Account | AuthenticatedAccount | None,
    contract: Contract | KnownContract | None,
    content: dict[str, Any],
    *,
    address: str = "",
    turn: int = 0,
) -> None:
    """Write a mail about an act that may be somebody else's, with the link « Ce n'est pas moi » (H07).

    Without an account the work is the same (F9). An address that may freeze nothing gets no link.
    """
    reader = address or (account.email if account is not None else "")
    whose = account or Account(id=0, email="", signup_key="")
    token = signed_links.issue("not_me", whose, contract, reader=reader)
    may = whose.email_doubted_at is None
    if address and isinstance(whose, Account):
        may = address.lower() in freezing.readers(whose)
    content["not_me"] = public_urls.public("not_me.open_link", token=token) if may else ""
    content["not_me_until"] = signed_links.expires_at("not_me").isoformat()
    assert kind in SECURITY_MAILS
    outbox.put(kind, reader, account=account, contract=contract, content=content, turn=turn)
