"""How commands end, and which database they accept."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from sqlalchemy.exc import OperationalError

from ..i18n import gettext as _
from . import migrations

#: Exit code after a part was refused.
SOME_REFUSED = 3
#: Characters shown of a value.
VALUE_SHOWN = 40


class Stop(click.ClickException):
    """Ends a command with a sentence instead of a traceback."""

    def show(self, file: Any = None) -> None:
        """Print the sentence."""
        click.echo(self.message, file=file, err=True)


class Unusable(Stop):
    """The input cannot be used at all; nothing changed."""

    exit_code = 2


def shown(value: str, most: int = VALUE_SHOWN) -> str:
    """Return a short value that is safe on any terminal."""
    short = value if len(value) <= most else value[: most - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)


def printable(text: str) -> str:
    """Return lines that are safe on any terminal: nothing moves the cursor or turns the text."""
    return "".join(c if c == "\n" or c.isprintable() or c.isspace() and c > "\x9f" else ascii(c)[1:-1] for c in text)


def with_database(command: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command only on a database at the newest migration."""

    @wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        require_newest()
        return command(*args, **kwargs)

    return with_answers(guarded)


def with_answers(command: Callable[..., Any]) -> Callable[..., Any]:
    """End a command with a sentence if the database does not answer."""

    @wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except OperationalError as trouble:
            raise Stop(_("La base de données ne répond pas : %(cause)s", cause=trouble.orig)) from None

    return guarded


def require_newest() -> None:
    """Raise `Stop` with the remedy unless the database is at the newest migration."""
    state = migrations.state()
    if state is migrations.State.EMPTY:
        raise Stop(_("La base de données est vide. Lancez d'abord : flask portal db upgrade"))
    if state is migrations.State.BEHIND:
        raise Stop(_("La base de données est d'une version antérieure. Lancez d'abord : flask portal db upgrade"))
    if state is migrations.State.AHEAD:
        raise Stop(
            _(
                "La base de données vient d'une version plus récente du portail."
                " Installez cette version, ou une plus récente."
            )
        )
