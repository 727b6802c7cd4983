"""One tenant: how far he is, and what to do next."""

from flask import abort

from ...accounts import office_acts, progress
from ...db import begin_write, db
from ...models import Contract
from ...web.pages import page
from .. import remedies
from ..clerks import Clerk


def show(clerk: Clerk, number: int):
    """Show all that helps with a tenant on the telephone; looking is noted."""
    contract = db.session.get(Contract, number) or abort(404)
    account_id = contract.account_id
    standing = progress.onboarding_status(contract)
    offers = remedies.offered(contract, standing)
    answer = page("office/contract/show.html", contract=contract, standing=standing, clerk=clerk, offers=offers)
    begin_write()
    office_acts.record(clerk.name, "viewed", contract=number, account=account_id)
    db.session.commit()
    return answer
