"""What every command leans on: it ends with a sentence, and runs only on a database that it understands."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from sqlalchemy.exc import OperationalError

from ..i18n import gettext as _
from ..operations import migrations

#: Exit code of a command that refused some of what it was given, and took the rest.
SOME_REFUSED = 3
#: Characters of a value that a line about it shows.
VALUE_SHOWN = 40


class Stop(click.ClickException):
    """Ends a command with a sentence instead of a traceback."""

    def show(self, file: Any = None) -> None:
        """Say the sentence on standard error."""
        click.echo(self.message, file=file, err=True)


class Unusable(Stop):
    """What the command was given cannot be used at all; nothing was changed."""

    exit_code = 2


def shown(value: str, most: int = VALUE_SHOWN) -> str:
    """Return a value as it can be shown on any terminal: short, and its control characters spelt out."""
    short = value if len(value) <= most else value[: most - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)


def printable(text: str) -> str:
    """Return lines as they can be shown on any terminal: nothing in them moves the cursor or turns the writing."""
    return "".join(c if c == "\n" or c.isprintable() or c.isspace() and c > "\x9f" else ascii(c)[1:-1] for c in text)


def with_database(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command run only on a database that is there and at the newest migration."""

    @wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        require_newest()
        return command(*args, **kwargs)

    return with_answers(guarded)


def with_answers(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command end with a sentence when the database does not answer."""

    @wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except OperationalError as trouble:
            raise Stop(_("La base de données ne répond pas : %(cause)s", cause=trouble.orig)) from None

    return guarded


def require_newest() -> None:
    """Raise `Stop`, which names the remedy, unless the database is at the newest migration."""
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
