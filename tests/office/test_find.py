"""From any page of la gestion to the tenant who is on the telephone (G03, F26)."""

import base64
import logging
import re
import zlib

import pytest

from tests.support.post import Mailbox

from ..support.people import Roster
from ..support.portal_client import Page, Portal
from ..support.steps import sign_up, write_message

LILAS, HUGO = "12, rue des Lilas", "7, avenue Victor-Hugo"


def search(staff: Portal, what: str) -> Page:
    return staff.get("/gestion").form("Trouver").fill("Trouver un locataire", what).click("Trouver")


def test_g03_one_hit_opens_at_once_and_several_show_what_tells_them_apart(staff: Portal, roster: Roster) -> None:
    home = roster.add(last_name="ROUX", first_name="Anne", street=LILAS)
    parking = roster.add(last_name="ROUX", first_name="Anne", street=HUGO, kind="Parking", city="Nantes")
    page = search(staff, "roux lilas")
    assert re.fullmatch(r"/gestion/contrat/\d+", page.path) and page.says(home.reference)
    page = search(staff, "anne roux")
    assert page.says("2 contrats trouvés") and page.says("anne roux")
    for lease, facts in ((home, (LILAS, "Angers", "Logement")), (parking, (HUGO, "Nantes", "Parking"))):
        row = next(r for r in page.tree.xpath("//main//tbody/tr") if lease.reference in r.text_content())
        assert all(fact in row.text_content() for fact in (*facts, lease.module)), row.text_content()
    assert page.click_link(f"Mme Anne ROUX, {parking.reference}").says(parking.reference)


def test_g03_an_ended_lease_is_found_and_says_since_when(staff: Portal, roster: Roster) -> None:
    roster.add(last_name="ROUX", first_name="Anne")
    roster.add(last_name="ROUX", first_name="Luc", ends_on="30/06/2024")
    page = search(staff, "roux")
    assert page.says("terminé depuis le"), page.text
    assert page.text.count("terminé depuis") == 1


def test_g03_none_found_says_what_was_looked_for_what_to_try_and_the_age_of_the_roster(
    staff: Portal, roster: Roster
) -> None:
    assert search(staff, "roux").says("Aucune liste des contrats n'a encore été importée")
    roster.add()
    page = search(staff, "roux <b> lilas")
    assert page.says("Aucun contrat trouvé") and page.says("roux <b> lilas")
    assert page.says("essayez-en un seul") and page.says("Liste des contrats du ")
    assert page.form("Trouver"), "the search stands there with what was typed"


def test_g03_a_message_is_found_by_its_number_however_it_is_typed(
    staff: Portal, portal: Portal, roster: Roster, mailbox: Mailbox
) -> None:
    lease = roster.add(last_name="ROUX")
    sign_up(portal, lease)
    page = write_message(portal.another_browser(), reference=lease.reference)
    mailbox.read_all()
    found = re.search(r"M-\d{4}-\d{4}", page.text.replace("\u2011", "-"))
    assert found is not None
    number = found[0]
    for typed in (number, number.lower(), number.replace("-", ""), number[2:], number[2:].replace("-", " ")):
        page = search(staff, typed)
        assert page.path == f"/gestion/messages/{number}", typed
    roster.add(module=number[2:].replace("-", ""))
    page = search(staff, number[2:])
    assert page.says("1 contrat trouvé"), "the number of a message may be that of a module"
    assert page.click_link(f"Message {number}").path == f"/gestion/messages/{number}"
    assert search(staff, "M-0000-0000").says("Aucun contrat trouvé")


@pytest.mark.security
def test_f26_neither_what_was_typed_nor_whom_it_finds_is_in_an_address_header_or_log_line(
    staff: Portal, roster: Roster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    leases = [
        roster.add(last_name="QUENEAU", first_name="Zazie", street=LILAS, email="zazie.queneau@example.org"),
        roster.add(last_name="QUENELLE", first_name="Zoe", street=HUGO, city="Brest"),
    ]
    typed = [
        "queneau zazie",
        "quene",
        "zazie.queneau@",
        "@example.org",
        "brest hugo",
        "introuvable zazie",
        "M-9182-7364",
    ]
    caplog.clear()
    staff.answers.clear()
    for what in [*typed, *(lease.reference for lease in leases), leases[0].module]:
        search(staff, what)
    told = [record.getMessage() for record in caplog.records]
    for answer in staff.answers:
        told += [answer.request.url, *(f"{name}: {value}" for name, value in answer.headers)]
        told += [_opened(value) for name, value in answer.headers if name == "Set-Cookie"]
    secret = ["queneau", "zazie", "quene", "example.org", "lilas", "hugo", "brest", "introuvable", "9182"]
    secret += [number for lease in leases for number in (lease.reference, lease.module)]
    assert len(staff.answers) > 20
    for line in told:
        assert not [word for word in secret if word in line.lower()], line


def _opened(cookie: str) -> str:
    """Return what a signed cookie holds."""
    value = cookie.partition("=")[2].partition(";")[0]
    is_packed, body = value.startswith("."), value.lstrip(".").partition(".")[0]
    data = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    return (zlib.decompress(data) if is_packed else data).decode("utf-8", "replace")
