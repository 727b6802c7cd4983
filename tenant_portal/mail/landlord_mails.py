"""One function per mail to the landlord and to who works for him; `notifications.py` has those to tenants."""

from datetime import datetime

from .. import public_urls
from ..accounts import freezing
from ..db import utcnow
from ..messages.models import Message
from ..models import Account, Contract
from ..settings import settings
from . import outbox


def account_disputed(
    account: Account, contract: Contract, undone: freezing.Undone, *, by: freezing.Freezer, standing_text: str
) -> None:
    """Tell the landlord that an account was frozen, by whom, and what that undid (T14)."""
    content = {"reference": contract.reference, "at": utcnow().isoformat(), "by": str(by), "standing": standing_text}
    content["is_email_undone"] = "yes" if undone.put_in else ""
    content["was_closed"] = "yes" if undone.was_closed else ""
    outbox.put("account_disputed", settings.landlord_email, language="fr", content=content)


def message_to_landlord(message: Message, *, standing_text: str) -> None:
    """Send what was just written to the landlord; replies go to the tenant."""
    content = {
        "number": message.number,
        "topic": message.topic,
        "is_reply": len(message.entries) > 1,
        "body": message.entries[-1].body,
        "reference": message.reference,
        "email": message.email,
        "reply_to": message.email,
        "standing": standing_text,
        "link": public_urls.of_office("messages.show", number=message.number),
    }
    outbox.put("message_to_landlord", settings.landlord_email, language="fr", content=content)


def staff_invitation(address: str, *, link: str, until: datetime) -> None:
    """Send somebody of the office the link that makes his account (G01)."""
    outbox.put("staff_invitation", address, content={"link": link, "until": until.isoformat()})


def staff_reset(address: str, *, link: str, until: datetime) -> None:
    """Send somebody of the office a link to another password, to nobody for an unknown address (G01)."""
    outbox.put("staff_reset", address, content={"link": link, "until": until.isoformat()})


def staff_changed(address: str, *, what: str, left: int = 0) -> None:
    """Tell somebody of the office what happened to his account (G01).

    `what` is `password`, `reset`, `recovery` (with the codes left), `tries` or `codes`.
    """
    outbox.put("staff_changed", address, content={"what": what, "left": left, "at": utcnow().isoformat()})
