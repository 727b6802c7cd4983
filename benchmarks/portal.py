"""The portal that is measured: as it is installed, with a roster of any length and accounts that share one password."""

from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import insert

from tenant_portal import create_app
from tenant_portal.accounts import authentication, consents, passwords, registration
from tenant_portal.db import begin_write, db
from tenant_portal.models import Account, ConsentPurpose, Contract

PASSWORD = "girafe violette sous l'évier"  # noqa: S105 (the password of fictional tenants)
#: The cheapest hash that Argon2 knows, to show everything else; and the default of the settings.
CHEAPEST, DEFAULT = {"memory": 8, "passes": 1}, {"memory": 19_456, "passes": 2}
SETTINGS: dict[str, Any] = {
    "SECRET_KEY": "a key for benchmarks only, forty characters",
    "PORTAL_PUBLIC_URL": "http://localhost",
    "PORTAL_LANDLORD_NAME": "Habitat du Val",
    "PORTAL_LANDLORD_EMAIL": "contact@habitat-du-val.example",
    "PORTAL_LANDLORD_PHONE": "02 41 00 00 00",
    "PORTAL_LANDLORD_HOURS": "du lundi au vendredi, de 9 h à 17 h",
    "PORTAL_MAIL_AFTER_RESPONSE": False,
}
_FIRST_REFERENCE, _FIRST_MODULE = 100_000_000, 60_000_000
_CHUNK = 20_000


def config(folder: Path, *, memory: int, passes: int) -> dict[str, Any]:
    """Return the settings of a portal whose data lie in a folder."""
    return {
        **SETTINGS,
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder}/portal.sqlite3",
        "PORTAL_DATA_DIR": str(folder),
        "PORTAL_ARGON2_MEMORY_KIB": memory,
        "PORTAL_ARGON2_PASSES": passes,
    }


def reference(number: int) -> str:
    """Return the reference of the contract with that number, counted from 0."""
    return str(_FIRST_REFERENCE + number)


def module(number: int) -> str:
    """Return the module number that goes with it."""
    return str(_FIRST_MODULE + number)


def prepare(folder: Path, *, memory: int, passes: int, contracts: int, tenants: int) -> Flask:
    """Return a portal with so many contracts, the first of which have finished accounts."""
    app = create_app(config(folder, memory=memory, passes=passes))
    result = app.test_cli_runner().invoke(args=["portal", "db", "upgrade"])
    assert result.exit_code == 0, result.output
    with app.app_context():
        for begin in range(0, contracts, _CHUNK):
            begin_write()
            db.session.execute(insert(Contract), [_contract(n) for n in range(begin, min(begin + _CHUNK, contracts))])
            db.session.commit()
        open_accounts(tenants)
    return app


def _contract(number: int) -> dict[str, Any]:
    return {
        "reference": reference(number),
        "module": module(number),
        "title": "Mme",
        "last_name": f"MARTIN {number}",
        "first_name": "Élodie",
        "street": "12, rue des Lilas",
        "postcode": "49000",
        "city": "Angers",
        "kind": "Logement",
        "payment": "Prélèvement automatique",
        "is_direct_debit": True,
    }


def open_accounts(tenants: int) -> None:
    """Give the first contracts finished accounts."""
    password_hash = passwords.hash(PASSWORD)
    answers = {ConsentPurpose.E_NOTICE: False, ConsentPurpose.COMMERCIAL: False, ConsentPurpose.GENERAL: True}
    begin_write()
    for number in range(tenants):
        contract = db.session.get_one(Contract, number + 1)
        account = Account(
            email=f"tenant{number}@orange.fr", password_hash=password_hash, signup_key=registration.new_key()
        )
        contract.account = account
        db.session.flush()
        consents.record(account, contract, answers, channel="form")
        registration.activate(account)
        authentication.finish(account)
    db.session.commit()
