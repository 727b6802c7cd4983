"""F13 on PostgreSQL, over real threads; on SQLite the same stories are told in every home (tests/journeys)."""

import pytest

from tests.accounts import test_races as races

pytestmark = pytest.mark.security


@pytest.fixture
def app(make_app, postgres_url):
    """Return the portal on PostgreSQL."""
    return make_app(SQLALCHEMY_DATABASE_URI=postgres_url)


def test_f13_twenty_claims_of_one_contract_at_once_make_one_account(app, portal, mailbox, a_contract):
    races.test_twenty_tenants_claim_one_contract_at_once_and_one_account_stands(app, portal, mailbox, a_contract)


def test_f13_fifty_wrong_passwords_at_once_are_counted_one_by_one(app, portal, mailbox, an_account):
    races.test_fifty_wrong_passwords_at_once_are_counted_one_by_one(app, portal, mailbox, an_account)


def test_f13_one_activation_link_used_at_once_finishes_one_account(portal, mailbox, a_contract):
    races.test_one_activation_link_used_twice_at_once_finishes_one_account(portal, mailbox, a_contract)


def test_f13_one_reset_link_used_at_once_is_used_once(portal, mailbox, an_account):
    races.test_one_reset_link_used_twice_at_once_is_used_once(portal, mailbox, an_account)
