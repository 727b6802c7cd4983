"""Decide whose a document is: each reading of its name is held against the contracts on file."""

from collections.abc import Iterable
from datetime import date

from ..contracts.lookup import Numbered, OnFile
from ..formats import month as spelt
from ..i18n import gettext as _
from .archive import Refused
from .names import Name, Reading

#: Digits from which a module proves something: a shorter number may count copies or pages.
PROOF_MIN = 4


def owner_of(name: Name, on_file: dict[str, Numbered]) -> tuple[OnFile, date]:
    """Return contract and month of the only reading that is on file; raise `Refused` for none or several.

    Where leading zeros differ, the module beside the reference must be the contract's (X26).
    """
    owners = {(contract, one.month) for one in name.readings if (contract := on_file[one.number].contract)}
    owners = owners or {
        (contract, one.month)
        for one in name.readings
        for contract in on_file[one.number].others
        if _is_proven(contract, name.numbers - {one.number})
    }
    if len(owners) == 1:
        return owners.pop()
    raise Refused(_doubtful(owners) if owners else _unknown(name.readings, on_file))


def no_contract(references: Iterable[str]) -> str:
    """Say that no contract has these references."""
    return _("Aucun contrat ne porte la référence « %(value)s ».", value=" », ni « ".join(references))


def _is_proven(contract: OnFile, numbers: set[str]) -> bool:
    module = contract.module.lstrip("0")
    return len(module) >= PROOF_MIN and module in {number.lstrip("0") for number in numbers}


def _doubtful(owners: set[tuple[OnFile, date]]) -> str:
    each = sorted((contract.reference, month) for contract, month in owners)
    readings = " ; ".join(f"{reference}, {spelt(month)}" for reference, month in each)
    example = _file_name(*each[0])
    if len(each) == 2:
        return _(
            "Le nom peut se lire de deux façons : %(readings)s. Écrivez celle qui est juste ainsi : %(name)s",
            readings=readings,
            name=example,
        )
    return _(
        "Le nom peut se lire de plusieurs façons : %(readings)s. Écrivez celle qui est juste ainsi : %(name)s",
        readings=readings,
        name=example,
    )


def _unknown(readings: set[Reading], on_file: dict[str, Numbered]) -> str:
    longest_first = sorted(readings, key=lambda one: (-len(one.number), one))
    for one in longest_first:
        if others := [contract.reference for contract in on_file[one.number].others]:
            return _(
                "Aucun contrat ne porte exactement la référence « %(value)s », mais il y a « %(others)s » : les zéros"
                " du début comptent. Si c'est ce contrat, nommez le fichier ainsi : %(name)s",
                value=one.number,
                others=" », « ".join(others),
                name=_file_name(others[0], one.month),
            )
    return no_contract(dict.fromkeys(one.number for one in longest_first))


def _file_name(reference: str, month: date) -> str:
    return f"{reference}_{month:%Y-%m}.pdf"
