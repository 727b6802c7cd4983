"""What mails show of numbers and addresses."""

from tenant_portal import text


def test_what_mails_show_of_a_reference_and_an_address_is_little() -> None:
    assert text.masked_reference("123456") == "456"
    assert text.masked_address("elodie.martin@orange.fr") == "e•••@orange.fr"
