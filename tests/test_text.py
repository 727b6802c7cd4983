"""Numbers and addresses as they are meant, and what mails show of a number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal import mail_addresses, text

_UNSEEN = st.text(alphabet=" \u00a0\u200b\u202d\u202c\u00ad\ufeff\u2066\t\n", max_size=4)


def test_what_mails_show_of_a_reference_is_little() -> None:
    assert text.masked_reference("123456") == "456"


@given(st.text())
def test_any_text_is_tidied_once_and_for_all(typed: str) -> None:
    once = text.pasted(typed)
    assert text.pasted(once) == once


@given(st.text() | st.emails())
def test_any_text_is_an_address_that_a_server_takes_or_none(typed: str) -> None:
    try:
        address = mail_addresses.mail_address(typed)
    except ValueError:
        return
    local, _, domain = address.rpartition("@")
    assert local.isascii() and mail_addresses.ascii_domain(domain).isascii()
    assert mail_addresses.mail_address(address) == address


@given(st.data())
def test_signs_that_nobody_sees_change_no_address(data: st.DataObject) -> None:
    meant = "elodie.martin@orange.fr"
    typed = "".join(data.draw(_UNSEEN) + sign for sign in meant) + data.draw(_UNSEEN)
    assert mail_addresses.mail_address(typed) == meant


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("smtp.free.fr", "smtp.free.fr"),
        ("smtp.société.fr", "smtp.xn--socit-esab.fr"),
        ("straße.de", "xn--strae-oqa.de"),
    ],
)
def test_host_name_with_accents_is_that_of_idna_2008(name: str, known: str) -> None:
    assert mail_addresses.ascii_domain(name) == known
