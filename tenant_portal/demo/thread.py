"""What the demo's tenant has written, and what was answered."""

from functools import partial

from ..db import begin_write, db
from ..messages import answers, conversation, ownership
from ..messages.conversation import Topic
from ..models import Account

_QUESTION = "Bonjour,\nmon robinet de cuisine goutte depuis lundi. Je suis là tous les matins."
_ANSWER = "Bonjour,\nun plombier passe jeudi entre 9\u00a0h et 11\u00a0h. Si le jour ne vous va pas, écrivez-nous ici."


def leave(account: Account) -> None:
    """Leave a message with an answer, and one that waits; nobody gets a mail of them."""
    reference = account.contracts[0].reference
    write = partial(
        conversation.write,
        email=account.email,
        reference=reference,
        language=account.language,
        origin="demo",
        account_id=account.id,
    )
    first = write(Topic.HOME, body=_QUESTION).message
    assert first is not None
    number = first.number
    db.session.commit()
    begin_write()
    answered = ownership.find_any(number, lock=True)
    assert answered is not None
    answers.answer(answered, _ANSWER)
    db.session.commit()
    write(Topic.RENT, body="Puis-je payer le loyer de décembre le 8\u202f?")
    db.session.commit()
