"""Working days: weekends and the public holidays of France do not count."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal.messages import working_days

#: As published by the French state for 2026 and 2027.
HOLIDAYS = (
    *("2026-01-01", "2026-04-06", "2026-05-01", "2026-05-08", "2026-05-14", "2026-05-25", "2026-07-14", "2026-08-15"),
    *("2026-11-01", "2026-11-11", "2026-12-25", "2027-01-01", "2027-03-29", "2027-05-01", "2027-05-06", "2027-05-08"),
    *("2027-05-17", "2027-07-14", "2027-08-15", "2027-11-01", "2027-11-11", "2027-12-25"),
)


def test_two_years_have_the_holidays_that_the_state_publishes() -> None:
    days = [date.fromordinal(n) for n in range(date(2026, 1, 1).toordinal(), date(2028, 1, 1).toordinal())]
    free = [day for day in days if not working_days.is_working(day) and day.weekday() < 5]
    assert free == [day for text in HOLIDAYS if (day := date.fromisoformat(text)).weekday() < 5]


@pytest.mark.parametrize("day", ["1818-03-22", "2000-04-23", "2024-03-31", "2025-04-20", "2038-04-25", "2285-03-22"])
def test_easter_is_found_from_the_earliest_to_the_latest(day: str) -> None:
    assert working_days.easter(int(day[:4])) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("written", "count", "due"),
    [
        ("2026-11-23", 2, "2026-11-25"),
        ("2026-11-27", 2, "2026-12-01"),  # a Friday
        ("2026-11-28", 2, "2026-12-01"),  # a Saturday
        ("2026-12-23", 2, "2026-12-28"),  # over Christmas and a weekend
        ("2026-05-13", 1, "2026-05-15"),  # over Ascension
        ("2026-12-31", 1, "2027-01-04"),
        ("2026-11-23", 0, "2026-11-23"),
    ],
)
def test_answer_is_due_so_many_working_days_after_a_day(written: str, count: int, due: str) -> None:
    assert working_days.after(date.fromisoformat(written), count) == date.fromisoformat(due)


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.integers(1, 60))
def test_due_day_is_a_working_day_with_as_many_of_them_behind_it(written: date, count: int) -> None:
    due = working_days.after(written, count)
    between = (date.fromordinal(n) for n in range(written.toordinal() + 1, due.toordinal() + 1))
    assert working_days.is_working(due) and sum(map(working_days.is_working, between)) == count
