"""The guard against harm in bulk: what an import would take away from the contracts that have not ended."""

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from ..contracts import lookup
from ..errors import RosterUnusable
from ..i18n import gettext as _
from ..models import Contract
from .staging import Stage

#: One contract in so many may lose something without `force`.
ONE_IN = 10
#: So many may always where a line says so; one that is missing says nothing.
ALWAYS = 1
#: Contracts named for each loss.
NAMED = 5

_contracts = Contract.metadata.tables[Contract.__tablename__]


def require_little(stage: Stage, *, complete: bool) -> None:
    """Raise `RosterUnusable`, with what would happen, if too many contracts lose something."""
    of, losses = _contracts.c, _losses(stage)
    changed = stage.changed_rows.join(_contracts, of.id == stage.changes.c.contract_id)
    counted = select(*(func.count().filter(is_lost) for is_lost in losses.values()))
    counted = counted.select_from(changed).where(is_alive())
    counts = dict(zip(losses, stage.connection.execute(counted).one(), strict=True))
    most = dict.fromkeys(losses, ALWAYS)
    named = {loss: select(of.reference).select_from(changed).where(is_alive(), losses[loss]) for loss in losses}
    if complete:
        loss, lacking = _("bail absent du fichier, donc terminé"), is_lacking(stage)
        counts[loss] = stage.connection.scalar(select(func.count()).select_from(_contracts).where(lacking)) or 0
        named[loss] = select(of.reference).where(lacking)
    if not any(counts.values()):
        return
    alive = stage.connection.scalar(select(func.count()).select_from(_contracts).where(is_alive())) or 0
    if all(count <= max(most.get(loss, 0), alive // ONE_IN) for loss, count in counts.items()):
        return
    told = (f"{loss} : {count} ({_first(stage, named[loss], count)})" for loss, count in counts.items() if count)
    raise RosterUnusable(
        _(
            "Cet import toucherait plus d'un contrat sur dix, parmi les %(alive)s en cours (%(losses)s)."
            " Vérifiez le fichier ; s'il dit vrai, ajoutez --force.",
            alive=alive,
            losses=" ; ".join(told),
        )
    )


def is_alive() -> ColumnElement[bool]:
    """Tell whether a contract on file has not ended."""
    of = _contracts.c
    return and_(of.ended_at.is_(None), or_(of.ends_on.is_(None), of.ends_on >= lookup.today()))


def is_lacking(stage: Stage) -> ColumnElement[bool]:
    """Tell whether the roster lacks a contract that has not ended. A refused line keeps the contract that it names."""
    of, references, modules = _contracts.c, stage.refused_references.c, stage.refused_modules.c
    return and_(
        is_alive(),
        ~exists().where(stage.rows.c.reference == of.reference),
        ~exists().where(references.reference == of.reference),
        ~exists().where(modules.module == of.module),
    )


def _losses(stage: Stage) -> dict[str, ColumnElement[bool]]:
    """Return what a changed line takes from its contract, and when it does."""
    of, now = _contracts.c, {name: stage.rows.c[name] if name in stage.names else _contracts.c[name] for name in KEPT}
    today = lookup.today()
    has_begun = or_(of.starts_on.is_(None), of.starts_on <= today)
    is_erased = {name: and_(of[name] != "", now[name] == "") for name in KEPT[3:]}
    return {
        _("prélèvement perdu"): and_(of.is_direct_debit, ~now["is_direct_debit"]),
        _("nom effacé"): or_(
            is_erased["last_name"], and_(is_erased["first_name"], of.last_name == now["last_name"])
        ),  # tenants who are joined stand in the last name
        _("adresse effacée"): or_(is_erased["street"], is_erased["postcode"], is_erased["city"]),
        _("adresse mail effacée"): is_erased["email"],
        _("bail terminé, ou pas encore commencé"): or_(
            and_(now["ends_on"].is_not(None), now["ends_on"] < today),
            and_(has_begun, now["starts_on"].is_not(None), now["starts_on"] > today),
        ),
    }


#: What an import may take away.
KEPT = ("is_direct_debit", "starts_on", "ends_on", "last_name", "first_name", "street", "postcode", "city", "email")


def _first(stage: Stage, references: Select[tuple[str]], count: int) -> str:
    some = stage.connection.scalars(references.order_by(_contracts.c.reference).limit(NAMED))
    return ", ".join([*some, *(["…"] if count > NAMED else [])])
