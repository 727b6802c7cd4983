"""Slips in the domain of a mail address (T06)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal.web import address_typos


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("prenom@gmial.com", "prenom@gmail.com"),
        ("prenom@gmai.com", "prenom@gmail.com"),
        ("prenom@gmail.con", "prenom@gmail.com"),
        ("prenom@GMAIL.CON", "prenom@gmail.com"),
        ("prenom@orange.f", "prenom@orange.fr"),
        ("prenom@ornage.fr", "prenom@orange.fr"),
        ("prenom@wandoo.fr", "prenom@wanadoo.fr"),
        ("prenom@laposte.ner", "prenom@laposte.net"),
        ("prenom@hotmial.fr", "prenom@hotmail.fr"),
        ("prenom@otlook.fr", "prenom@outlook.fr"),
        ("prenom@yaho.fr", "prenom@yahoo.fr"),
        ("Jean.Dupont+loyer@orang.fr", "Jean.Dupont+loyer@orange.fr"),
        (" prenom@fre.fr ", "prenom@free.fr"),
    ],
)
def test_t06_a_slip_in_a_common_domain_is_noticed(typed: str, meant: str) -> None:
    assert address_typos.suggested_address(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "prenom@gmail.com",
        "prenom@Orange.fr",
        "prenom@free.fr",
        "prenom@sfr.fr",
        "prenom@habitat-du-val.example",
        "prenom@mairie-angers.fr",
        "prenom@gmx.de",
        "prenom",
        "@gmial.com",
        "prenom@",
        "@",
        "",
    ],
)
def test_t06_an_address_without_slip_gets_no_proposal(typed: str) -> None:
    assert address_typos.suggested_address(typed) is None


def test_t06_no_common_domain_is_taken_for_another() -> None:
    taken = [domain for domain in address_typos.MAIL_DOMAINS if address_typos.suggested_address(f"prenom@{domain}")]
    assert not taken


@given(st.text() | st.emails())
def test_no_address_upsets_the_typo_helper(typed: str) -> None:
    meant = address_typos.suggested_address(typed)
    assert meant is None or (meant.partition("@")[0] and address_typos.suggested_address(meant) is None)
