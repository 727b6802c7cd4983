"""The kinds of documents, and what they are called: by staff, in file names, on pages."""

import re
from datetime import date
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from ..formats import of_month
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..models import DocumentKind
from ..text import folded, masked_reference
from .archive import Refused


class Words(NamedTuple):
    """What one kind is called."""

    #: For the command, and at the beginning of file names.
    word: str
    #: How file names of landlords say it.
    pattern: re.Pattern[str]
    title: Any


KINDS = {
    DocumentKind.NOTICE: Words("avis", re.compile(r"(?<![a-z])avis(?![a-z])|echeance"), _l("Avis %(of_month)s")),
    # Not « quittancement », which is the making of rent notices.
    DocumentKind.RECEIPT: Words("quittance", re.compile(r"quittances?(?![a-z])"), _l("Quittance %(of_month)s")),
}


def title(kind: DocumentKind, period: date) -> str:
    """Return what a document is called on a page: « Quittance d'octobre 2026 »."""
    return str(KINDS[kind].title) % {"of_month": of_month(period)}


def file_name(kind: DocumentKind, period: date, reference: str = "") -> str:
    """Return the name for a tenant's disk; with a reference, also its last digits."""
    whose = f"-contrat-se-terminant-par-{masked_reference(reference)}" if reference else ""
    return f"{KINDS[kind].word}-{period:%Y-%m}{whose}.pdf"


def refuse_other(kind: DocumentKind, path: str) -> None:
    """Raise `Refused` for a file that calls itself another kind than it is published as.

    Its own name counts first, then its folders from within.
    """
    for part in reversed(PurePosixPath(path).parts):
        text = folded(part)
        said = [one for one, words in KINDS.items() if words.pattern.search(text)]
        if len(said) == 1 and said[0] is not kind:
            raise Refused(
                _(
                    "« %(part)s » se lit comme une autre sorte de document. Pour le publier ainsi, ajoutez"
                    " --kind %(other)s ; sinon, changez ce nom.",
                    part=part,
                    other=KINDS[said[0]].word,
                )
            )
        if said:
            return
