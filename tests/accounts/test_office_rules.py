"""G05, F27: how the office must have recognised a tenant for each of its acts."""

import re

from tenant_portal.accounts import office_acts, office_rules
from tests.support.paths import ROOT

TABLE = re.compile(r"^\| `(\w+)` \| ([a-z_, ]+) \|", re.MULTILINE)
#: What tells whether an account is somebody else's, or may give it to somebody else.
NOT_FOR_NOBODY = {"activation_corrected", "frozen", "thawed", "detached", "reattached"}
NOT_FOR_NOBODY |= {"address_asked", "choice_noted"}


def test_g05_table_of_acts_is_the_one_that_is_printed() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    printed = dict(TABLE.findall(text.partition("## What the office may do")[2].partition("\n## ")[0]))
    assert printed == {act: ", ".join(known) for act, known in office_rules.PROOFS.items()}


def test_g05_nobody_unknown_gets_what_could_harm_the_tenant() -> None:
    known = office_rules.PROOFS
    assert set(known) <= set(office_acts.ACTS)
    assert all(set(ways) <= set(office_acts.IDENTITIES) for ways in known.values())
    assert {act for act, ways in known.items() if "none" not in ways} == NOT_FOR_NOBODY
    assert all("call_back" not in known[act] for act in ("detached", "reattached")), "a voice is not enough"
