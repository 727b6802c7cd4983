"""A pasted password is masked (T36), quickly."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal.messages import masking


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


@given(st.text() | st.from_regex(r"(mot de passe|mdp)( :|=| est)?( [a-z0-9]{0,9}){0,4}", fullmatch=True))
def test_masking_twice_is_masking_once(written: str) -> None:
    masked = masking.mask_passwords(written)
    assert masking.mask_passwords(masked) == masked


@pytest.mark.parametrize("unit", ["mot de passe ", "mdp : ", "mot de passe est ", "a ", "« ", "passe " * 3 + "= "])
def test_no_message_takes_long_to_mask(unit: str) -> None:
    start = time.monotonic()
    masking.mask_passwords(unit * (20_000 // len(unit)))
    assert time.monotonic() - start < 1
