"""All that is kept about a tenant, for the tenant himself (H09) or for his request to the office (G16).

It asks for contracts, and for an account if there is one: it serves both. A row that is older than the account's
present sign-up is somebody else's and stays out.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Select, Table, and_, exists, false, func, or_, select

from ..accounts import office_acts
from ..accounts.email_change import EmailChange
from ..accounts.moves import has_moved_since
from ..accounts.office_acts import OfficeAct
from ..db import Base, db, utcnow
from ..i18n import lazy_gettext as _l
from ..mail import contents
from ..messages.models import Draft, Message, MessageEntry
from ..models import (
    Account,
    Consent,
    Contract,
    Document,
    Event,
    Login,
    Mail,
    RateLimitCounter,
)


class Section(NamedTuple):
    """A table of the copy: what it is, and what each of its keys means."""

    table: type[Base]
    title: Any
    keys: dict[str, Any]


#: The keys are those of the columns, the same in every language.
SECTIONS = {
    "account": Section(
        Account,
        _l("Votre compte"),
        {
            "email": _l("adresse mail"),
            "language": _l("langue"),
            "created_at": _l("inscription"),
            "activated_at": _l("activation"),
            "completed_at": _l("première connexion"),
            "closed_at": _l("fermeture"),
            "email_failed_at": _l("l'adresse mail a refusé nos e-mails"),
        },
    ),
    "contracts": Section(
        Contract,
        _l("Vos contrats, d'après le fichier de gestion du bailleur"),
        {
            "reference": _l("référence contrat"),
            "module": _l("numéro de module"),
            "title": _l("civilité"),
            "last_name": _l("nom"),
            "first_name": _l("prénom"),
            "street": _l("rue"),
            "postcode": _l("code postal"),
            "city": _l("ville"),
            "kind": _l("sorte de logement"),
            "payment": _l("mode de paiement"),
            "is_direct_debit": _l("prélèvement automatique"),
            "starts_on": _l("début du bail"),
            "ends_on": _l("fin du bail"),
            "email": _l("adresse mail"),
            "ended_at": _l("absent de la liste des contrats depuis"),
        },
    ),
    "documents": Section(
        Document,
        _l("Vos documents, joints dans les dossiers « contrat-… »"),
        {
            "kind": _l("sorte : notice pour un avis d'échéance, receipt pour une quittance"),
            "period": _l("premier jour du mois"),
            "digest": _l("empreinte du fichier (SHA-256)"),
            "size": _l("taille en octets"),
            "published_at": _l("publication"),
            "opened_at": _l("première ouverture ou premier téléchargement par vous"),
        },
    ),
    "consents": Section(
        Consent,
        _l("Vos réponses, de la première à la dernière"),
        {
            "purpose": _l("question"),
            "answer": _l("réponse"),
            "wording": _l("texte exact de la question"),
            "wording_version": _l("version du texte"),
            "language": _l("langue"),
            "channel": _l("par quel moyen"),
            "reason": _l("motif"),
            "created_at": _l("date"),
        },
    ),
    "messages": Section(
        Message,
        _l("Vos messages"),
        {
            "number": _l("numéro"),
            "topic": _l("sujet"),
            "reference": _l("référence contrat saisie"),
            "email": _l("adresse mail"),
            "language": _l("langue"),
            "state": _l("état"),
            "due_on": _l("réponse attendue jusqu'au"),
            "created_at": _l("date"),
            "last_entry_at": _l("dernier texte"),
        },
    ),
    "message_entries": Section(
        MessageEntry,
        _l("Ce que vous avez écrit, et nos réponses"),
        {
            "author": _l("par qui"),
            "body": _l("texte"),
            "channel": _l("répondu autrement"),
            "answered_on": _l("répondu le"),
            "created_at": _l("date"),
        },
    ),
    "drafts": Section(
        Draft,
        _l("Le message que vous étiez en train d'écrire"),
        {
            "number": _l("numéro"),
            "topic": _l("sujet"),
            "body": _l("texte"),
            "created_at": _l("date"),
        },
    ),
    "logins": Section(
        Login,
        _l("Vos connexions"),
        {
            "device_name": _l("navigateur"),
            "is_remembered": _l("« Mémoriser » coché"),
            "created_at": _l("début"),
            "expires_at": _l("fin au plus tard"),
            "ended_at": _l("fin"),
        },
    ),
    "email_changes": Section(
        EmailChange,
        _l("Vos changements d'adresse mail"),
        {
            "old_email": _l("ancienne adresse mail"),
            "new_email": _l("nouvelle adresse mail"),
            "created_at": _l("demande"),
            "counts_at": _l("compte à partir de (demande de notre bureau)"),
            "proved_at": _l("confirmation par la nouvelle adresse (demande de notre bureau)"),
            "confirmed_at": _l("confirmation"),
            "ended_at": _l("arrêt"),
        },
    ),
    "mails": Section(
        Mail,
        _l("Les e-mails que nous vous avons envoyés"),
        {
            "kind": _l("sorte"),
            "recipient": _l("adresse mail"),
            "language": _l("langue"),
            "content": _l("ce qu'il disait, sans ses liens"),
            "state": _l("état"),
            "taken_by": _l("serveur d'envoi qui l'a accepté"),
            "error": _l("réponse du serveur"),
            "created_at": _l("écriture"),
            "sent_at": _l("envoi"),
        },
    ),
    "events": Section(
        Event,
        _l("Le journal des actions"),
        {
            "name": _l("action"),
            "step": _l("étape de l'inscription"),
            "actor": _l("par qui"),
            "detail": _l("détail"),
            "created_at": _l("date"),
        },
    ),
    "office_acts": Section(
        OfficeAct,
        _l("Ce que notre bureau a regardé et fait pour vous"),
        {
            "act": _l("action"),
            "about": _l("à propos de"),
            "identity": _l("comment votre identité a été vérifiée"),
            "reason": _l("motif"),
            "sentence": _l("phrase pour vous"),
            "created_at": _l("date"),
        },
    ),
    "attempts": Section(
        RateLimitCounter,
        _l("Les compteurs d'essais"),
        {
            "key": _l("ce qui est compté"),
            "count": _l("nombre"),
            "since": _l("depuis"),
            "wait_until": _l("attente jusqu'à"),
        },
    ),
}
#: Kept about a tenant, and not in his copy: secrets that would open the account to whoever finds the file. The links of
#: mails are such secrets too, and blacked out. The name of a clerk is the clerk's.
WITHHELD = {"accounts.password_hash", "logins.device_hash", "office_acts.clerk"}

#: What a copy without an account may hold.
OF_CONTRACTS = {"contracts", "documents", "messages", "message_entries", "mails", "events", "office_acts"}


def gather(contracts: Sequence[Contract], account: Account | None) -> dict[str, list[dict[str, Any]]]:
    """Return every row about the holder of these contracts, by section; nothing of others, and no secret."""
    references = {contract.id: contract.reference for contract in contracts}
    found = {
        name: _rows(section, condition, references)
        for (name, section), condition in zip(SECTIONS.items(), _conditions(contracts, account).values(), strict=True)
    }
    for row in found["mails"]:
        row["content"] = contents.kept(row["kind"], row["content"])
    if account is not None:
        own = {account.email, *(row[key] for row in found["email_changes"] for key in ("old_email", "new_email"))}
        _hide_others("email", found["contracts"], own)
        _hide_others("recipient", found["mails"], own)
    else:
        _hide_others("email", found["contracts"], set(_roster_addresses(contracts)))
    return found


def _hide_others(key: str, rows: list[dict[str, Any]], own: set[str]) -> None:
    """Empty addresses that are not the tenant's: the landlord's may be another person's (T18, T31)."""
    for row in rows:
        if row[key].lower() not in {address.lower() for address in own}:
            row[key] = ""


def _roster_addresses(contracts: Sequence[Contract]) -> list[str]:
    """Return the addresses that the landlord has, but that of whoever has the account: he is not who asks (F30)."""
    held = {one.account.email.lower() for one in contracts if one.account is not None and one.account.is_finished}
    return [one.email.lower() for one in contracts if one.email and one.email.lower() not in held]


def _conditions(contracts: Sequence[Contract], account: Account | None) -> dict[str, ColumnElement[bool]]:
    """Return what is about the tenant, by section in their order."""
    numbers = [contract.id for contract in contracts]
    conditions: dict[str, ColumnElement[bool]] = dict.fromkeys(SECTIONS, false())
    conditions["contracts"] = Contract.id.in_(numbers)
    conditions["documents"] = Document.contract_id.in_(numbers)
    conditions["messages"] = _is_message_of(contracts, account)
    has_left = or_(MessageEntry.leaves_at.is_(None), MessageEntry.leaves_at <= utcnow())
    whose = MessageEntry.message_id.in_(select(Message.id).where(conditions["messages"]))
    conditions["message_entries"] = and_(whose, has_left)
    nobodys = office_acts.nobodys(numbers)
    if account is None:
        in_messages = Event.name.startswith("message_", autoescape=True)  # whoever wrote them names any contract
        about = Event.contract_id.in_(numbers), Event.account_id.is_(None)
        conditions["events"] = and_(*about, ~in_messages, ~has_moved_since(Event))
        conditions["mails"] = and_(
            Mail.contract_id.in_(numbers),
            Mail.account_id.is_(None),
            func.lower(Mail.recipient).in_(_roster_addresses(contracts)),
            ~has_moved_since(Mail),
        )
        conditions["office_acts"] = nobodys
        return conditions
    conditions["account"] = Account.id == account.id
    conditions["drafts"] = Draft.account_id == account.id
    for name, table in (("consents", Consent), ("logins", Login), ("mails", Mail), ("events", Event)):
        conditions[name] = and_(table.account_id == account.id, table.created_at >= account.created_at)
    conditions["office_acts"] = and_(
        or_(OfficeAct.account_id == account.id, nobodys), OfficeAct.created_at >= account.created_at
    )
    conditions["email_changes"] = and_(
        EmailChange.account_id == account.id, EmailChange.created_at >= account.created_at
    )
    conditions["attempts"] = and_(
        RateLimitCounter.key.endswith(f":account:{account.id}"), RateLimitCounter.since >= account.created_at
    )
    return conditions


def _is_message_of(contracts: Sequence[Contract], account: Account | None) -> ColumnElement[bool]:
    """Tell messages that he wrote when logged in, or from his own address: about his contracts, or about none if nobody
    shares the address.
    """
    addresses = [account.email.lower()] if account is not None else _roster_addresses(contracts)
    is_own = func.lower(Message.email).in_(addresses)
    is_about = Message.contract_id.in_([contract.id for contract in contracts])
    if account is None:
        return and_(is_own, is_about, Message.account_id.is_(None))
    is_shared = exists().where(func.lower(Account.email) == account.email.lower(), Account.id != account.id)
    nobodys = and_(is_own, or_(is_about, and_(Message.contract_id.is_(None), ~is_shared)))
    return or_(Message.account_id == account.id, and_(Message.account_id.is_(None), nobodys))


def _rows(section: Section, condition: ColumnElement[bool], references: dict[int, str]) -> list[dict[str, Any]]:
    table = cast(Table, section.table.__table__)
    columns = [table.c[name] for name in section.keys]
    of_contract = [table.c.contract_id] if "contract_id" in table.c else []
    rows = db.session.execute(_numbered(table, *columns, *of_contract).where(condition).order_by(*table.primary_key))
    found = []
    for row in rows.mappings():
        whose = {"contract": references.get(row["contract_id"])} if of_contract else {}
        whose |= {"message": row["message"]} if "message" in row else {}
        found.append({**whose, **{name: row[name] for name in section.keys}})
    return found


def _numbered(table: Table, *columns: ColumnElement[Any]) -> Select[Any]:
    """Return a query of columns, with the number of the message that a row belongs to."""
    if table is not MessageEntry.__table__:
        return select(*columns)
    return select(Message.number.label("message"), *columns).join(Message, Message.id == table.c.message_id)
