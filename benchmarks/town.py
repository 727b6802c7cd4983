"""The people of a portal that is measured, and the genuine links and pages that strangers may have got hold of."""

import json
from itertools import count

from flask import Flask
from sqlalchemy import select

from tenant_portal.accounts import passwords, rate_limits, registration, signed_links
from tenant_portal.accounts.limited_acts import Per
from tenant_portal.db import begin_write, db, utcnow
from tenant_portal.models import Account, Contract

from . import portal


class Town:
    """Tenants and contracts, each of whom is used once."""

    def __init__(self, app: Flask, *, first: int, tenants: int) -> None:
        self.app, self._tenants, self._contracts = app, count(first), count(tenants)
        self._nobody = count(900_000_000)

    def nobody(self) -> str:
        """Return a reference that no contract has."""
        return str(next(self._nobody))

    def contract(self) -> tuple[str, str]:
        """Return reference and module of a contract without an account."""
        number = next(self._contracts)
        return portal.reference(number), portal.module(number)

    def tenant(self, *, failures: int = 0) -> str:
        """Return the reference of a finished account at which so many logins have failed."""
        number = next(self._tenants)
        if failures:
            with self.app.app_context():
                begin_write()
                account = self._contract(portal.reference(number)).account_id
                for _ in range(failures):
                    rate_limits.count_failure("login", Per.ACCOUNT, account)
                db.session.commit()
        return portal.reference(number)

    def sign_up(self) -> str:
        """Sign up and return what the page of that carries."""
        reference, _ = self.contract()
        with self.app.app_context():
            begin_write()
            contract = self._contract(reference)
            contract.account = Account(
                email="a@orange.fr", password_hash=passwords.unusable(), signup_key=registration.new_key()
            )
            db.session.commit()
            known = {"contract": contract.id, "reference": reference, "email": "a@orange.fr"}
            known |= {"key": contract.account.signup_key, "until": utcnow().isoformat()}
            return signed_links.seal("signup", json.dumps(known))

    def activation_link(self) -> str:
        """Return a link to an account that waits for its first login."""
        sign_up = self.sign_up()
        with self.app.app_context():
            contract = self._contract(json.loads(signed_links.unseal("signup", sign_up))["reference"])
            assert contract.account is not None
            return signed_links.issue("activation", contract.account, contract)

    def link(self, purpose: str, *, is_closed: bool = False) -> str:
        """Return a link to a finished account."""
        with self.app.app_context():
            begin_write()
            contract = self._contract(self.tenant())
            account = contract.account
            assert account is not None
            account.closed_at = utcnow() if is_closed else None
            db.session.commit()
            return signed_links.issue(purpose, account, contract, reader=account.email if purpose == "not_me" else "")

    @staticmethod
    def _contract(reference: str) -> Contract:
        return db.session.scalars(select(Contract).where(Contract.reference == reference)).one()
