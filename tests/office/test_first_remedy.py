"""G04: the first button of a contract's page is the one remedy, whatever stands in the tenant's way."""

from datetime import timedelta

from sqlalchemy import select, update

from tenant_portal.accounts import progress, rate_limits
from tenant_portal.accounts.limited_acts import Per
from tenant_portal.accounts.standing_words import SITUATIONS
from tenant_portal.db import begin_write, db, utcnow
from tenant_portal.models import Account, Contract, Event, Mail, MailState
from tenant_portal.office import remedies


def of_account(**facts):
    return lambda contract: [setattr(contract.account, name, value) for name, value in facts.items()]


def unfinished(state=MailState.SENT, *, days=0):
    """Put the account back to step 9, with an activation mail in that state."""

    def change(contract):
        contract.account.activated_at = contract.account.completed_at = None
        mail = update(Mail).where(Mail.kind == "activation")
        db.session.execute(mail.values(state=state, created_at=utcnow() - timedelta(days=days)))

    return change


def happened(name, **facts):
    return lambda contract: db.session.add(
        Event(name=name, account_id=contract.account_id, contract_id=contract.id, **facts)
    )


def guessed(contract):
    for _ in range(6):
        rate_limits.count_failure("login", Per.ACCOUNT, contract.account_id)


def without_account(contract):
    contract.account = None


def over(contract):
    contract.ends_on = (utcnow() - timedelta(days=5)).date()


ACTIVATED = of_account(completed_at=None)
#: By situation: what makes it, and the remedy that helps first; none where the desk can only talk.
FIRST = {
    "not_running": ([without_account, over], ""),
    "not_started": ([without_account], ""),
    "refused": ([without_account, happened("signup_refused", step=4)], ""),
    "mismatch": ([without_account, happened("signup_mismatch")], ""),
    "mail_waiting": ([unfinished(MailState.WAITING)], "activation"),
    "mail_refused": ([unfinished(MailState.REFUSED)], "activation"),
    "mail_sent": ([unfinished()], "activation"),
    "link_expired": ([unfinished(days=4)], "activation"),
    "activated": ([ACTIVATED], "activation"),
    "password_refused": ([ACTIVATED, happened("login_refused")], "activation"),
    "login_refused": ([happened("login_refused")], "reset"),
    "password_ended": ([of_account(password_hash="!ended")], "reset"),
    "delayed": ([guessed], "delay"),
    "reset_asked": ([happened("reset_requested")], "reset"),
    "address_failed": ([of_account(email_failed_at=utcnow())], "address"),
    "address_doubted": ([of_account(email_doubted_at=utcnow())], "address"),
    "closed": ([of_account(closed_at=utcnow())], "reset"),
    "frozen": ([of_account(frozen_at=utcnow(), frozen_by="tenant")], "reset"),
    "disputed": ([of_account(frozen_at=utcnow(), frozen_by="staff")], "thaw"),
    "lease_ended": ([over], "reset"),
    "finished": ([], "reset"),
}


def test_g04_each_situation_has_its_remedy_first(app, an_account, clock):
    an_account()
    clock.move(minutes=1)
    found = {}
    with app.test_request_context():
        for situation, (changes, _first) in FIRST.items():
            begin_write()
            contract = db.session.scalars(select(Contract)).one()
            db.session.execute(update(Account).values(created_at=utcnow() - timedelta(days=1)))
            for change in changes:
                change(contract)
            db.session.flush()
            standing = progress.onboarding_status(contract)
            assert standing.situation == situation
            offers = remedies.offered(contract, standing)
            found[situation] = offers[0].endpoint.rpartition(".")[2] if offers else ""
            db.session.rollback()
    assert set(FIRST) == set(SITUATIONS)
    assert found == {situation: first for situation, (_changes, first) in FIRST.items()}
