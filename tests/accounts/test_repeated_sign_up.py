"""A sign-up is a repeat only while nothing of it differs, whatever fields the form has."""

from dataclasses import fields, replace

import pytest

from tenant_portal.accounts.registration import Outcome, Submission, sign_up
from tenant_portal.contracts import lookup
from tenant_portal.db import db
from tenant_portal.models import ConsentPurpose
from tenant_portal.web.fields import YesNoField
from tenant_portal.web.forms import SignupForm
from tests.support.steps import NEW_PASSWORD, PASSWORD

SENT = Submission(email="lea@free.fr", choices=dict.fromkeys(ConsentPurpose, False))
#: Another value of each field.
CORRECTED = {"email": "lea.martin@free.fr", "choices": {**SENT.choices, ConsentPurpose.GENERAL: True}}
#: Looked up, hashed, or compared by the form.
NOT_STORED_AS_TYPED = {"reference", "module", "password", "confirmation", "csrf_token"}


def test_submission_has_each_field_of_the_form_that_is_stored(app):
    with app.test_request_context():
        form = SignupForm()
        stored = {field.name for field in form if not isinstance(field, YesNoField)} - NOT_STORED_AS_TYPED
        assert {ConsentPurpose(field.name) for field in form if isinstance(field, YesNoField)} == set(ConsentPurpose)
    assert stored | {"choices"} == {field.name for field in fields(Submission)}


@pytest.mark.parametrize("name", [*(field.name for field in fields(Submission)), "password"])
def test_t38_sign_up_corrected_at_once_is_taken_and_not_mistaken_for_a_double_click(app, a_contract, name):
    lease = a_contract()

    def send(submission=SENT, password=PASSWORD):
        result = sign_up(lookup.find(lease.reference), submission, password=password, language="fr")
        db.session.commit()
        return result.outcome, result.account.id

    corrected = {"password": NEW_PASSWORD} if name == "password" else {}
    if not corrected:
        corrected = {"submission": replace(SENT, **{name: CORRECTED[name]})}
    with app.app_context():
        outcome, account = send()
        assert outcome is Outcome.CREATED
        assert send() == (Outcome.REPEATED, account)
        assert send(**corrected) == (Outcome.CREATED, account)
        assert send(**corrected) == (Outcome.REPEATED, account)
