"""Acts of tenants and staff, each in a process of its own that may be killed around a COMMIT."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import time_machine
from flask import Flask
from jinja2 import FileSystemBytecodeCache

from tenant_portal import create_app
from tenant_portal.db import db
from tenant_portal.mail import outbox
from tenant_portal.roster.staging import Stage
from tests.support import steps
from tests.support.people import must_run
from tests.support.portal_client import ANY_STATUS, Page, Portal
from tests.support.rent_notices import publish
from tests.support.steps import NEW_PASSWORD, PASSWORD, Lease

LEASE = Lease("417201", "60318401")
OTHER_LEASE = Lease("417999", "60318999")
NEW_EMAIL = "elodie@laposte.net"
PATIENCE = 60  # seconds

#: Gets the portal, a link from a mail if it begins with one, and the folder with its files.
Act = Callable[[Flask, str, Path], None]


def deliver(app: Flask) -> None:
    with app.app_context():
        outbox.deliver_due()


def sign_up(app: Flask, link: str, folder: Path) -> None:
    assert steps.sign_up(Portal(app), LEASE).h1 == "Consultez vos e-mails"
    deliver(app)


def activate(app: Flask, link: str, folder: Path) -> None:
    """Finish the sign-up; whoever did it before logs in."""
    browser = Portal(app)
    page = browser.get(link, status=ANY_STATUS)
    if page.status == 410:
        assert page.says("Votre compte est déjà activé")
        page = browser.get("/connexion")
    assert steps.fill_login(page, LEASE.reference).click().path == "/espace"
    deliver(app)


def ask_reset(app: Flask, link: str, folder: Path) -> None:
    steps.forget(Portal(app), LEASE.reference)
    deliver(app)


def reset(app: Flask, link: str, folder: Path) -> None:
    """Choose a new password unless that is done, and log in with it."""
    browser = Portal(app)
    page = browser.get(link, status=ANY_STATUS)
    if page.status != 410:
        steps.fill_new_password(page).click()
    assert steps.log_in(browser, LEASE.reference, NEW_PASSWORD).path == "/espace"
    deliver(app)


def ask_address(app: Flask, link: str, folder: Path) -> None:
    browser = Portal(app)
    steps.log_in(browser, LEASE.reference)
    assert steps.ask_email_change(browser, NEW_EMAIL).path == "/espace/compte"
    deliver(app)


def confirm_address(app: Flask, link: str, folder: Path) -> None:
    page = Portal(app).get(link, status=ANY_STATUS)
    if page.status == 410:
        assert page.says("déjà confirmée")
    else:
        page.form("Je confirme mon adresse").fill("Mon mot de passe", PASSWORD).click()
    deliver(app)


def prove_address(app: Flask, link: str, folder: Path) -> None:
    """Prove the address that the office was told, which counts at once for who stood at the counter."""
    page = Portal(app).get(link, status=ANY_STATUS)
    if page.status != 410:
        assert page.click("Je confirme mon adresse").path == "/mot-de-passe-oublie"
    deliver(app)


def answer_from_the_page(app: Flask, link: str, folder: Path) -> Page:
    """Write an answer that waits, to the message whose number is in the place of the link."""
    app.extensions["portal"].options["staff"] = lambda: "Mme Moreau"
    form = Portal(app).get(f"/gestion/messages/{link}").form("Envoyer la réponse")
    return form.fill("Votre réponse", "Quelqu'un passe jeudi.").click()


def recall_answer(app: Flask, link: str, folder: Path) -> None:
    """Take back the answer that waits, unless that is done."""
    app.extensions["portal"].options["staff"] = lambda: "Mme Moreau"
    page = Portal(app).get(f"/gestion/messages/{link}")
    if page.says("Le locataire ne la voit pas encore"):
        page.click("Annuler l'envoi")
    deliver(app)


def say_not_me(app: Flask, link: str, folder: Path) -> None:
    """Freeze the account unless that is done."""
    page = Portal(app).get(link)
    if page.path == "/ce-nest-pas-moi":
        page = steps.fill_not_me(page).click()
    assert page.says("le compte est bloqué")
    deliver(app)


def close_account(app: Flask, link: str, folder: Path) -> None:
    """Close the account unless that is done."""
    browser = Portal(app)
    if steps.log_in(browser, LEASE.reference).path != "/reouverture":
        steps.close_account(browser)
    deliver(app)


def change_choices(app: Flask, link: str, folder: Path) -> None:
    browser = Portal(app)
    steps.log_in(browser, LEASE.reference)
    form = browser.get("/espace/choix").form("J'enregistre mes choix")
    form.choose(steps.QUESTIONS[0], "Non").choose(steps.QUESTIONS[1], "Oui").click()
    deliver(app)


def join_contract(app: Flask, link: str, folder: Path) -> None:
    browser = Portal(app)
    steps.log_in(browser, LEASE.reference)
    assert steps.join(browser, OTHER_LEASE).path == "/espace/choix"
    deliver(app)


def hand_over_contract(app: Flask, link: str, folder: Path) -> None:
    """Agree unless that is done; the contract then opens with the other account's password."""
    browser = Portal(app)
    page = browser.get(link, status=ANY_STATUS)
    if page.status != 410:
        page.form("Je transfère ce contrat").fill("Mon mot de passe", NEW_PASSWORD).click()
    assert steps.log_in(browser, OTHER_LEASE.reference).path == "/espace"


def write(app: Flask, link: str, folder: Path) -> None:
    browser = Portal(app)
    steps.log_in(browser, LEASE.reference)
    page = steps.write_at_home(browser, topic="Mon logement ou une réparation", body="La porte ferme mal.")
    assert page.says("Votre message est parti")
    deliver(app)


def write_again(app: Flask, link: str, folder: Path) -> None:
    """Write in the message whose number is in the place of the link."""
    browser = Portal(app)
    steps.log_in(browser, LEASE.reference)
    steps.write_in_thread(browser, link, "Personne n'est venu.")
    deliver(app)


def settle(app: Flask, link: str, folder: Path) -> None:
    """Close that message unless that is done."""
    browser = Portal(app)
    steps.log_in(browser, LEASE.reference)
    page = browser.get(f"/espace/messages/{link}")
    if "C’est réglé" in page.text:
        page.click("C'est réglé")


def answer(app: Flask, link: str, folder: Path) -> None:
    must_run(app, "messages", "answer", link, "-", stdin=b"Quelqu'un passe jeudi.")
    deliver(app)


def unsubscribe(app: Flask, link: str, folder: Path) -> None:
    assert Portal(app).get(link).click("Je me désabonne").h1 == "C'est fait"


def take_roster(app: Flask, link: str, folder: Path) -> None:
    must_run(app, "contracts", "import", str(folder / "contrats.csv"))
    deliver(app)


def publish_notices(app: Flask, link: str, folder: Path) -> None:
    code, said = publish(app, folder / "avis")
    assert code == 0, said
    deliver(app)


def copy_data(app: Flask, link: str, folder: Path) -> None:
    browser = Portal(app)
    steps.log_in(browser, LEASE.reference)
    form = browser.get("/espace/compte/donnees").form("Télécharger mes données")
    assert not form.fill("Mon mot de passe", PASSWORD).click().is_html
    deliver(app)


def purge(app: Flask, link: str, folder: Path) -> None:
    must_run(app, "purge")
    deliver(app)


def upgrade(app: Flask, link: str, folder: Path) -> None:
    must_run(app, "db", "upgrade")


def restore(app: Flask, link: str, folder: Path) -> None:
    must_run(app, "restore", str(folder / "portail.zip"), "--force")


def in_a_process(
    act: Act, config: dict[str, Any], moment: datetime, link: str, folder: Path, *, kill: tuple[int, str] = (0, "")
) -> bool:
    """Do an act in a fresh process, killed before or after its nth COMMIT or after a `batch`; return whether it was.

    The process is forked from a server that has imported the portal: no thread, no connection.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "tests.support.warmed"])
    process = context.Process(target=_do, args=(act, config, moment, link, folder, kill))
    process.start()
    process.join(PATIENCE)
    assert process.exitcode in {0, -signal.SIGKILL}, f"{act.__name__} ended with {process.exitcode}"
    return process.exitcode != 0


def _do(act: Act, config: dict[str, Any], moment: datetime, link: str, folder: Path, kill: tuple[int, str]) -> None:
    with time_machine.travel(moment, tick=True):
        app = create_app(config)
        app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(folder.parent))
        with app.app_context():
            _be_killed(db.engine.dialect, *kill)
        act(app, link, folder)


def _be_killed(dialect: Any, number: int, when: str) -> None:
    """Kill this process around its nth COMMIT, or after it has staged the nth batch of a roster."""
    commit, done = dialect.do_commit, 0
    add, added = Stage.add, 0

    def add_batch(stage: Stage, table: Any, **columns: Any) -> None:
        nonlocal added
        add(stage, table, **columns)
        added += 1
        if (added, "batch") == (number, when):
            os.kill(os.getpid(), signal.SIGKILL)

    def do_commit(connection: Any) -> None:
        nonlocal done
        done += 1
        if (done, "before") == (number, when):
            os.kill(os.getpid(), signal.SIGKILL)
        commit(connection)
        if (done, "after") == (number, when):
            os.kill(os.getpid(), signal.SIGKILL)

    dialect.do_commit = do_commit
    Stage.add = add_batch  # type: ignore[method-assign]
