"""One tenant: what to say to him, how far he is, and what to do next."""

from typing import Any

from flask import abort

from ... import formats
from ...accounts import consents, office_acts
from ...accounts.office_acts import ACTS, IDENTITIES, REASONS
from ...contracts import lookup
from ...db import begin_write, db
from ...models import Contract
from ...web.message_forms import STATE_LABELS, TOPIC_TITLES
from ...web.pages import page
from .. import contract_file, remedies
from ..clerks import Clerk


def show(clerk: Clerk, number: int):
    """Show all that helps with a tenant on the telephone; looking is noted."""
    contract = db.session.get(Contract, number) or abort(404)
    account_id = contract.account_id
    file = contract_file.gather(contract, reader=clerk.name)
    words: dict[str, Any] = {
        "acts": ACTS,
        "identities": IDENTITIES,
        "reasons": REASONS,
        "topics": TOPIC_TITLES,
        "states": STATE_LABELS,
    }
    answer = page(
        "office/contract/show.html",
        **file._asdict(),
        **words,
        remedies=remedies.offered(contract, file.standing),
        today=lookup.today(),
        in_short=consents.in_short,
        time=formats.time,
        clerk=clerk,
    )
    begin_write()
    office_acts.record(clerk.name, office_acts.LOOK, contract=number, account=account_id)
    db.session.commit()
    return answer
