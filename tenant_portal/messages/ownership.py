"""Whose a message is: only he reads it in his space.

Written by who was logged in, it is his. Written without login, it is the tenant's whose contract and mail address it
names, both: a stranger may type any reference, and an address may have a slip.
"""

from sqlalchemy import and_, or_, select

from ..db import db
from ..message_models import Message
from ..models import Account


def belongs_to(message: Message, account: Account) -> bool:
    """Tell whether the tenant reads that message."""
    if message.account_id is not None:
        return message.account_id == account.id
    is_his_contract = message.contract_id in {contract.id for contract in account.contracts}
    return is_his_contract and message.email.lower() == account.email.lower()


def messages_of(account: Account) -> list[Message]:
    """Return the messages of a tenant, the one with the newest entry first."""
    contracts = [contract.id for contract in account.contracts]
    nobodys = and_(Message.account_id.is_(None), Message.contract_id.in_(contracts))
    rows = select(Message).where(or_(Message.account_id == account.id, nobodys))
    found = db.session.scalars(rows.order_by(Message.last_entry_at.desc(), Message.id.desc()))
    return [message for message in found if belongs_to(message, account)]


def find(account: Account, number: str, *, lock: bool = False) -> Message | None:
    """Return the message of that number if it is the tenant's."""
    message = find_any(number, lock=lock)
    return message if message is not None and belongs_to(message, account) else None


def find_any(number: str, *, lock: bool = False) -> Message | None:
    """Return the message of that number, whoever wrote it; a locked one is read anew."""
    row = select(Message).where(Message.number == number)
    if lock:
        row = row.with_for_update(key_share=True).execution_options(populate_existing=True)
    return db.session.scalars(row).one_or_none()


def reader_of(message: Message) -> Account | None:
    """Return the account in whose space a message stands; None where nobody logs in to read it."""
    account = message.account or (message.contract.account if message.contract is not None else None)
    if account is None or not account.is_finished or account.is_closed:
        return None
    return account if belongs_to(message, account) else None
