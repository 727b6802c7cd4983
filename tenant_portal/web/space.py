"""The tenant's own pages: his home after each login, with the welcome after the first; and the way out."""

from flask import Blueprint, Response, make_response, redirect, session, url_for

from .. import audit, consents, identity
from ..db import begin_write, db
from ..models import Account, Purpose
from .fields import ButtonForm, page, say

screen = Blueprint("space", __name__)


@screen.get("/espace")
@identity.account_required
def espace(account: Account):
    """Show the tenant's contracts and his three choices as noted; the welcome after the first login (step 12)."""
    contracts = [
        (contract, consents.current(account, contract), consents.awaits_direct_debit(account, contract))
        for contract in account.contracts
    ]
    questions = {purpose: consents.wording(purpose) for purpose in Purpose}
    return page(
        "space/espace.html",
        account=account,
        contracts=contracts,
        questions=questions,
        is_first=session.pop("portal_first", False),
    )


@screen.post("/deconnexion")
def deconnexion() -> Response:
    """Log out: the session is dead on the server, the browser forgets its pages."""
    ButtonForm().require_fresh()
    begin_write()
    tenant = identity.current_tenant()
    if tenant is not None:
        audit.record("logged_out", account=tenant.login.account)
    identity.log_out()
    db.session.commit()
    say("logged_out")
    response = make_response(redirect(url_for("portal.login.connexion")))
    response.headers["Clear-Site-Data"] = '"cache"'
    return response
