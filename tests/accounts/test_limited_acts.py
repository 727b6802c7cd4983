"""The table of limited acts: each endpoint for strangers is in it, and the docs print it."""

from datetime import timedelta

import pytest

from tenant_portal.accounts import rate_limits
from tenant_portal.accounts.limited_acts import ACTS, DAILY_FAILURES, FREE_FAILURES, Act, FailureLimit, Per, Quota
from tests.support.paths import ROOT

pytestmark = pytest.mark.security

DOCS = ROOT / "docs" / "security.md"
GUARDED = {"account", "office", "owner"}


def open_endpoints(app):
    """Return the endpoints that take something from strangers."""
    return {
        rule.endpoint.removeprefix("portal.")
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("portal.") and (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
        if getattr(app.view_functions[rule.endpoint], "portal_guard", None) not in GUARDED
    }


@pytest.mark.every_home
def test_each_act_of_strangers_is_in_the_table_and_no_other(app):
    assert open_endpoints(app) == {endpoint for act in ACTS.values() for endpoint in act.endpoints}


def test_each_act_says_who_is_never_shut_out_and_what_it_costs():
    for name, act in ACTS.items():
        assert act.never_shut_out and act.cost, name
        assert act.limits or name in {"link", "logout"}, f"{name} is bounded by nothing"


def test_nothing_is_counted_that_the_table_does_not_name(app):
    with app.app_context(), pytest.raises(KeyError):
        rate_limits.count_use("reset", Per.RECIPIENT, "somebody")


def test_docs_print_the_table():
    text = DOCS.read_text(encoding="utf-8").partition("## Counters")[2].partition("\n## ")[0]
    for name, act in ACTS.items():
        assert row_of(name, act) in text, f"docs/security.md, Counters, should say:\n{row_of(name, act)}"
    assert text.count("\n| ") == len(ACTS) + 1, "and nothing else"


def row_of(name: str, act: Act) -> str:
    limits = "<br>".join(f"{per}: {_limit(limit)}" for per, limit in act.limits.items()) or "–"
    return f"| {name} | {limits} | {act.never_shut_out} | {act.cost} |"


def _limit(limit: FailureLimit | Quota) -> str:
    if isinstance(limit, Quota):
        return f"{limit.uses} in {_minutes(limit.period)}"
    return f"waits of 1 to {_minutes(limit.longest_wait)}" + (f", {limit.per_day} a day" if limit.per_day else "")


def _minutes(duration: timedelta) -> str:
    return f"{int(duration.total_seconds() // 60)} min"


def test_docs_print_how_failures_are_counted():
    text = DOCS.read_text(encoding="utf-8").partition("## Counters")[2].partition("\n## ")[0]
    assert f"The first {FREE_FAILURES} cost nothing" in text.replace("\n", " ") and DAILY_FAILURES == 25


def test_page_tells_the_numbers_of_the_table(portal):
    words = {3: "Trois", 10: "dix"}
    account, origin = (ACTS["reset"].limits[per].uses for per in (Per.ACCOUNT, Per.ORIGIN))
    told = (
        f"{words[account]} liens au plus partent par heure pour un compte, et {words[origin]} depuis une même connexion"
    )
    assert portal.get("/mot-de-passe-oublie/envoye").says(told)
