"""What a reference and a module are."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal.contracts import numbers

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
