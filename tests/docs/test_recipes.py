"""Who follows a recipe of CONTRIBUTING.md forgets nothing: a test guards each step, most of them here."""

import ast
import re
from importlib import import_module

import pytest
from babel.messages.pofile import read_po

from tenant_portal import web
from tenant_portal.accounts import progress
from tenant_portal.db import Base
from tenant_portal.i18n import LANGUAGES
from tenant_portal.models import Contract
from tenant_portal.operations import personal_data
from tenant_portal.roster import words
from tenant_portal.roster.words import COLUMNS
from tests.mail.test_notifications import WRITERS
from tests.support.page_text import plain
from tests.support.paths import ROOT
from tests.support.portal_client import Portal

#: What `/donnees-personnelles` says of each column that tells of a person.
PERSONAL = {
    "Référence contrat": {"contracts.reference", "messages.reference"},
    "numéro de module": {"contracts.module"},
    "adresse mail": {"accounts.email", "contracts.email", "mails.recipient", "messages.email"},
    "Ancienne et nouvelle adresse mail": {"email_changes.old_email", "email_changes.new_email"},
    "mot de passe est gardé sous une forme illisible": {"accounts.password_hash"},
    "Nom": {"contracts.title", "contracts.last_name", "contracts.first_name"},
    "adresse du logement": {"contracts.street", "contracts.postcode", "contracts.city", "contracts.kind"},
    "dates du bail": {"contracts.starts_on", "contracts.ends_on", "contracts.ended_at"},
    "mode de paiement": {"contracts.payment", "contracts.is_direct_debit"},
    "Vos avis d'échéance et vos quittances": {
        "documents.kind",
        "documents.period",
        "documents.digest",
        "documents.size",
        "documents.published_at",
        "documents.opened_at",
    },
    "votre réponse": {"consents.purpose", "consents.answer", "consents.channel", "consents.reason"},
    "avec le texte exact et la date": {
        "consents.wording",
        "consents.wording_version",
        "consents.language",
        "consents.created_at",
    },
    "vos messages et nos réponses": {
        *("messages.topic", "messages.language", "messages.number", "messages.state", "messages.due_on"),
        *("messages.created_at", "messages.last_entry_at"),
        *("message_entries.author", "message_entries.body", "message_entries.created_at"),
        *("message_entries.channel", "message_entries.answered_on"),
    },
    "en train d'écrire": {"drafts.number", "drafts.topic", "drafts.body", "drafts.created_at"},
    "Dates de connexion": {"logins.created_at", "logins.expires_at", "logins.ended_at", "logins.is_remembered"},
    "nom du navigateur": {"logins.device_name", "logins.device_hash"},
    "journal des actions": {"events.name", "events.step", "events.actor", "events.detail", "events.created_at"},
    "actions de notre bureau": {
        *("office_acts.act", "office_acts.about", "office_acts.identity", "office_acts.reason"),
        *("office_acts.sentence", "office_acts.created_at", "office_acts.clerk"),
    },
    "suivi des e-mails": {
        *("mails.kind", "mails.content", "mails.state", "mails.taken_by", "mails.sent_at", "mails.error"),
    },
    "essais refusés": {"attempts.key", "attempts.count", "attempts.since", "attempts.wait_until"},
    "Retenir la langue": {"accounts.language", "mails.language"},
}
#: What tells nothing of a person beyond the above: numbers of rows, states, the landlord's own acts.
TECHNICAL = re.compile(
    r"\.(id|\w+_id)$|^search_words\.|^imports\.|^logins\.token_hash$|^contracts\.imported_at$|^messages\.told_at$"
    r"|^message_entries\.(leaves_at|former_state|former_due_on)$"
    r"|^email_changes\.\w+_at$|^mails\.(message_id|attempts|turn|created_at|due_at)$"
    r"|^office_visits\."  # of staff
    r"|^kept_passwords\."  # random without the half that the page holds
    r"|^staff(_\w+)?\."  # the landlord's own people; what they were typing, for an hour
    r"|^accounts\.(signup_key|frozen_by|\w+_at)$"
)


def test_a_screen_is_registered() -> None:
    files = [f"web.{path.stem}" for path in (ROOT / "tenant_portal" / "web").glob("*.py") if path.stem != "__init__"]
    modules = [import_module(f"tenant_portal.{name}") for name in files]
    found = {module.screen for module in modules if hasattr(module, "screen")}
    assert found == set(web.SCREENS)


def test_a_mail_has_its_function_its_two_parts_its_name_for_staff_and_its_test() -> None:
    files = (ROOT / "tenant_portal" / "mail" / f"{name}.py" for name in ("notifications", "landlord_mails"))
    nodes = [node for file in files for node in ast.parse(file.read_text(encoding="utf-8")).body]
    kinds = {n.name for n in nodes if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")}
    folder = ROOT / "templates" / "portal" / "mail"
    assert {path.stem for path in folder.glob("*.html")} - {"base"} == kinds
    assert {path.stem for path in folder.glob("*.txt")} - {"base", "topics"} == kinds
    assert set(progress.MAIL_NAMES) == kinds
    assert {name.partition(",")[0] for name in WRITERS} == kinds


def test_a_column_of_the_roster_is_one_of_the_contract_and_stands_in_the_docs() -> None:
    own = {"id", "ended_at", "imported_at", "account_id"}
    assert set(COLUMNS) == {column.name for column in Contract.__table__.columns} - own
    page = (ROOT / "docs" / "roster.md").read_text(encoding="utf-8").partition("| Column | Known by |")[2]
    rows = [tuple(row.split(" | ")[:2]) for row in re.findall(r"^\| (.+) \|$", page.partition("\n\n")[0], re.MULTILINE)]
    assert rows == list(COLUMNS.values())
    table = (
        (ROOT / "docs" / "roster.md").read_text(encoding="utf-8").partition("| Means | Words |")[2].partition("\n\n")[0]
    )
    said = [row.split(" | ")[1] for row in re.findall(r"^\| (.+) \|$", table, re.MULTILINE)]
    payments = [words.DIRECT_DEBIT, words.NOT_NOW, words.OTHER_PAYMENT]
    assert said == [*payments, words.YES, words.NO, words.NOTHING, words.NOTHING_BUT_NAMES]
    hosts = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
    keys = re.search(r"with the keys (.+?)\. Every row", hosts, re.DOTALL)
    assert keys is not None
    assert re.findall(r"`(\w+)`", keys[1]) == list(COLUMNS)


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"fr"}))
def test_a_language_has_a_catalogue_of_its_own(language: str) -> None:
    catalogues = {}
    for code in set(LANGUAGES) - {"fr"}:
        with (ROOT / "translations" / code / "LC_MESSAGES" / "portal.po").open("rb") as file:
            catalogues[code] = read_po(file)
    own = catalogues.pop(language)
    assert str(own.locale) == language
    texts = {str(message.string) for message in own if message.id}
    for other in catalogues.values():
        assert len(texts & {str(message.string) for message in other if message.id}) < len(texts) / 4, "a copy"


def test_h09_a_personal_column_is_in_the_copy_of_a_tenant_or_is_withheld_for_a_reason() -> None:
    copied = {
        f"{section.table.__table__.name.removeprefix('portal_')}.{key}"  # type: ignore[attr-defined]
        for section in personal_data.SECTIONS.values()
        for key in section.keys
    }
    personal = set().union(*PERSONAL.values())
    assert not personal - copied - personal_data.WITHHELD
    assert not copied & personal_data.WITHHELD and personal >= personal_data.WITHHELD


def test_a_column_of_the_database_is_told_to_the_tenant_or_tells_nothing_of_him(portal: Portal) -> None:
    page = plain(portal.get("/donnees-personnelles").text)
    assert not [words for words in PERSONAL if words not in page]
    told = set().union(*PERSONAL.values())
    columns = {
        f"{table.name.removeprefix('portal_')}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
    }
    assert told <= columns
    assert not {column for column in columns - told if not TECHNICAL.search(column)}


def test_each_guard_that_a_recipe_names_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    files = list((ROOT / "tests").rglob("test_*.py"))
    known = {path.stem for path in files}
    known |= {name for path in files for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))}
    assert len(named) > 15
    assert named <= known


def test_each_file_that_the_guides_name_exists() -> None:
    for guide in ("README.md", "CONTRIBUTING.md", "docs/architecture.md"):
        text = (ROOT / guide).read_text(encoding="utf-8")
        named = set(re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.(?:py|html|md|txt))\b", text))
        places = (ROOT, ROOT / "tenant_portal", ROOT / "templates", ROOT / "templates" / "portal")
        assert not [name for name in named if not any((place / name).exists() for place in places)], guide
