"""F9: no answer tells who has an account: same bytes, same work. `benchmarks/timing.py` measures the times."""

import itertools
import re

import pytest

from tests.support.steps import NEW_PASSWORD, Lease, fill_join, fill_login, fill_sign_up, log_in

from ..support.work import counted

pytestmark = pytest.mark.security

OF_THE_REQUEST = {"Content-Length", "Set-Cookie", "X-Request-ID"}
UNKNOWN = "31415926"
ORIGINS = itertools.count(1)


def stranger(portal):
    """Return a browser at an origin of its own: none slows down another."""
    browser = portal.another_browser()
    browser.http.environ_base["REMOTE_ADDR"] = f"198.51.100.{next(ORIGINS) % 250}"
    return browser


def bare(browser, *typed):
    """Return the last answers without what was typed, tokens and what a form carries."""
    said = []
    for answer in browser.answers:
        text = re.sub(
            r'(name="(?:csrf_token|inscription|moitie)"[^>]*value=)"[^"]*"', "", answer.get_data(as_text=True)
        )
        for word in typed:
            text = text.replace(word, "…")
        headers = [(name, value) for name, value in answer.headers if name not in OF_THE_REQUEST]
        cookies = [cookie.partition("=")[0] for cookie in answer.headers.getlist("Set-Cookie")]
        said.append((answer.status_code, headers, cookies, text))
    return said


def both(app, act, known, unknown):
    """Do the same to both; return answers and costs."""
    answers, costs = [], []
    for whose in (known, unknown):
        send, *typed = act(whose)
        with counted(app) as work:
            browser = send().portal
        answers.append(bare(browser, *typed))
        costs.append(dict(work))
    return answers, costs


def log_in_with(portal, device=""):
    """Return an act that logs in with a wrong password, perhaps with a device mark."""

    def act(reference):
        browser = stranger(portal)
        if device:
            browser.http.set_cookie("portal_device", device)
        form = fill_login(browser.get("/connexion"), reference, "pas le bon mot de passe")
        return lambda: form.click(status=0), reference

    return act


@pytest.mark.every_home
def test_f09_login_does_the_same_for_a_reference_with_an_account_and_without(
    app, portal, mailbox, an_account, a_contract, clock
):
    account, lease = an_account(), a_contract()
    log_in(stranger(portal), UNKNOWN[::-1], "le premier essai calcule aussi de quoi comparer")
    for act in (log_in_with(portal), log_in_with(portal, device="m" * 43)):
        for other in (UNKNOWN, lease.reference):
            clock.move(hours=1, minutes=1)  # a refusal is logged once an hour
            answers, costs = both(app, act, account.lease.reference, other)
            assert answers[0] == answers[1]
            assert costs[0] == costs[1]
            assert costs[0]["hash"] == 1 and costs[0]["INSERT portal_events"] == 1
    for reference, done in ((account.lease.reference, 4), (UNKNOWN, 2)):
        statuses = [log_in_with(portal)(reference)[0]().status for _ in range(done, 7)]
        assert statuses == [200] * (5 - done) + [429, 429], "and both are slowed down alike"
    mailbox.read(to=account.email)


def test_f09_forgotten_password_does_the_same(app, portal, mailbox, an_account, a_contract):
    account, lease = an_account(), a_contract()

    def act(reference):
        form = stranger(portal).get("/mot-de-passe-oublie").form("mot de passe")
        return form.fill("Ma référence contrat", reference).click, reference

    answers, costs = both(app, act, account.lease.reference, UNKNOWN)
    assert answers[0] == answers[1] and costs[0] == costs[1]
    assert costs[0]["INSERT portal_mails"] == 1, "without an account the mail is for nobody"
    answers, costs = both(app, act, lease.reference, UNKNOWN[::-1])
    assert answers[0] == answers[1] and costs[0] == costs[1]
    mailbox.read(to=account.email)


def test_f09_sign_up_without_the_paper_does_the_same(app, portal, an_account, a_contract, clock):
    account, lease = an_account(), a_contract()

    def act(reference):
        form = fill_sign_up(stranger(portal), Lease(reference, "314159"))
        return lambda: form.click("Je valide la création de mon compte"), reference

    for known in (account.lease.reference, lease.reference):
        clock.move(hours=1, minutes=1)
        answers, costs = both(app, act, known, UNKNOWN)
        assert answers[0] == answers[1] and costs[0] == costs[1]


def test_f09_sign_up_and_resend_answer_the_same_to_who_holds_the_paper(app, portal, mailbox, an_account, a_contract):
    """Only the mail tells that the contract has an account."""
    account, lease = an_account(), a_contract()
    browsers = {}

    def sign_up(lease):
        browsers[lease] = stranger(portal)
        form = fill_sign_up(browsers[lease], lease, email="nouveau@free.fr", password=NEW_PASSWORD)
        return lambda: form.click("Je valide la création de mon compte"), lease.reference, f">{lease.reference[-3:]}<"

    answers, costs = both(app, sign_up, account.lease, lease)
    assert answers[0] == answers[1]
    assert [cost["hash"] for cost in costs] == [1, 1]
    mails = len(mailbox.read_all())

    def resend(lease):
        page = browsers[lease].page
        return lambda: page.click("Renvoyer l'e-mail"), lease.reference, f">{lease.reference[-3:]}<"

    answers, costs = both(app, resend, account.lease, lease)
    assert answers[0] == answers[1]
    assert [cost.get("hash", 0) for cost in costs] == [0, 0]
    assert len(mailbox.read_all()) == mails == 3, "the new tenant, the owner, and whoever typed another address"

    def put_right(lease):
        form = browsers[lease].page.form("Modifier mon adresse").fill("Votre adresse mail", "juste@free.fr")
        return form.click, lease.reference, f">{lease.reference[-3:]}<"

    answers, _ = both(app, put_right, account.lease, lease)
    assert answers[0] == answers[1]
    mailbox.read_all()


def test_f09_joining_without_the_paper_does_the_same(app, portal, mailbox, an_account, a_contract, clock):
    tenant, account, lease = an_account(), an_account(email="paul@free.fr"), a_contract()

    def act(reference):
        browser = stranger(portal)
        log_in(browser, tenant.lease.reference)
        form = fill_join(browser, Lease(reference, "314159"))
        browser.answers.clear()
        return form.click, reference

    for known in (account.lease.reference, lease.reference):
        clock.move(hours=1, minutes=1)
        answers, costs = both(app, act, known, UNKNOWN)
        assert answers[0] == answers[1] and costs[0] == costs[1]
        assert costs[0]["hash"] == 1
