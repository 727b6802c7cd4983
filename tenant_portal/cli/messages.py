"""`flask portal messages …`."""

from pathlib import Path

import click
from flask.cli import AppGroup

from .. import public_urls
from ..accounts import office_acts
from ..db import begin_write, db
from ..i18n import gettext as _
from ..mail import notifications
from ..messages import answers, conversation, ownership
from ..messages.conversation import BODY_MAX
from ..messages.models import Message
from ..messages.typed_text import clean
from ..models import Account
from ..operations.preconditions import Stop, Unusable, shown, with_database

#: A file that is longer holds no answer.
BYTES_MAX = 4 * BODY_MAX + 3

messages_group = AppGroup("messages", help=_("Les messages des locataires."))


@messages_group.command("answer", help=_("Répond à un message : la réponse part par e-mail et s'ajoute au message."))
@click.argument("number", metavar="NUMÉRO")
@click.argument("file", metavar="FICHIER", type=click.Path(path_type=Path, allow_dash=True))
@with_database
def messages_answer(number: str, file: Path) -> None:
    """Take the office's answer from a file or the standard input; mail it, unless its account is disputed."""
    body = _text_of(file)
    message = _locked(number)
    is_new = answers.answer(message, body)
    owner, name = ownership.owner_of(message), message.number
    if is_new:
        notifications.message_answered(message, link=public_urls.public("threads.show", number=name))
        _record("message_answered", message)
    said = _outcome(message, owner)
    db.session.commit()
    if not is_new:
        click.echo(_("Rien n'a changé : cette réponse est déjà la dernière du message %(number)s.", number=name))
        return
    for line in said:
        click.echo(line)


@messages_group.command("close", help=_("Clôt un message qui n'attend plus de réponse ; le locataire peut y récrire."))
@click.argument("number", metavar="NUMÉRO")
@with_database
def messages_close(number: str) -> None:
    """Close a message without an answer."""
    message = _locked(number)
    is_new, name = conversation.close(message), message.number
    if is_new:
        _record("message_closed", message)
    db.session.commit()
    if is_new:
        click.echo(_("Le message %(number)s est clos.", number=name))
    else:
        click.echo(_("Rien n'a changé : le message %(number)s était déjà clos.", number=name))


def _record(act: str, message: Message) -> None:
    owner = ownership.owner_of(message)
    office_acts.record(office_acts.COMMAND, act, contract=message.contract_id, account=owner, about=message.number)


def _outcome(message: Message, owner: Account | None) -> list[str]:
    """Return where a new answer goes, and whether the tenant reads it in his space."""
    if ownership.is_disputed(message):
        return [
            _(
                "La réponse s'ajoute au message %(number)s. Aucun e-mail ne part : le compte est bloqué et contesté.",
                number=message.number,
            ),
            _("Son adresse mail est peut-être celle d'un autre. Appelez le locataire au numéro que vous connaissez."),
        ]
    address = ownership.address_of(message)
    sent = _("La réponse au message %(number)s part par e-mail à %(address)s.", number=message.number, address=address)
    if owner is None or owner.is_closed:
        return [sent]
    if owner.is_frozen:
        blocked = _("Le compte est bloqué : le locataire la lira dans « Mes messages » une fois le compte débloqué.")
        return [sent, blocked]
    return [sent, _("Le locataire la lit aussi dans « Mes messages ».")]


def _locked(typed: str) -> Message:
    begin_write()
    message = ownership.find_any(conversation.number_of(typed), lock=True)
    if message is None:
        raise Stop(_("Aucun message ne porte le numéro « %(value)s ».", value=shown(typed)))
    return message


def _text_of(file: Path) -> str:
    """Return the text of an answer, or end with what is wrong with it."""
    try:
        with click.open_file(str(file), "rb") as source:
            content = source.read(BYTES_MAX + 1)
    except OSError as trouble:
        cause = trouble.strerror or str(trouble)
        raise Unusable(_("« %(name)s » ne se lit pas : %(cause)s", name=shown(str(file)), cause=cause)) from None
    try:
        text = clean(content[: BYTES_MAX + 1].decode("utf-8-sig"))
    except UnicodeDecodeError:
        if len(content) > BYTES_MAX:
            raise _too_long() from None
        raise Unusable(_("Cette réponse n'est pas un texte en UTF-8. Rien n'a changé.")) from None
    if len(text) > BODY_MAX:
        raise _too_long()
    if not text:
        raise Unusable(_("Cette réponse est vide. Rien n'a changé."))
    return text


def _too_long() -> Unusable:
    return Unusable(_("Cette réponse est trop longue : %(most)d caractères au plus. Rien n'a changé.", most=BODY_MAX))
