"""Signals for a host, each sent after the commit by the portal's application."""

import logging
from typing import Any

from blinker import NamedSignal, Namespace
from flask import Flask, current_app

from .db import db
from .models import ConsentPurpose

__all__ = ["account_closed", "account_finished", "choices_changed", "message_received", "notice_published"]

_signals = Namespace()
#: A tenant logged in for the first time: `account` id, `reference` of his contract.
account_finished = _signals.signal("account-finished")
#: An account was closed and is erased unless it is reopened: `account`, `reference`. Its answers are no from now on;
#: `choices_changed` follows.
account_closed = _signals.signal("account-closed")
#: New answers count: `account`, `reference`, and `choices` with a bool for `e_notice`, `commercial` and `general`.
choices_changed = _signals.signal("choices-changed")
#: A message to the landlord was stored: `number`, `topic`, typed `reference`, `account` if logged in.
message_received = _signals.signal("message-received")
#: A document was published or replaced: `notice` id, `kind` (`notice` or `receipt`), `reference`, `period` such as
#: "2026-11", finished `account` or None.
notice_published = _signals.signal("notice-published")

_NO_TO_ALL = dict.fromkeys(map(str, ConsentPurpose), False)

log = logging.getLogger("tenant_portal")


def send(signal: NamedSignal, **what: Any) -> None:
    """Send a signal after the commit; log a receiver that fails."""
    sender: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    for receiver in list(signal.receivers_for(sender)):
        try:
            receiver(sender, **what)
        except Exception:  # a host's fault must not spoil the page
            db.session.rollback()
            log.exception("a receiver of the signal %s failed", signal.name)


def send_choices_changed(*, account: int, news: list[tuple[str, dict[str, bool]]]) -> None:
    """Send the answers that count now (`consents.news`)."""
    for reference, choices in news:
        send(choices_changed, account=account, reference=reference, choices=choices)


def send_contract_released(*, account: int, reference: str, withdrawn: list[str] | None, keeps_others: bool) -> None:
    """Send what a release changed: the account that it closed, or else the answers for that contract."""
    if withdrawn is not None:
        send_account_closed(account=account, reference=reference, withdrawn=withdrawn)
    elif keeps_others:
        send(choices_changed, account=account, reference=reference, choices=dict(_NO_TO_ALL))


def send_account_closed(*, account: int, reference: str, withdrawn: list[str]) -> None:
    """Send `account_closed`, and `choices_changed` for each contract whose answers changed."""
    send(account_closed, account=account, reference=reference)
    for changed in withdrawn:
        send(choices_changed, account=account, reference=changed, choices=dict(_NO_TO_ALL))
