"""The copy of all that is kept about a tenant, as files of a ZIP: an explanation, the data, and every document.

A tenant takes it himself (H09), or the office hands it over when he asks (G16).
"""

import json
from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

from .. import public_urls
from ..accounts import freezing
from ..db import utcnow
from ..documents import library
from ..documents.bundle import Member
from ..formats import exact_moment
from ..i18n import gettext as _
from ..models import Account, Contract
from .personal_data import OF_CONTRACTS, SECTIONS, gather


def holder_of(contract: Contract) -> Account | None:
    """Return the account whose data are the tenant's.

    An unfinished sign-up proved nothing about who typed it, and a disputed account may be somebody else's.
    """
    account = contract.account
    is_his = account is not None and account.is_finished and not freezing.is_disputed(account)
    return account if is_his else None


def files(contracts: Sequence[Contract], account: Account | None) -> list[Member]:
    """Return the copy as members of a ZIP."""
    data = json.dumps(gather(contracts, account), default=_as_text, ensure_ascii=False, indent=1)
    texts = {"LISEZ-MOI.txt": "\ufeff" + _explanation(has_account=account is not None), "donnees.json": data}
    members = [Member(name, partial(str.encode, text)) for name, text in texts.items()]
    return members + library.files(library.of_contracts(contract.id for contract in contracts))


def _explanation(*, has_account: bool) -> str:
    lines = [_("Copie de vos données, faite le %(moment)s.", moment=exact_moment(utcnow())), ""]
    if not has_account:
        lines += [
            _("Elle contient ce que nous gardons sur votre contrat. Les données d'un compte locataire n'y sont pas."),
            "",
        ]
    lines += [
        _("Vos documents sont dans les dossiers « contrat-… ». Le reste est dans le fichier « donnees.json »."),
        _("Ce fichier s'ouvre avec un éditeur de texte. Il sert surtout à donner vos données à un autre service."),
        _("Il contient :"),
    ]
    for name, section in SECTIONS.items():
        if has_account or name in OF_CONTRACTS:
            lines += ["", f"{name} : {section.title}", *(f"- {key} : {words}" for key, words in section.keys.items())]
    lines += [
        "",
        _("Les heures sont données en temps universel (UTC). « contract » est la référence du contrat concerné."),
        _(
            "À quoi servent ces données, qui les voit, combien de temps elles sont gardées et quels sont vos droits :"
            " %(address)s",
            address=public_urls.public("help.personal_data"),
        ),
    ]
    if has_account:
        lines.append(
            _(
                "Votre mot de passe, les marques de vos appareils et les liens de nos e-mails n'y sont pas : ils"
                " ouvriraient votre compte à qui trouve ce fichier."
            )
        )
    return "\r\n".join([*lines, ""])


def _as_text(value: Any) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"no way to write {value!r}")
