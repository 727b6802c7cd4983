"""Tables of good and bad values for the rules, and what holds for every text there is; no Flask in here."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal import text
from tenant_portal.accounts import rate_limits
from tenant_portal.contracts import numbers
from tenant_portal.messages import masking
from tenant_portal.web import address_typos

LENGTH = (1, 12)


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("123456", "123456"),
        ("L/123456", "123456"),
        ("l/123456", "123456"),
        ("L /123456", "123456"),
        ("L / 123456", "123456"),
        ("L-123456", "123456"),
        ("L 123 456", "123456"),
        ("L123456", "123456"),
        ("L\\123456", "123456"),
        ("L.123.456", "123456"),
        ("|123456|", "123456"),
        ("/123456", "123456"),
        ("  123456\n", "123456"),
        ("123\u00a0456", "123456"),
        ("123\u202f456", "123456"),
        ("L\u00a0/\u202f123456", "123456"),
        ("\u200b123456\ufeff", "123456"),
        ("00123456", "00123456"),
        ("L/00123456", "00123456"),
        ("0", "0"),
        ("", ""),
    ],
)
def test_t01_what_a_notice_prints_around_digits_is_forgiven(typed: str, digits: str) -> None:
    assert numbers.digits_of(typed) == digits
    assert not digits or numbers.is_number(digits, LENGTH)


@pytest.mark.parametrize(
    "typed",
    [
        "12A456",
        "A123456",
        "LL123456",
        "123456L",
        "M/123456",
        "référence",
        "L/",
        "L",
        "",
        "   ",
        "٣٤٥٦",
        "１２３４５６",
        "²³",
        "12,5",
        "12e5",
        "+123456",
        "0x1F",
        "' OR 1=1--",
        "1234567890123",
        "9" * 100_000,
        "L/" * 50_000,
        "123456\x00",
    ],
)
def test_t02_what_is_no_number_is_refused_after_forgiving(typed: str) -> None:
    assert not numbers.is_number(numbers.digits_of(typed), LENGTH)


@pytest.mark.parametrize(
    ("number", "length", "is_fine"),
    [
        ("1", (1, 12), True),
        ("123456789012", (1, 12), True),
        ("1234567890123", (1, 12), False),
        ("1234567", (8, 8), False),
        ("12345678", (8, 8), True),
        ("12345678\n", (1, 12), False),
        ("-1", (1, 12), False),
        ("1 2", (1, 12), False),
        ("", (1, 12), False),
    ],
)
def test_a_number_has_ascii_digits_within_its_length(number: str, length: tuple[int, int], is_fine: bool) -> None:
    assert numbers.is_number(number, length) is is_fine


@pytest.mark.parametrize(
    ("number", "length", "variants"),
    [
        ("123", (1, 5), ["123", "0123", "00123"]),
        ("00123", (1, 5), ["00123", "123", "0123"]),
        ("12345", (1, 5), ["12345"]),
        ("000", (1, 3), ["000", "0", "00"]),
        ("123456", (1, 4), ["123456"]),
        ("0", (1, 2), ["0", "00"]),
        ("", (1, 3), []),
    ],
)
def test_t02_a_number_is_looked_for_with_all_its_leading_zeros(
    number: str, length: tuple[int, int], variants: list[str]
) -> None:
    assert numbers.padded_variants(number, length) == variants


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


@pytest.mark.parametrize("domain", address_typos.MAIL_DOMAINS)
def test_t06_no_common_domain_is_taken_for_another(domain: str) -> None:
    assert address_typos.suggested_address(f"prenom@{domain}") is None


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("unix:", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
        ("203.0.113.7, 10.0.0.1", "unknown"),
    ],
)
def test_an_origin_is_one_home(address: str | None, origin: str) -> None:
    assert rate_limits.origin_of(address) == origin


@pytest.mark.parametrize(
    ("written", "secret"),
    [
        ("mon mot de passe : azerty123", "azerty123"),
        ("mdp=azerty123", "azerty123"),
        ("Mot de passe: girafe violette", "girafe violette"),
        ("mot de passe « girafe violette »", "girafe violette"),
        ("le mdp c'est girafe", "girafe"),
        ("password azerty123 ne marche pas", "azerty123"),
        ("MOT DE PASSE : SOLEIL2024", "SOLEIL2024"),
        ("mon mot de passe est girafe", "girafe"),
        ("mon code secret est girafe", "girafe"),
    ],
)
def test_t36_a_pasted_password_is_masked(written: str, secret: str) -> None:
    masked = masking.mask_passwords(f"Bonjour.\n{written}\nMerci.")
    assert secret not in masked
    assert masked.startswith("Bonjour.\n") and masked.endswith("\nMerci.") and "••••••" in masked


@pytest.mark.parametrize(
    "written",
    [
        "J'ai oublié mon mot de passe.",
        "Mon mot de passe est refusé depuis hier.",
        "Mon mot de passe ne marche pas",
        "Je suis de passage lundi.",
        "Ma référence est 123456 et mon module 12345678.",
        "",
    ],
)
def test_t36_a_message_without_password_stays_as_it_is(written: str) -> None:
    assert masking.mask_passwords(written) == written


def test_what_mails_show_of_a_reference_and_an_address_is_little() -> None:
    assert text.masked_reference("123456") == "456"
    assert text.masked_address("elodie.martin@orange.fr") == "e•••@orange.fr"


@given(st.text())
def test_any_text_is_filtered_once_and_for_all(typed: str) -> None:
    once = numbers.digits_of(typed)
    assert numbers.digits_of(once) == once
    assert [c for c in once if c in "0123456789"] == [c for c in typed if c in "0123456789"]


_AROUND = st.text(alphabet=" \u00a0\u202f\u2009\t/\\-.|", max_size=6)


@given(
    prefix=st.sampled_from(["", "L", "l", "L/", "l /", "L -"]),
    digits=st.from_regex(r"[0-9]{1,12}", fullmatch=True),
    gaps=_AROUND,
)
def test_digits_in_are_digits_out(prefix: str, digits: str, gaps: str) -> None:
    middle = len(digits) // 2
    assert numbers.digits_of(f"{gaps}{prefix}{gaps}{digits[:middle]}{gaps}{digits[middle:]}{gaps}") == digits


@given(st.text(alphabet="0123456789٣²a/ \n", max_size=15))
def test_a_number_is_what_its_definition_says(text: str) -> None:
    assert numbers.is_number(text, LENGTH) is bool(re.fullmatch("[0-9]{1,12}", text))


@given(st.from_regex(r"[0-9]{1,12}", fullmatch=True))
def test_variants_differ_only_by_leading_zeros(number: str) -> None:
    variants = numbers.padded_variants(number, LENGTH)
    assert variants[0] == number and len(set(variants)) == len(variants)
    assert {variant.lstrip("0") for variant in variants} == {number.lstrip("0")}


@given(st.text() | st.emails())
def test_no_address_upsets_the_typo_helper(typed: str) -> None:
    meant = address_typos.suggested_address(typed)
    assert meant is None or (meant.partition("@")[0] and address_typos.suggested_address(meant) is None)


@given(st.text())
def test_no_origin_upsets_the_counters(address: str) -> None:
    assert rate_limits.origin_of(address)


@given(st.text() | st.from_regex(r"(mot de passe|mdp)( :|=| est)?( [a-z0-9]{0,9}){0,4}", fullmatch=True))
def test_masking_twice_is_masking_once(written: str) -> None:
    masked = masking.mask_passwords(written)
    assert masking.mask_passwords(masked) == masked


@pytest.mark.parametrize("unit", ["mot de passe ", "mdp : ", "mot de passe est ", "a ", "« ", "passe " * 3 + "= "])
def test_no_message_takes_long_to_mask(unit: str) -> None:
    start = time.monotonic()
    masking.mask_passwords(unit * (20_000 // len(unit)))
    assert time.monotonic() - start < 1
