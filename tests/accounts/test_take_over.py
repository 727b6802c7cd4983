"""X02, X04, X12: whatever a thief plays who once knew the password, the owner ends in."""

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import few
from tests.support.people import Tenant
from tests.support.portal_client import ANY_STATUS, Portal
from tests.support.steps import (
    PASSWORD,
    ask_email_change,
    change_password,
    close_account,
    fill_login,
    fill_new_password,
    fill_not_me,
    finish,
    forget,
    sign_up,
)

pytestmark = pytest.mark.security

OWNERS, THIEFS = "lea@free.fr", "voleur@orange.fr"
SECRETS = (f"un secret tout neuf et long {number}" for number in itertools.count())


def stolen(tenant, mailbox):
    """Have a thief put his address in; return his browser."""
    thief = tenant.browser.another_browser()
    tenant.log_in(thief)
    ask_email_change(thief, THIEFS)
    mailbox.read(to=OWNERS)
    thief.get(mailbox.read(to=THIEFS).link).click("Je confirme mon adresse")
    mailbox.read(to=OWNERS), mailbox.read(to=THIEFS)
    return thief


def test_x02_thief_cannot_object_to_the_owners_repair_by_hand(portal, mailbox, an_account, clock):
    tenant = an_account(email=OWNERS)
    stolen(tenant, mailbox)
    owner, new = tenant.browser, next(SECRETS)
    assert change_password(owner, tenant.password, new).says("votre mot de passe est modifié")
    mailbox.read_all()
    assert ask_email_change(owner, OWNERS, new).path == "/espace/compte"
    assert not mailbox.read(to=THIEFS).links, "a young address in doubt can freeze nothing"
    owner.get(mailbox.read(to=OWNERS).link).click("Je confirme mon adresse")
    assert owner.page.path == "/espace/compte", "a password set since the theft is the owner's own"
    assert [mail.to for mail in mailbox.read_all() if "/ce-nest-pas-moi/" in mail.text] == [OWNERS]
    clock.move(days=8)
    assert Tenant(tenant.lease, OWNERS, new, owner).log_in(portal).says(OWNERS)
    forget(portal.another_browser(), tenant.lease.reference)
    assert {mail.to for mail in mailbox.read_all()} == {OWNERS}


def test_x02_address_put_back_with_the_old_password_asks_for_another_one(portal, mailbox, an_account):
    tenant = an_account(email=OWNERS)
    thief = stolen(tenant, mailbox)
    tenant.log_in(portal)
    ask_email_change(portal, OWNERS)
    mailbox.read(to=THIEFS)
    page = portal.get(mailbox.read(to=OWNERS).link).click("Je confirme mon adresse")
    assert page.path == "/mot-de-passe" and page.says("l'ancien ne marche plus")
    assert thief.get("/espace").path == "/connexion"
    new = next(SECRETS)
    assert fill_new_password(portal.page, new).click().path == "/connexion"
    mailbox.read_all()
    assert tenant.log_in(thief).says("ne correspond pas")
    assert Tenant(tenant.lease, OWNERS, new, portal).log_in(portal).says(OWNERS)


def test_x02_young_address_gets_no_link_once_the_password_was_changed_by_hand(portal, mailbox, an_account, clock):
    tenant = an_account(email=OWNERS)
    stolen(tenant, mailbox)
    change_password(tenant.browser, tenant.password, next(SECRETS))
    mailbox.read_all()
    clock.move(hours=2)
    forget(portal, tenant.lease.reference)
    (mail,) = mailbox.read_all()
    assert mail.to == OWNERS and mail.link_not_me, "the first address can still undo it"
    clock.move(days=30)
    forget(portal, tenant.lease.reference)
    assert mailbox.read_all() == [], "and the young one proves nothing by growing old"


def test_tenant_who_changes_address_and_password_proves_the_address_by_one_click(portal, mailbox, an_account, clock):
    tenant = an_account(email=OWNERS)
    ask_email_change(tenant.browser, "neuve@laposte.net")
    tenant.browser.get(mailbox.read(to="neuve@laposte.net").link).click("Je confirme mon adresse")
    mailbox.read_all()
    page = change_password(tenant.browser, tenant.password, next(SECRETS))
    assert page.says("Confirmez votre adresse mail")
    mails = [mail for mail in mailbox.read_all() if mail.to == "neuve@laposte.net"]
    (proof,) = (mail for mail in mails if mail.subject.startswith("Confirmez votre nouvelle adresse mail"))
    assert "peu après votre adresse mail" in proof.text
    page = tenant.browser.get(proof.link).click("Je confirme mon adresse")
    assert page.path == "/espace/compte" and not page.says("Confirmez votre adresse mail")
    mailbox.read(to="neuve@laposte.net")
    forget(portal, tenant.lease.reference)
    assert mailbox.read(to="neuve@laposte.net").link.count("/mot-de-passe/") == 1
    clock.move(days=8)


def test_doubted_address_can_be_proved_later_from_the_account(portal, mailbox, an_account, clock):
    tenant = an_account(email=OWNERS)
    ask_email_change(tenant.browser, "neuve@laposte.net")
    tenant.browser.get(mailbox.read(to="neuve@laposte.net").link).click("Je confirme mon adresse")
    new = next(SECRETS)
    change_password(tenant.browser, tenant.password, new)
    mailbox.read_all()
    clock.move(days=2)
    browser = Tenant(tenant.lease, OWNERS, new, portal)
    browser.log_in(portal)
    mailbox.read_all()
    page = portal.get("/espace/compte")
    assert page.says("Votre adresse mail doit être confirmée")
    page.click_link("Recevez un lien à confirmer")
    ask_email_change(portal, "neuve@laposte.net", new)
    portal.get(mailbox.read(to="neuve@laposte.net").link).click("Je confirme mon adresse")
    mailbox.read(to="neuve@laposte.net")
    assert not portal.get("/espace/compte").says("doit être confirmée")


def test_x04_owner_of_a_mistyped_address_gets_no_account_by_a_reset(portal, mailbox, a_contract, clock):
    lease, stranger = a_contract(), portal.another_browser()
    sign_up(portal, lease, email=THIEFS)
    link = mailbox.read(to=THIEFS).link
    stranger.get(link).click("Activer mon compte, je m'identifierai ailleurs")
    clock.move(minutes=3)
    forget(stranger, lease.reference)
    again = mailbox.read(to=THIEFS)
    assert "/activation/" in again.link and not [link for link in again.links if "/mot-de-passe/" in link]
    assert stranger.get(again.link).form("Je me connecte"), "the password is asked for, which he does not know"
    assert finish(portal, again.link, lease.reference).path == "/espace"
    mailbox.read(to=THIEFS)


def test_x12_thiefs_device_is_a_stranger_after_a_reset_and_after_a_change(portal, mailbox, an_account, clock):
    tenant = an_account(email=OWNERS)
    thief, owner = portal.another_browser(), portal
    tenant.log_in(thief)
    for told, renew in enumerate(("by mail", "by hand"), 2):
        clock.move(minutes=5)
        new = next(SECRETS)
        if renew == "by mail":
            forget(owner, tenant.lease.reference)
            owner.get(mailbox.read(to=OWNERS).link)
            fill_new_password(owner.page, new).click()
        else:
            change_password(owner, tenant.password, new)
        mailbox.read(to=OWNERS)
        tenant.password = new
        pages = [Tenant(tenant.lease, OWNERS, "devinette", thief).log_in(thief, status=ANY_STATUS) for _ in range(7)]
        assert pages[-1].status == 429
        assert mailbox.read(to=OWNERS).subject == "Plusieurs essais ont échoué", "no counter and silence of his own"
        if owner.get("/connexion").path == "/espace":
            owner.page.click("Je me déconnecte")
        assert tenant.log_in(owner).path == "/espace", "the owner's own device is known all the same"
        assert len(mailbox.of_devices()) == told - 1
        clock.move(days=1)
        tenant.log_in(thief)
        assert len(mailbox.of_devices()) == told, "and his device is told of as new"
        tenant.log_in(owner)


def test_x12_mark_that_we_did_not_issue_is_none(portal, mailbox, an_account):
    tenant = an_account(email=OWNERS)
    victim = portal.another_browser()
    victim.http.set_cookie("portal_device", "m" * 43)
    tenant.log_in(victim)
    assert victim.cookie("portal_device") != "m" * 43
    thief = portal.another_browser()
    thief.http.set_cookie("portal_device", "m" * 43)
    for _ in range(6):
        page = Tenant(tenant.lease, OWNERS, "devinette", thief).log_in(thief, status=ANY_STATUS)
    assert page.status == 429 and mailbox.read(to=OWNERS).subject == "Plusieurs essais ont échoué"


@dataclass
class Player:
    """Somebody with a mailbox, passwords and links."""

    browser: Portal
    address: str
    known: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


class Play:
    """A thief and an owner of one account, each doing what he can."""

    def __init__(self, tenant: Tenant, mailbox, number: int) -> None:
        self.mailbox, self.reference = mailbox, tenant.lease.reference
        self.owner = Player(tenant.browser, tenant.email, [tenant.password])
        self.thief = Player(tenant.browser.another_browser(), f"voleur{number}@orange.fr", [tenant.password])

    def do(self, who: Player, act: str) -> bool:
        """Act; tell whether the player has proved an address or a password."""
        done = getattr(self, act)(who)
        for mail in self.mailbox.read_all():
            for player in (self.owner, self.thief):
                if mail.to == player.address:
                    player.links += mail.links
        return bool(done)

    def enter(self, who: Player) -> bool:
        """Log in with any known password, reopening the account if need be."""
        for password in reversed(who.known):
            who.browser = who.browser.another_browser()
            page = fill_login(who.browser.get("/connexion"), self.reference, password).click(status=ANY_STATUS)
            if page.path == "/reouverture":
                page = page.click("Je rouvre mon compte")
            if page.path == "/espace":
                who.known.append(password)
                return True
            if page.says("votre compte est bloqué"):
                return False
        return False

    def by_hand(self, who: Player) -> bool:
        if not self.enter(who):
            return False
        new = next(SECRETS)
        page = change_password(who.browser, who.known[-1], new)
        assert page.path == "/espace/compte"
        who.known.append(new)
        return True

    def move_address(self, who: Player) -> bool:
        """Ask for one's own address; the owner's is the first."""
        if not self.enter(who):
            return False
        ask_email_change(who.browser, who.address, who.known[-1], status=ANY_STATUS)
        return False

    def open_links(self, who: Player) -> bool:
        """Open every mailed link, newest first, and press what is there; say « Ce n'est pas moi » before the rest."""
        links = sorted(reversed(who.links), key=lambda link: "/ce-nest-pas-moi/" not in link)
        return any([self._use(who, link) for link in links])

    def reset(self, who: Player) -> bool:
        forget(who.browser.another_browser(), self.reference)
        return False

    def close(self, who: Player) -> bool:
        if self.enter(who):
            close_account(who.browser, who.known[-1])
        return False

    def _use(self, who: Player, link: str) -> bool:
        browser = who.browser.another_browser()
        kinds = ("/mot-de-passe/", "/ce-nest-pas-moi/", "/adresse/")
        if not any(kind in link for kind in kinds) or browser.get(link, status=ANY_STATUS).status != 200:
            return False
        if browser.page.path == "/adresse":
            form = browser.page.form("Je confirme")
            form.fill("Mon mot de passe", who.known[-1]).click(status=ANY_STATUS)
        elif browser.page.path == "/ce-nest-pas-moi":
            fill_not_me(browser.page).click(status=ANY_STATUS)
        if browser.page.status != 200 or browser.page.path != "/mot-de-passe":
            return False
        new = next(SECRETS)
        if fill_new_password(browser.page, new).click(status=ANY_STATUS).path != "/connexion":
            return False
        who.known.append(new)
        return True


ACTS = ("by_hand", "move_address", "open_links", "reset", "close")
NUMBERS = itertools.count(1)


@few(5, derandomize=True)
@given(
    moves=st.lists(st.tuples(st.sampled_from(("owner", "thief", "thief")), st.sampled_from(ACTS)), max_size=9),
    last=st.sampled_from(("by_hand", "open_links")),
    wait=st.sampled_from((0, 8, 31)),
)
def test_owner_who_is_last_to_prove_himself_ends_in_and_the_thief_out(
    an_account, a_contract, mailbox, clock, moves, last, wait
):
    tenant = an_account(a_contract(), email=f"lea{next(NUMBERS)}@free.fr", password=PASSWORD)
    play = Play(tenant, mailbox, next(NUMBERS))
    for who, act in moves:
        clock.move(hours=1, minutes=1)  # no quota stops anybody
        play.do(getattr(play, who), act)
    clock.move(hours=1, minutes=1)
    if not play.do(play.owner, last):
        play.do(play.owner, "reset")
        if not play.do(play.owner, "open_links"):
            return  # he proved nothing in time: he has to ask the landlord
    assert play.enter(play.owner), (moves, last)
    clock.move(days=wait)
    for act in (*ACTS, "open_links", "reset", "open_links", "move_address", "open_links"):
        clock.move(hours=1, minutes=1)
        play.do(play.thief, act)
    assert not play.enter(play.thief), (moves, last)
    clock.move(days=1, minutes=1)  # the thief has used up the tries of the day
    assert play.enter(play.owner), (moves, last)
    mailbox.read_all()


@pytest.mark.parametrize("moves", [[("thief", "move_address"), ("thief", "open_links"), ("owner", "by_hand")]])
def test_owner_who_only_changes_his_password_in_time_is_safe_for_good(an_account, mailbox, clock, moves):
    tenant = an_account(email=OWNERS)
    play = Play(tenant, mailbox, 0)
    for who, act in moves:
        play.do(getattr(play, who), act)
    for _ in range(5):
        clock.move(days=7)
        for act in ("reset", "open_links", "by_hand"):
            play.do(play.thief, act)
            assert not play.enter(play.thief)
    clock.move(days=1, minutes=1)
    assert play.enter(play.owner)
    mailbox.read_all()
