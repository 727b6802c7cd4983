"""The table of words for where a tenant stands, and what reads from it."""

import re

from tenant_portal.accounts.standing_words import SITUATIONS
from tenant_portal.accounts.steps import STEPS
from tenant_portal.mail.fates import FATES

from ..support.page_text import plain
from ..support.people import must_run
from ..support.steps import PASSWORD, forget, log_in, sign_up, write_message


def test_g15_each_situation_has_every_cell_and_each_step_one_situation_at_least():
    for name, situation in SITUATIONS.items():
        cells = situation._asdict()
        steps = cells.pop("steps")
        assert steps and set(steps) <= set(range(1, 14)), name
        assert all(str(cell).strip() for cell in cells.values()), name
    assert set().union(*(situation.steps for situation in SITUATIONS.values())) == set(range(1, 14))
    assert len(STEPS) == 12 and all(str(cell).strip() for step in STEPS for cell in step)
    assert not re.search(r"\b(reçue?|lue?)\b", " ".join(str(cell) for fate in FATES.values() for cell in fate))


def test_g15_no_sentence_for_the_telephone_tells_a_secret_or_whether_an_account_exists():
    said = [situation.on_the_telephone for situation in SITUATIONS.values()] + [step.say for step in STEPS]
    for sentence in map(plain, map(str, said)):
        assert not re.search(r"@|%\(|\d|bloqué|fermé|contesté|activé|votre compte|vous avez un compte", sentence), (
            sentence
        )
        assert "un compte existe" not in sentence.replace("Si un compte existe", "")
    for name, situation in SITUATIONS.items():
        assert re.search(r"^Ne (dites|demandez|dictez|donnez)", str(situation.not_to_say)), name


def test_g15_commands_mails_and_pages_read_from_the_table(portal, app, mailbox, a_contract):
    lease, words = a_contract(), SITUATIONS["mail_sent"]
    page = sign_up(portal, lease)
    assert page.says(str(words.for_tenant))
    mailbox.read()
    shown = must_run(app, "contracts", "show", lease.reference)
    assert shown.startswith(f"À dire au téléphone : {plain(str(words.on_the_telephone))}\nAttention : ")
    assert plain(f"État : {words.word}.") in shown and plain(str(words.for_staff)) in shown
    assert "activation du compte" in shown and ": acceptée par 127.0.0.1" in shown
    write_message(portal, topic="Autre chose", body="Bonjour", reference=lease.reference)
    told, _receipt = sorted(mailbox.read_all(), key=lambda mail: mail.to)
    assert plain(str(words.on_the_telephone)) in plain(told.text)


def test_g04_progress_goes_on_after_step_12(portal, app, mailbox, an_account, clock):
    tenant = an_account()
    reference = tenant.lease.reference
    show = lambda: must_run(app, "contracts", "show", reference)  # noqa: E731
    assert "État : le compte fonctionne." in show() and "Dernière connexion : lundi 23 novembre" in show()
    clock.move(hours=1)
    for _ in range(2):
        log_in(portal, reference, "un mot de passe bien faux")
    assert "État : connexions refusées." in show()
    assert "Essais refusés depuis : 2 au moins, le dernier le lundi 23 novembre" in show()
    for _ in range(4):
        log_in(portal, reference, "un mot de passe bien faux", status=0)
    assert "État : trop d'essais." in show()
    assert "Prochain essai possible : lundi 23 novembre" in show()
    assert "Essais refusés depuis : 5 au moins" in show()
    clock.move(minutes=10)
    assert "Prochain essai possible" not in show() and "État : connexions refusées." in show()
    forget(portal, reference)
    assert "État : lien de mot de passe demandé." in show()
    assert "Lien pour un nouveau mot de passe demandé le lundi 23 novembre" in show()
    clock.move(hours=2)
    assert "État : connexions refusées." in show()
    log_in(portal, reference, PASSWORD)
    assert "État : le compte fonctionne." in show() and "Essais refusés" not in show()
    mailbox.read_all()


def test_g04_progress_tells_an_ended_lease_apart_from_one_that_never_had_an_account(app, a_contract, an_account, clock):
    tenant = an_account(a_contract(ends_on="30/11/2026"))
    clock.move(days=10)
    shown = must_run(app, "contracts", "show", tenant.lease.reference)
    assert "État : bail terminé." in shown and "Les douze étapes sont faites." in shown
    other = a_contract(ends_on="30/11/2026")
    assert "État : bail pas en cours." in must_run(app, "contracts", "show", other.reference)
