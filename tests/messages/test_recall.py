"""F29: an answer that is recalled while the courier comes leaves or is taken back, never both."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tenant_portal.db import begin_write, db
from tenant_portal.mail import notifications, outbox
from tenant_portal.messages import answers, ownership
from tenant_portal.messages.models import Author, Message, MessageEntry, MessageState
from tenant_portal.models import Mail, MailState
from tests.conftest import Clock
from tests.support.post import PostOffice

NUMBER = "M-1234-5678"


@pytest.fixture
def mark(app: Flask) -> str:
    """Return the mark of an answer that waits."""
    with app.app_context():
        begin_write()
        message = Message(number=NUMBER, topic="home", email="lea@free.fr")
        db.session.add(message)
        message.entries.append(MessageEntry(author=Author.TENANT, body="?"))
        db.session.flush()
        assert answers.answer(message, "Oui.", waits=True)
        notifications.message_answered(message, link="http://localhost/")
        mark = answers.mark_of(message.entries[-1])
        db.session.commit()
        return mark


def recall(app: Flask, mark: str) -> bool:
    with app.app_context():
        taken = answers.recall(NUMBER, mark) is not None
        db.session.commit() if taken else db.session.rollback()
        return taken


def deliver(app: Flask) -> int:
    with app.app_context():
        return outbox.deliver_due(now=True).sent


def test_g06_answer_waits_for_sixty_seconds_to_the_second(app: Flask, mark: str, post_office: PostOffice) -> None:
    leaves_at = datetime.fromisoformat(mark) + timedelta(seconds=60)
    with time_machine.travel(leaves_at - timedelta(seconds=1), tick=False):
        assert deliver(app) == 0
        with app.app_context():
            told = ownership.find_any(NUMBER)
            assert told is not None and told.told_state is MessageState.RECEIVED and len(told.told_entries) == 1
    with time_machine.travel(leaves_at + timedelta(seconds=1), tick=False):
        assert not recall(app, mark)
        assert deliver(app) == 1
        with app.app_context():
            told = ownership.find_any(NUMBER)
            assert told is not None and told.told_state is MessageState.ANSWERED and len(told.told_entries) == 2


@pytest.mark.databases("sqlite", "postgresql")
def test_f29_courier_and_two_clerks_who_recall_at_the_last_moment_agree(
    app: Flask, mark: str, post_office: PostOffice, clock: Clock
) -> None:
    clock.move(seconds=(answers.WAIT - timedelta(milliseconds=150)).total_seconds())
    with ThreadPoolExecutor(5) as pool:
        carried = [pool.submit(lambda: [deliver(app) for _ in range(12)]) for _ in range(2)]
        recalled = [pool.submit(recall, app, mark) for _ in range(3)]
        taken = sum(one.result(60) for one in recalled)
        [one.result(60) for one in carried]
    clock.move(seconds=61)
    deliver(app)
    assert taken in (0, 1) and len(post_office.mails) == 1 - taken
    with app.app_context():
        message = ownership.find_any(NUMBER)
        assert message is not None and len(message.entries) == 2 - taken
        assert message.state is (MessageState.RECEIVED if taken else MessageState.ANSWERED)


@pytest.mark.databases("sqlite", "postgresql")
def test_f29_recall_that_meets_a_mail_just_claimed_changes_nothing(
    app: Flask, mark: str, post_office: PostOffice
) -> None:
    with app.app_context():
        begin_write()
        db.session.scalars(select(Mail)).one().attempts = 1  # what the courier's claim leaves
        db.session.commit()
    assert not recall(app, mark)
    with app.app_context():
        message = ownership.find_any(NUMBER)
        assert message is not None and message.state is MessageState.ANSWERED and len(message.entries) == 2
        assert db.session.scalars(select(Mail.state)).all() == [MailState.WAITING]
