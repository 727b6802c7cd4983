"""What a host can listen to; each signal is sent after the commit, with the portal's application as its sender."""

import logging
from typing import Any

from blinker import NamedSignal, Namespace
from flask import Flask, current_app

from .db import db
from .models import ConsentPurpose

__all__ = ["account_closed", "account_finished", "choices_changed", "message_received", "notice_published"]

_signals = Namespace()
#: A tenant has logged in for the first time, step 12: `account` is the number of his account, `reference` the
#: reference of his contract.
account_finished = _signals.signal("account-finished")
#: An account was closed; its tenant has fourteen days to open it again: `account`, and `reference` of its contract.
#: Whatever was accepted is refused from now on, which `choices_changed` tells as well.
account_closed = _signals.signal("account-closed")
#: The answers to the three questions that count from now on: `account`, `reference`, and `choices`, which says for
#: each of `e_notice`, `commercial` and `general` whether it was accepted.
choices_changed = _signals.signal("choices-changed")
#: A message to the landlord has been kept: its `number` and `topic`, the `reference` that was typed, if any, and the
#: number of the `account` if its tenant was logged in, else None.
message_received = _signals.signal("message-received")
#: A rent notice has been published, or put in the place of another one of the same month: the number of the `notice`,
#: the `reference` of its contract, its `period` such as "2026-11", and the number of the `account` of its tenant, or
#: None while he has not finished one.
notice_published = _signals.signal("notice-published")

log = logging.getLogger("tenant_portal")


def send(signal: NamedSignal, **what: Any) -> None:
    """Send a signal once everything is committed; a receiver that fails is logged and disturbs nobody."""
    sender: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    for receiver in list(signal.receivers_for(sender)):
        try:
            receiver(sender, **what)
        except Exception:  # the tenant's page must not pay for a fault of the host
            db.session.rollback()
            log.exception("a receiver of the signal %s failed", signal.name)


def send_account_closed(*, account: int, reference: str, withdrawn: list[str]) -> None:
    """Tell that an account was closed, and of each contract whose answers changed with it that all three are no."""
    send(account_closed, account=account, reference=reference)
    for changed in withdrawn:
        choices = dict.fromkeys(map(str, ConsentPurpose), False)
        send(choices_changed, account=account, reference=changed, choices=choices)
