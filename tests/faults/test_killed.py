"""A process is killed on each side of every COMMIT: nothing is lost, half done or told twice."""

import itertools
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import Select, select, text

from tenant_portal.accounts import office_email_change
from tenant_portal.db import begin_write, db, utcnow
from tenant_portal.messages.models import Message
from tenant_portal.models import Account, Consent, Contract, Document, Event, Mail, MailState
from tenant_portal.operations import migrations
from tenant_portal.web import links
from tests.conftest import SETTINGS, MakeApp, close
from tests.support import released_states as states
from tests.support import services
from tests.support.people import Roster, must_run, open_account
from tests.support.portal_client import Portal
from tests.support.post import Mailbox, PostOffice
from tests.support.rent_notices import in_folder, pdf
from tests.support.steps import EMAIL, NEW_PASSWORD, forget, join, log_in, sign_up

from ..support import killable_acts

pytestmark = pytest.mark.slow

#: A second try may log these again.
TRIES = {"reset_requested", "logged_in", "data_copied"}
#: Who logs in again lacks the cookie of the answer that never came.
TRIED = {"new_device"}
WAITING = (
    "Mon bail est récent : prévenez-moi quand mon contrat apparaîtra (donnez sa référence, le message est facultatif)"
)


class Scene:
    """A portal before an act, copied anew for each point of it."""

    def __init__(self, app: Flask, mailbox: Mailbox, folder: Path, roster: Roster) -> None:
        self.app, self.mailbox, self.folder, self.roster = app, mailbox, folder, roster
        self.link = ""

    def new_tenant(self) -> None:
        self.roster.add(reference=killable_acts.LEASE.reference, module=killable_acts.LEASE.module)

    def signed_up(self) -> None:
        self.new_tenant()
        sign_up(Portal(self.app), killable_acts.LEASE, email=EMAIL)
        self.link = self.mailbox.read().link

    def finished(self) -> None:
        self.new_tenant()
        open_account(Portal(self.app), self.mailbox, killable_acts.LEASE, email=EMAIL, e_notice="Oui")

    def asked(self) -> None:
        self.finished()
        forget(Portal(self.app), killable_acts.LEASE.reference)
        self.link = self.mailbox.read().link

    def asked_address(self) -> None:
        self.finished()
        killable_acts.ask_address(self.app, "", self.folder)
        self.link = self.mailbox.read(to=killable_acts.NEW_EMAIL).link
        self.mailbox.read_all()

    def told_at_the_counter(self) -> None:
        """Have the office ask for another address of who stands there."""
        self.finished()
        with self.app.app_context():
            begin_write()
            account = db.session.scalars(select(Account)).one()
            change = office_email_change.ask(account, killable_acts.NEW_EMAIL, at_counter=True)
            self.link = links.address("office_email_change", change, account.contracts[0])
            db.session.commit()

    def warned(self) -> None:
        """Have the address change, which both addresses may say was not them."""
        self.asked_address()
        killable_acts.confirm_address(self.app, self.link, self.folder)
        self.link = self.mailbox.read(to=EMAIL).link_not_me
        self.mailbox.read_all()

    def with_another_contract(self) -> None:
        self.finished()
        self.roster.add(reference=killable_acts.OTHER_LEASE.reference, module=killable_acts.OTHER_LEASE.module)
        sign_up(Portal(self.app), killable_acts.OTHER_LEASE, email="paul@free.fr", password=NEW_PASSWORD)
        self.mailbox.read()

    def asked_for_a_contract(self) -> None:
        """Have another account hold the other contract, and ask its owner."""
        self.with_another_contract()
        other = killable_acts.OTHER_LEASE
        browser = Portal(self.app)
        open_account(browser, self.mailbox, other, email="paul@free.fr", password=NEW_PASSWORD, e_notice="Oui")
        asking = Portal(self.app)
        log_in(asking, killable_acts.LEASE.reference)
        join(asking, other)
        self.link = self.mailbox.read(to="paul@free.fr").link

    def wrote(self) -> None:
        """Have the tenant write; the number stands in the place of the link."""
        self.finished()
        killable_acts.write(self.app, "", self.folder)
        with self.app.app_context():
            self.link = db.session.scalars(select(Message.number)).one()
        self.mailbox.read_all()

    def answered(self) -> None:
        """Have the office answer from its page: the answer waits."""
        self.wrote()
        killable_acts.answer_from_the_page(self.app, self.link, self.folder)

    def told(self) -> None:
        """Give the tenant a link out of general mails."""
        self.finished()
        with self.app.app_context():
            account = db.session.scalars(select(Account)).one()
            self.link = links.address("unsubscribe_general", account, None)

    def awaited(self) -> None:
        """Have somebody wait for his contract, and write the roster in which it comes."""
        self.finished()
        form = Portal(self.app).get("/message?sujet=bail").form("J'envoie mon message")
        form.choose("Quel est votre problème", WAITING)
        form.fill("Votre référence contrat", "500002").fill("Votre adresse mail", "claire@free.fr").click()
        self.mailbox.read_all()
        lines = [f"{500_000 + n};{700_000 + n};NOM{n}" for n in range(5)] + [
            f"{killable_acts.LEASE.reference};60318401;NEUF"
        ]
        text_ = "\n".join(["Référence contrat;N° module;Nom", *lines, ""])
        (self.folder / "contrats.csv").write_text(text_, encoding="utf-8")

    def printed(self) -> None:
        """Write a notice for a tenant who wants mails."""
        self.finished()
        in_folder(self.folder / "avis", {f"{killable_acts.LEASE.reference}_2026-11.pdf": pdf()})

    def left(self) -> None:
        """Have the tenant leave long ago, warned of the end of his documents twice."""
        self.printed()
        killable_acts.publish_notices(self.app, "", self.folder)
        self.mailbox.read_all()
        self.roster.add(
            reference=killable_acts.LEASE.reference, module=killable_acts.LEASE.module, ends_on="01/10/2023"
        )
        with self.app.app_context():
            begin_write()
            contract = db.session.scalars(select(Contract)).one()
            whose = {"account_id": contract.account_id, "contract_id": contract.id, "recipient": EMAIL}
            for days in (70, 20):
                at = utcnow() - timedelta(days=days)
                own = {"message_id": f"<{days}@portal>", "created_at": at, "sent_at": at, "state": MailState.SENT}
                db.session.add(Mail(kind="documents_ending", **whose, **own))
            db.session.commit()


ACTS: dict[killable_acts.Act, Callable[[Scene], None]] = {
    killable_acts.sign_up: Scene.new_tenant,
    killable_acts.activate: Scene.signed_up,
    killable_acts.ask_reset: Scene.finished,
    killable_acts.reset: Scene.asked,
    killable_acts.ask_address: Scene.finished,
    killable_acts.confirm_address: Scene.asked_address,
    killable_acts.prove_address: Scene.told_at_the_counter,
    killable_acts.recall_answer: Scene.answered,
    killable_acts.say_not_me: Scene.warned,
    killable_acts.close_account: Scene.finished,
    killable_acts.change_choices: Scene.finished,
    killable_acts.write: Scene.finished,
    killable_acts.write_again: Scene.wrote,
    killable_acts.settle: Scene.wrote,
    killable_acts.answer: Scene.wrote,
    killable_acts.unsubscribe: Scene.told,
    killable_acts.join_contract: Scene.with_another_contract,
    killable_acts.hand_over_contract: Scene.asked_for_a_contract,
    killable_acts.take_roster: Scene.awaited,
    killable_acts.publish_notices: Scene.printed,
    killable_acts.purge: Scene.left,
    killable_acts.copy_data: Scene.finished,
}


class Stage:
    """Two databases: one for the scene, and one for each point of an act."""

    def __init__(self, here: str, there: str, copy: Callable[[], None], folder: Path, post_office: PostOffice) -> None:
        self.here, self.there, self.copy, self._folder, self._office = here, there, copy, folder, post_office

    def interrupted(self, act: killable_acts.Act, point: Flask, link: str = "") -> Iterator[tuple[str, set[str]]]:
        """Yield after the act undisturbed, then after each kill, second try and delivery.

        Gives the Message-IDs in transit when the process died: only these may arrive twice.
        """
        config = self._config()
        now, soon, later = (utcnow() + timedelta(seconds=seconds) for seconds in (0, 20, 400))
        numbers: Counter[str] = Counter()
        for when in ("never", "before", "after"):
            for number in itertools.count(1):
                close(point)
                self.copy()
                self._office.mails.clear()
                was_killed = killable_acts.in_a_process(act, config, now, link, self._folder, kill=(number, when))
                in_hand = {mail.message["Message-ID"] for mail in self._office.mails} & waiting(point)
                if was_killed:
                    numbers[when] += 1
                    assert not killable_acts.in_a_process(act, config, soon, link, self._folder)
                elif when != "never":
                    break
                with time_machine.travel(later):  # the claim of a dead process has expired
                    killable_acts.deliver(point)
                yield f"killed {when} COMMIT {number}", in_hand
                if when == "never":
                    break
        assert numbers["before"] == numbers["after"] > 0
        self._office.empty()

    def is_killed(self, act: killable_acts.Act, point: Flask, *, batch: int = 0) -> bool:
        """Kill an act at that batch of a roster, if there are so many."""
        close(point)
        return killable_acts.in_a_process(act, self._config(), utcnow(), "", self._folder, kill=(batch, "batch"))

    def _config(self) -> dict[str, Any]:
        config = {**SETTINGS, "MAIL_PORT": self._office.port, "PORTAL_DATA_DIR": str(self._folder / "data")}
        return {**config, "SQLALCHEMY_DATABASE_URI": self.there}


@pytest.fixture(params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest, tmp_path: Path, post_office: PostOffice) -> Stage:
    if request.param == "postgresql":
        server: services.Postgres = request.getfixturevalue("postgres_server")
        here, there = server.new_database(), server.new_database()
        return Stage(here, there, lambda: server.copy(here, there), tmp_path, post_office)

    shutil.copy(request.getfixturevalue("migrated_database"), tmp_path / "portal.sqlite3")

    def copy() -> None:
        for side in tmp_path.glob("point.sqlite3*"):
            side.unlink()
        shutil.copy(tmp_path / "portal.sqlite3", tmp_path / "point.sqlite3")

    here, there = (f"sqlite:///{tmp_path / name}.sqlite3" for name in ("portal", "point"))
    return Stage(here, there, copy, tmp_path, post_office)


@pytest.fixture
def app(make_app: MakeApp, stage: Stage) -> Flask:
    """Return the portal of the scene."""
    return make_app(SQLALCHEMY_DATABASE_URI=stage.here)


@pytest.fixture
def point(make_app: MakeApp, stage: Stage) -> Flask:
    """Return the portal that is killed."""
    return make_app(SQLALCHEMY_DATABASE_URI=stage.there)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_who_is_interrupted_anywhere_tries_again_and_stands_where_he_would(
    act: killable_acts.Act,
    app: Flask,
    point: Flask,
    stage: Stage,
    mailbox: Mailbox,
    roster: Roster,
    post_office: PostOffice,
    tmp_path: Path,
) -> None:
    scene = Scene(app, mailbox, tmp_path, roster)
    ACTS[act](scene)
    close(app)
    now, undisturbed = utcnow(), None
    for where, in_hand in stage.interrupted(act, point, scene.link):
        undisturbed = undisturbed or standing(point)
        assert standing(point) == undisturbed, where
        arrived = Counter(mail.message["Message-ID"] for mail in post_office.mails)
        assert set(arrived) == written_since(now, point), f"{where}: {post_office.mails}"
        assert {name for name, times in arrived.items() if times > 1} <= in_hand, where
        assert max(arrived.values(), default=1) <= 2, where


@pytest.mark.parametrize("act", [killable_acts.upgrade, killable_acts.restore], ids=lambda act: act.__name__)
def test_staff_who_are_interrupted_anywhere_try_again_and_lose_nothing(
    act: killable_acts.Act, point: Flask, stage: Stage, make_app: MakeApp, tmp_path: Path
) -> None:
    (tmp_path / "portal.sqlite3").unlink(missing_ok=True)
    states.make(stage.here, states.REVISIONS[0])
    before = states.rows(stage.here)
    if act is killable_acts.restore:
        old = make_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path / 'old.sqlite3'}")
        states.make(old.config["SQLALCHEMY_DATABASE_URI"], states.REVISIONS[0])
        archive = str(tmp_path / "portail.zip")
        must_run(old, "backup", archive)
    for where, _in_hand in stage.interrupted(act, point):
        after = states.rows(stage.there)
        assert after["portal_mails"].keys() == before["portal_mails"].keys(), where
        assert not states.lost(before, {**after, "portal_mails": before["portal_mails"]}), where
        with point.app_context():
            assert migrations.state() is migrations.State.NEWEST and not migrations.drift(), where


@pytest.mark.parametrize("batch", [1, 3, 6])
def test_import_that_is_killed_while_it_reads_leaves_all_as_it_was(
    batch: int, app: Flask, point: Flask, stage: Stage, tmp_path: Path
) -> None:
    def write(name: str, count: int) -> None:
        lines = [f"{500_000 + n};{700_000 + n};{name} {n}" for n in range(count)]
        (tmp_path / "contrats.csv").write_text("\n".join(["Référence contrat;N° module;Nom", *lines, ""]), "utf-8")

    def names() -> Counter[str]:
        return Counter(contract[1].partition(" ")[0] for contract in standing(point)["contracts"].values())

    close(app)
    stage.copy()
    write("ANCIEN", 1200)
    assert not stage.is_killed(killable_acts.take_roster, point)
    before = standing(point)
    write("NOUVEAU", 20_000)
    assert stage.is_killed(killable_acts.take_roster, point, batch=batch)
    assert standing(point) == before
    assert not stage.is_killed(killable_acts.take_roster, point)
    assert names() == {"NOUVEAU": 20_000}


def waiting(app: Flask) -> set[str]:
    """Return the Message-IDs that wait."""
    with app.app_context():
        return set(db.session.scalars(text("SELECT message_id FROM portal_mails WHERE state = 'waiting'")))


def written_since(moment: datetime, app: Flask) -> set[str]:
    """Return the Message-IDs of mails written since then."""
    with app.app_context():
        rows = select(Mail.message_id).where(Mail.created_at >= moment, Mail.recipient != "")
        return set(db.session.scalars(rows))


def _told() -> Select[Mail]:
    return select(Mail).where(Mail.kind.not_in(TRIED), Mail.recipient != "")


def standing(app: Flask) -> dict[str, Any]:
    """Return what matters of the database, without times and numbers of rows."""
    with app.app_context():
        session = db.session
        if db.engine.dialect.name == "sqlite":
            assert session.execute(text("PRAGMA integrity_check")).scalar() == "ok"
            assert session.execute(text("PRAGMA foreign_key_check")).all() == []
        accounts = {
            a.id: (a.email, a.is_activated, a.is_finished, a.is_closed) for a in session.scalars(select(Account))
        }
        consents = session.scalars(select(Consent).order_by(Consent.id))
        events = Counter(event.name for event in session.scalars(select(Event)))
        return {
            "accounts": sorted(accounts.values()),
            "contracts": {
                c.reference: (c.module, c.last_name, accounts.get(c.account_id or 0))
                for c in session.scalars(select(Contract))
            },
            "consents": [(c.purpose, c.answer, c.channel) for c in consents],
            "mails": sorted((m.kind, m.recipient, m.state) for m in session.scalars(_told())),
            "messages": [
                (m.topic, m.told_at is not None, m.state, m.due_on, [(e.author, e.body) for e in m.entries])
                for m in session.scalars(select(Message))
            ],
            "documents": sorted(
                (n.contract.reference, n.kind, n.period, n.digest) for n in session.scalars(select(Document))
            ),
            "journal": {name: 1 if name in TRIES else times for name, times in events.items()},
        }
