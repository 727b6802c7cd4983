"""Whose a message is: only he reads it in his space.

Written by who was logged in, it is his. Written without login, it is the tenant's whose contract and mail address it
names, both: a stranger may type any reference, and an address may have a slip.
"""

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import selectinload

from ..accounts import freezing
from ..db import db
from ..models import Account
from .models import Message


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
    rows = select(Message).where(or_(Message.account_id == account.id, nobodys)).options(selectinload(Message.entries))
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


def owner_of(message: Message) -> Account | None:
    """Return the account in whose space a message stands, open or not; None for a stranger's."""
    if message.account is not None:
        return message.account
    account = message.contract.account if message.contract is not None else None
    return account if account is not None and account.is_finished and belongs_to(message, account) else None


def reader_of(message: Message) -> Account | None:
    """Return the account in whose space a message is read; None where nobody can log in to read it now."""
    owner = owner_of(message)
    is_open = owner is not None and owner.is_finished and not owner.is_closed and not owner.is_frozen
    return owner if is_open else None


def address_of(message: Message) -> str:
    """Return where an answer goes: the present address of an account, whatever its state, else the typed one."""
    owner = owner_of(message)
    return owner.email if owner is not None else message.email


def is_disputed(message: Message) -> bool:
    """Tell whether its account is disputed: the address on file may be somebody else's."""
    owner = owner_of(message)
    return owner is not None and freezing.is_disputed(owner)


def can_be_mailed(message: Message) -> bool:
    """Tell whether an answer leaves by mail."""
    return bool(address_of(message)) and not is_disputed(message)
