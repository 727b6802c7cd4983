"""The fictional tenants that a visitor plays, and how one of them got an account."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from ..accounts import authentication, registration
from ..accounts.registration import Submission
from ..contracts import lookup
from ..db import UtcDateTime, db
from ..models import Account, Consent, ConsentPurpose, Contract, Event, Mail

PASSWORD = "parapluie-violet-tambour"  # noqa: S105 (printed on each page of the demo)
CHOICES = {ConsentPurpose.E_NOTICE: True, ConsentPurpose.COMMERCIAL: False, ConsentPurpose.GENERAL: True}


@dataclass(frozen=True)
class Sample:
    """A contract to try."""

    kind: str
    reference: str
    module: str
    password: str = ""
    #: Of its account, where it has one.
    email: str = ""


#: For the console; the banner has translated words.
KINDS = {
    "direct_debit": "Prélèvement automatique",
    "other_payment": "Autre paiement (chèque)",
    "registered": "Compte déjà créé",
    "joinable": "À rattacher au compte déjà créé",
}
REGISTERED = Sample("registered", "345678", "34567890", PASSWORD, "solene.lacroix@example.com")
SAMPLES = (
    Sample("direct_debit", "123456", "12345678"),
    Sample("other_payment", "234567", "23456789"),
    REGISTERED,
)
#: A garage of the registered tenant, which he can join to his account.
JOINABLE = Sample("joinable", "345679", "34567918")
#: Another lease of the registered tenant, which has ended.
FORMER = Sample("former", "345670", "34567001")


def contract_of(sample: Sample) -> Contract:
    """Return the sample's row."""
    contract = lookup.find(sample.reference)
    assert contract is not None
    return contract


def sign_up(sample: Sample) -> Account:
    """Sign up for a contract, up to the mail with the link."""
    submission = Submission(email=sample.email, choices=CHOICES)
    account = registration.sign_up(contract_of(sample), submission, password=sample.password, language="fr").account
    assert account is not None
    return account


def register(sample: Sample) -> Account:
    """Sign up, and go on to the first login."""
    account = sign_up(sample)
    registration.activate(account)
    authentication.finish(account)
    return account


def set_back(account: Account, days: int) -> None:
    """Let all that happened to an account until now have happened some days ago."""
    db.session.flush()
    happened = (
        db.session.scalars(select(kind).where(kind.account_id == account.id)) for kind in (Consent, Event, Mail)
    )
    for row in (account, *(row for rows in happened for row in rows)):
        for column in type(row).__table__.columns:
            if isinstance(column.type, UtcDateTime) and getattr(row, column.name) is not None:
                setattr(row, column.name, getattr(row, column.name) - timedelta(days=days))
