"""Who counts as one origin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal.accounts import rate_limits


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
        ("203.0.113.1:50001", "203.0.113.1"),
        ("[2001:db8::1]:443", "2001:db8::/64"),
        ("[2001:db8::1]", "2001:db8::/64"),
        ('"[2001:db8:1:2::1]:443"', "2001:db8:1:2::/64"),
        ("[::ffff:203.0.113.7]:80", "203.0.113.7"),
        ("_hidden", "unknown"),
    ],
)
def test_an_origin_is_one_home(address: str | None, origin: str) -> None:
    assert rate_limits.origin_of(address) == origin


@given(st.text())
def test_no_origin_upsets_the_counters(address: str) -> None:
    assert rate_limits.origin_of(address)
