"""Staff with accounts of the portal's own log in, and nobody else does."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from tenant_portal.accounts.office_acts import OfficeAct
from tenant_portal.db import db
from tenant_portal.office.models import KeptForm, RecoveryCode, Staff, StaffLogin

from ..conftest import Clock
from ..support.people import Tenant, must_run
from ..support.portal_client import ANY_STATUS, Portal
from ..support.post import Mailbox
from ..support.staff_steps import STAFF_PASSWORD, Colleague, code_of, give_code, give_password
from ..support.work import counted

both = pytest.mark.databases("sqlite", "postgresql")
NEW_PASSWORD = "un parapluie vert dans la bibliothèque"

#: The label of the search on its own page.
SOUGHT = "Référence, module, nom, rue, ville, adresse mail ou numéro de message"


def test_g01_clerk_logs_in_with_password_and_code_goes_on_where_he_was_and_leaves(owner: Colleague) -> None:
    assert owner.browser.get("/gestion").click("Je me déconnecte").says("Vous êtes déconnecté")
    login = owner.browser.get("/gestion/collegues")
    assert login.path == "/gestion/connexion"
    form = login.form("Continuer").fill("Mon adresse mail", "Anne.Moreau@habitat.example ")
    page = give_code(form.fill("Mon mot de passe", STAFF_PASSWORD).click(), owner.code())
    assert page.path == "/gestion/collegues" and page.says("Connecté : Mme Moreau")
    assert owner.browser.get("/gestion/connexion").path == "/gestion"


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "/espace", "/gestion/deconnexion", "https://evil.example/gestion"]
)
def test_g01_login_leads_to_a_page_of_la_gestion_only(owner: Colleague, wanted: str) -> None:
    browser = Portal(owner.browser.app)
    form = browser.get(f"/gestion/connexion?suite={wanted}").form("Continuer")
    page = form.fill("Mon adresse mail", owner.email).fill("Mon mot de passe", STAFF_PASSWORD).click()
    assert give_code(page, owner.code()).path == "/gestion"


def test_g01_password_alone_opens_nothing_and_its_step_ends_after_ten_minutes(owner: Colleague, clock: Clock) -> None:
    browser = Portal(owner.browser.app)
    page = give_password(browser, owner.email)
    assert browser.get("/gestion").path == "/gestion/connexion"
    clock.move(minutes=11)
    assert give_code(page, owner.code()).path == "/gestion/connexion"


def test_g01_without_staff_and_with_a_hosts_staff_there_is_no_entrance(
    app: Flask, portal: Portal, a_clerk: Callable[..., Portal]
) -> None:
    paths = ("/gestion", "/gestion/connexion", "/gestion/invitation", "/gestion/collegues", "/gestion/mot-de-passe")
    for path in paths:
        portal.get(path, status=404)
    host = a_clerk(role="owner")
    assert not host.get("/gestion").says("Collègues") and not host.page.says("Je me déconnecte")
    for path in paths[1:]:
        host.get(path, status=404)


def test_f23_tenants_cookie_opens_no_page_of_la_gestion_nor_staffs_one_of_a_tenant(
    owner: Colleague, an_account: Callable[..., Tenant]
) -> None:
    tenant = an_account()
    for path in ("/gestion", "/gestion/collegues", "/gestion/contrat/1"):
        tenant.browser.get(path, status=404)
    assert owner.browser.get("/espace").path == "/connexion"


def test_f23_used_code_is_refused_and_so_is_one_before_it(owner: Colleague, clock: Clock) -> None:
    clock.move(seconds=30)
    earlier = code_of(owner.secret)
    clock.move(seconds=30)
    code = code_of(owner.secret)
    assert give_code(give_password(Portal(owner.browser.app), owner.email), code).path == "/gestion"
    other = Portal(owner.browser.app)
    page = give_password(other, owner.email)
    for used in (code, earlier, "000000", "codes"):
        page = give_code(page, used)
        assert page.says("ce code ne correspond pas, ou il a déjà servi")
    assert other.get("/gestion").path == "/gestion/connexion"


@both
def test_f23_code_sent_four_times_at_once_logs_in_once(owner: Colleague) -> None:
    browsers = [Portal(owner.browser.app) for _ in range(4)]
    code = owner.code()
    forms = [give_password(each, owner.email).form("Je me connecte").fill("Mon code", code) for each in browsers]
    with ThreadPoolExecutor(4) as threads:
        pages = list(threads.map(lambda form: form.click(status=ANY_STATUS), forms))
    assert sorted(page.path == "/gestion" for page in pages) == [False, False, False, True]


def test_f23_recovery_code_takes_the_place_of_the_telephone_once(owner: Colleague, mailbox: Mailbox) -> None:
    code = owner.recovery_codes[3]
    typed = code.lower().replace("-", " ")
    assert give_code(give_password(Portal(owner.browser.app), owner.email), typed).path == "/gestion"
    told = mailbox.read(to=owner.email)
    assert told.subject == "Un code de secours a servi à la gestion" and "neuf" not in told.text and "9" in told.text
    page = give_code(give_password(Portal(owner.browser.app), owner.email), code)
    assert page.says("il a déjà servi")


def test_f23_every_post_of_staff_without_its_token_changes_nothing(app: Flask, owner: Colleague) -> None:
    before = _acts(app)
    for path in (
        "/gestion/collegues",
        "/gestion/collegues/1/role",
        "/gestion/collegues/1/retrait",
        "/gestion/deconnexion",
    ):
        owner.browser.http.post(path, data={"email": "x@y.fr", "role": "office"})
    assert _acts(app) == before
    assert owner.browser.get("/gestion/collegues").says("responsable")


def test_g01_sixth_failure_waits_and_a_known_device_does_not(owner: Colleague, app: Flask, mailbox: Mailbox) -> None:
    stranger = Portal(app)
    for _ in range(5):
        page = give_password(stranger, owner.email, "faux mot de passe")
        assert page.says("l'adresse mail ou le mot de passe ne correspond pas")
    assert give_password(stranger, owner.email, status=429).says("il y a eu trop d'essais")
    assert mailbox.read(to=owner.email).subject == "Plusieurs essais ont échoué à la gestion"
    owner.browser.get("/gestion").click("Je me déconnecte")
    assert owner.log_in().path == "/gestion"


def test_g01_sixth_wrong_code_waits_and_the_owner_of_the_password_is_told(
    owner: Colleague, app: Flask, mailbox: Mailbox
) -> None:
    page = give_password(Portal(app), owner.email)
    for _ in range(5):
        page = give_code(page, "123 456")
    assert give_code(page, owner.code(), status=429).says("il y a eu trop d'essais")
    assert "votre mot de passe de la gestion, puis plusieurs codes" in mailbox.read(to=owner.email).text.replace(
        "\n", " "
    )


def test_g01_nobody_learns_which_addresses_are_staff(owner: Colleague, app: Flask, mailbox: Mailbox) -> None:
    answers, works = [], []
    for email in (owner.email, "personne@habitat.example"):
        browser = Portal(app)
        give_password(browser, "autre@habitat.example", "faux")  # whatever is made once
        with counted(app) as work:
            login = give_password(browser, email, "faux mot de passe")
            forgotten = browser.get("/gestion/mot-de-passe-oublie").form().fill("Mon adresse mail", email).click()
        answers.append((login.text.replace(email, ""), forgotten.text))
        works.append(work)
    assert answers[0] == answers[1]
    assert works[0] == works[1]
    assert "/gestion/mot-de-passe/" in mailbox.read(to=owner.email).link


def test_g01_forgotten_password_by_mail_and_then_still_the_code(owner: Colleague, app: Flask, mailbox: Mailbox) -> None:
    browser = Portal(app)
    browser.get("/gestion/mot-de-passe-oublie").form().fill("Mon adresse mail", owner.email).click()
    link = mailbox.read(to=owner.email).link
    form = browser.get(link + ").").form("Enregistrer")
    form.fill("Créez un mot de passe", "azertyuiop12").fill("Confirmez votre mot de passe", "azertyuiop12")
    assert form.click().faults
    form.fill("Créez un mot de passe", NEW_PASSWORD).fill("Confirmez votre mot de passe", NEW_PASSWORD)
    assert form.click().says("Connectez-vous avec le nouveau, puis avec un code")
    assert mailbox.read(to=owner.email).subject == "Votre mot de passe de la gestion a été changé"
    assert owner.browser.get("/gestion").path == "/gestion/connexion", "every session ended"
    assert browser.get("/gestion").path == "/gestion/connexion", "a link alone opens nothing"
    browser.get(link, status=410)
    assert owner.log_in(browser, password=NEW_PASSWORD).path == "/gestion"


def test_g01_tenant_and_staff_of_one_browser_do_not_meet(
    owner: Colleague, an_account: Callable[..., Tenant], mailbox: Mailbox
) -> None:
    browser = owner.browser
    invite = browser.get("/gestion/collegues").form("Inviter un collègue")
    tenant = an_account()
    tenant.log_in(browser)
    invite.fill("Adresse mail de votre collègue", "luc@habitat.example").choose("Que peut faire", "Gestionnaire")
    assert invite.click().says("l'invitation part par e-mail"), "a tenant's login in another tab spoils no form"
    mailbox.read(to="luc@habitat.example")
    assert browser.get("/espace").path == "/espace" and browser.get("/gestion").path == "/gestion"
    browser.get("/espace").click("Je me déconnecte")
    assert browser.get("/gestion").path == "/gestion", "his log-out leaves staff alone"
    tenant.log_in(browser)
    browser.get("/gestion").click("Je me déconnecte")
    assert browser.get("/espace").path == "/espace", "and theirs leaves him alone"
    browser.get("/gestion", status=404)
    assert owner.log_in().path == "/gestion", "and he may log in beside"


def test_g01_idle_login_ends_after_thirty_minutes_and_any_after_eight_hours(owner: Colleague, clock: Clock) -> None:
    for _ in range(19):
        clock.move(minutes=25)
        assert owner.browser.get("/gestion").path == "/gestion"
    clock.move(minutes=6)
    assert owner.browser.get("/gestion").says("Vous avez été déconnecté")
    owner.log_in()
    clock.move(minutes=31)
    assert owner.browser.get("/gestion").path == "/gestion/connexion"


def test_g01_what_was_typed_after_the_end_comes_back_to_its_clerk_alone(
    owner: Colleague, a_colleague: Callable[..., Colleague], app: Flask, clock: Clock
) -> None:
    other = a_colleague("luc@habitat.example", "M. Petit")
    form = owner.browser.get("/gestion/chercher").form("Trouver").fill(SOUGHT, "Martin Élodie")
    clock.move(minutes=45)
    assert form.click().says("Ce que vous avez tapé est gardé une heure")
    with app.app_context():
        kept = db.session.scalars(select(KeptForm)).one()
        assert kept.fields == {"query": ["Martin Élodie"]} and "Martin" not in owner.browser.page.url
    other.log_in()
    assert other.browser.get("/gestion/chercher").form("Trouver").value(SOUGHT) == ""
    login = owner.browser.page.form("Continuer").fill("Mon adresse mail", owner.email)
    page = give_code(login.fill("Mon mot de passe", STAFF_PASSWORD).click(), owner.code())
    assert page.path == "/gestion/chercher"
    assert page.form("Trouver").value(SOUGHT) == "Martin Élodie"
    page.form("Trouver").click()
    assert owner.browser.get("/gestion/chercher").form("Trouver").value(SOUGHT) == ""


def test_g01_secrets_are_hashed_or_sealed_and_a_changed_key_as_fallback_ends_nothing(
    owner: Colleague, app: Flask, make_app: Callable[..., Flask]
) -> None:
    with app.app_context():
        row = db.session.scalars(select(Staff)).one()
        former = row.totp_secret
        stored = " ".join([former, row.password_hash, *db.session.scalars(select(RecoveryCode.code_hash))])
    assert not [secret for secret in (owner.secret, *owner.recovery_codes, STAFF_PASSWORD) if secret in stored]
    new = "another key for tests, also forty characters."
    later = make_app(SECRET_KEY=new, SECRET_KEY_FALLBACKS=[app.config["SECRET_KEY"]])
    assert owner.log_in(Portal(later)).path == "/gestion"
    with later.app_context():
        assert db.session.scalars(select(Staff)).one().totp_secret != former, "sealed anew"
    last = make_app(SECRET_KEY=new)
    assert owner.log_in(Portal(last)).path == "/gestion"


def test_g01_purge_erases_kept_forms_and_old_logins(owner: Colleague, app: Flask, clock: Clock) -> None:
    form = owner.browser.get("/gestion/chercher").form("Trouver").fill(SOUGHT, "Martin")
    clock.move(minutes=45)
    form.click()
    clock.move(minutes=61)
    assert "Formulaires du bureau en attente d'une connexion : 1" in must_run(app, "purge")
    clock.move(days=366)
    assert "Connexions du bureau : 1" in must_run(app, "purge")
    with app.app_context():
        assert not db.session.scalars(select(StaffLogin)).all() and not db.session.scalars(select(KeptForm)).all()


def test_g01_backup_brings_accounts_and_codes_back(owner: Colleague, app: Flask, tmp_path: Path) -> None:
    must_run(app, "backup", str(tmp_path / "sauvegarde.zip"))
    must_run(app, "staff", "add", "luc@habitat.example")
    must_run(app, "restore", str(tmp_path / "sauvegarde.zip"), "--force")
    assert "luc@" not in must_run(app, "staff", "list")
    assert owner.log_in(Portal(app)).path == "/gestion"


def _acts(app: Flask) -> int:
    with app.app_context():
        return len(db.session.scalars(select(OfficeAct)).all())
