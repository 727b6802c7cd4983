"""From the paper notice to the first login, and what can go wrong."""

import pytest

from ..support.page_text import plain
from ..support.steps import EMAIL, NEW_PASSWORD, PASSWORD, QUESTIONS, Lease, fill_sign_up, finish, log_in, sign_up

NEUTRAL = "Nous ne trouvons aucun contrat avec ces deux numéros. Vérifiez-les sur votre avis d'échéance le plus récent."


@pytest.mark.every_home
def test_tenant_goes_from_the_notice_to_his_account(portal, mailbox, a_contract):
    contract = a_contract(payment="Prélèvement automatique")
    page = sign_up(portal, contract, e_notice="Oui")
    assert page.h1 == "Consultez vos e-mails"
    assert page.says(EMAIL)
    assert page.says("Vous allez recevoir un e-mail d'activation de votre compte.")

    mail = mailbox.read(to=EMAIL)
    assert mail.subject == "Activez votre compte locataire"
    page = portal.get(mail.link)
    assert page.h1 == "Identifiez-vous pour terminer la création de votre compte"
    assert mail.link.rsplit("/", 1)[1] not in page.url, "the token leaves the address bar"
    form = page.form("Je me connecte")
    assert form.value("Ma référence contrat") == contract.reference, "nothing is asked twice in the same browser (U19)"
    page = form.fill("Mon mot de passe", PASSWORD).click("Je me connecte")

    assert page.path == "/espace"
    assert page.says("Bienvenue")
    assert page.says(contract.reference)
    for answer in ("d'échéance par e-mail : Oui", "commerciales par e-mail : Non", "générales par e-mail : Oui"):
        assert page.says(answer)
    assert not page.says("n'est pas en prélèvement automatique")
    welcome = mailbox.read(to=EMAIL)
    assert contract.reference not in welcome.text, "mails show the last three digits only"
    assert "prélèvement" not in welcome.text
    assert not portal.get("/espace").says("Bienvenue"), "the welcome is for the first time"


def test_t01_tenant_types_the_reference_as_printed_and_is_understood(portal, mailbox, a_contract):
    contract = a_contract(reference="012345")
    page = sign_up(portal, Lease("| L/012\u202f345 |", contract.module), confirmation="autre")
    assert page.form("Je valide").value("Votre référence contrat") == "012345"
    assert page.faults == ["Les deux mots de passe ne sont pas identiques. Saisissez-les à nouveau."]
    assert sign_up(portal, Lease("L / 012345", contract.module)).h1 == "Consultez vos e-mails"
    mailbox.read()


def test_t02_tenant_types_letters_and_is_told_what_to_type(portal):
    typed = "12A456"
    page = sign_up(portal, Lease(typed, "12345678"))
    assert "La référence contrat contient seulement des chiffres. Exemple : 123456" in page.faults
    form = page.form("Je valide")
    assert form.value("Votre référence contrat") == typed, "what was typed is kept"
    assert form.error("Votre référence contrat").endswith("Exemple : 123456")
    assert form.value("Créez un mot de passe") == "", "passwords are emptied"
    assert page.title.startswith("Erreur :")


@pytest.mark.parametrize(
    ("reference", "module"), [("00234567", "71"), ("0234567", "71"), ("0234567", "72"), ("000234567", "71")]
)
def test_t02_the_module_of_one_contract_opens_no_other_with_other_zeros(portal, mailbox, a_contract, reference, module):
    a_contract(reference="00234567", module="72", ends_on="31/12/2020")
    a_contract(reference="234567", module="71")
    assert sign_up(portal, Lease(reference, module)).says(NEUTRAL)
    assert sign_up(portal.another_browser(), Lease("234567", "71")).h1 == "Consultez vos e-mails"
    mailbox.read()


def test_t02_tenant_types_other_leading_zeros_and_the_only_match_is_taken(portal, mailbox, a_contract):
    contract = a_contract(reference="0045678", module="00123")
    assert sign_up(portal, Lease("45678", "123")).h1 == "Consultez vos e-mails"
    mailbox.read()
    a_contract(reference="45678", module="555")
    other = portal.another_browser()
    assert sign_up(other, Lease("000045678", "9999999")).says(NEUTRAL)
    assert sign_up(other, Lease("045678", contract.module), email="autre@free.fr").says(NEUTRAL), "two may be meant"
    assert sign_up(other, Lease("0045678", contract.module), email="autre@free.fr").h1 == "Consultez vos e-mails"
    mailbox.read()


def test_t03_tenant_without_his_numbers_finds_where_they_are_and_whom_to_ask(portal):
    portal.get("/connexion")
    page = portal.click_link("Je crée mon compte")
    assert page.says("Où trouver ma référence et mon numéro de module ?")
    page = page.click_link("Je n'ai pas mon avis")
    assert page.path == "/message"
    assert page.says("référence")


def test_t04_any_mismatch_gets_the_same_neutral_sentence(portal, a_contract, clock):
    running = a_contract()
    ended = a_contract(ends_on="01/02/2020")
    future = a_contract(starts_on="01/02/2099")
    pages = []
    for reference, module in (
        ("999999", running.module),
        (running.reference, "11111111"),
        (ended.reference, ended.module),
        (future.reference, future.module),
    ):
        page = sign_up(portal.another_browser(), Lease(reference, module))
        assert page.says(NEUTRAL)
        assert page.says("Votre bail est récent ? Votre contrat peut mettre quelques jours à apparaître.")
        pages.append(page.text)
    assert len(set(pages)) == 1, "nothing on the page tells which number is wrong, or why"


def test_t04_after_three_mismatches_the_message_link_comes_first(portal, a_contract):
    contract = a_contract()
    for number in range(3):
        page = sign_up(portal, Lease(contract.reference, f"1111111{number}"))
    text = page.text
    assert page.says(NEUTRAL)
    assert "essage" in text.split("Formulaire d")[1].split("Nous ne retrouvons")[0] or page.says(
        "Laissez-nous un message"
    )


def test_t05_recent_tenant_sees_when_the_contracts_were_last_brought_up_to_date(portal, a_contract, clock):
    a_contract()
    page = sign_up(portal, Lease("424242", "12345678"))
    assert page.says("Votre bail est récent ?")
    assert page.says("23 novembre 2026"), "the day of the last import is shown"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("jean@gmial.com", "jean@gmail.com"), ("jean@orange.f", "jean@orange.fr"), ("jean@gmail.con", "jean@gmail.com")],
)
def test_t06_tenant_mistypes_his_provider_and_is_asked_but_not_stopped(portal, mailbox, a_contract, typed, meant):
    contract = a_contract()
    page = sign_up(portal, contract, email=typed)
    assert page.h1 == "Consultez vos e-mails", "a question never blocks"
    assert page.says(f"Voulez-vous dire {meant} ?")
    wrong = mailbox.read(to=typed)
    page = page.click(f"Voulez-vous dire {meant} ?")
    assert page.says(meant)
    right = mailbox.read(to=meant)
    assert portal.another_browser().get(wrong.link, status=410).says("lien")
    assert finish(portal, right.link, contract.reference).path == "/espace"
    mailbox.read(to=meant)


@pytest.mark.every_home
def test_t07_tenant_gave_a_wrong_address_and_puts_it_right_without_typing_the_rest_again(portal, mailbox, a_contract):
    contract = a_contract()
    page = sign_up(portal, contract, email="faux@free.fr")
    lost = mailbox.read(to="faux@free.fr")
    form = page.form("Modifier mon adresse")
    page = form.fill("Votre adresse mail", "juste@free.fr").click("Modifier mon adresse")
    assert page.says("juste@free.fr")
    good = mailbox.read(to="juste@free.fr")
    portal.another_browser().get(lost.link, status=410)
    assert finish(portal, good.link, contract.reference).path == "/espace"
    assert mailbox.read(to="juste@free.fr").subject


@pytest.mark.every_home
def test_t16_tenant_who_never_clicked_logs_in_another_day_and_finds_the_same_page(portal, mailbox, a_contract):
    contract = a_contract()
    sign_up(portal, contract, email="lea@free.fr")
    mailbox.read()
    later = portal.another_browser()
    page = log_in(later, contract.reference, "un tout autre mot")
    assert page.says("Erreur : la référence contrat ou le mot de passe ne correspond pas.")
    page = log_in(later, contract.reference)
    assert page.h1 == "Consultez vos e-mails"
    assert page.says("lea@free.fr")
    page = page.click("Renvoyer l'e-mail")
    assert finish(later, mailbox.read(to="lea@free.fr").link, contract.reference).path == "/espace"
    mailbox.read()


def test_t07_a_second_mail_keeps_the_first_link_alive(portal, mailbox, a_contract):
    contract = a_contract()
    page = sign_up(portal, contract)
    first = mailbox.read()
    page.click("Renvoyer l'e-mail")
    mailbox.read()
    assert finish(portal, first.link, contract.reference).path == "/espace"
    mailbox.read()


def test_t07_mails_are_sent_again_three_times_an_hour_at_the_most(portal, mailbox, a_contract, clock):
    contract = a_contract()
    page = sign_up(portal, contract)
    for _ in range(6):
        page = page.click("Renvoyer l'e-mail")
        assert page.h1 == "Consultez vos e-mails"
    assert len(mailbox.read_all()) == 1 + 3
    clock.move(hours=1, minutes=1)
    page.click("Renvoyer l'e-mail")
    mailbox.read()


def test_t08_tenant_reads_what_to_do_when_nothing_comes(portal, mailbox, a_contract):
    contract = a_contract()
    page = sign_up(portal, contract)
    mailbox.read()
    for advice in ("15 minutes", "indésirables", "contact@habitat-du-val.example"):
        assert page.says(advice), advice


@pytest.mark.every_home
def test_t10_link_expires_and_a_fresh_one_is_one_click_away(portal, mailbox, a_contract, clock):
    contract = a_contract()
    sign_up(portal, contract, email="lea@free.fr")
    old = mailbox.read()
    clock.move(hours=73)
    stranger = portal.another_browser()
    page = stranger.get(old.link, status=410)
    assert page.says("Ce lien n'est plus valable depuis le")
    assert not page.says("lea@free.fr"), "the address is not shown to a stranger"
    page.click("Recevoir un nouveau lien")
    assert finish(portal, mailbox.read(to="lea@free.fr").link, contract.reference).path == "/espace"
    mailbox.read()


@pytest.mark.every_home
def test_t11_link_used_already_leads_to_the_login(portal, mailbox, a_contract):
    contract = a_contract()
    sign_up(portal, contract)
    mail = mailbox.read()
    finish(portal, mail.link, contract.reference)
    mailbox.read()
    page = portal.another_browser().get(mail.link, status=410)
    assert page.says("Votre compte est déjà activé. Connectez-vous.")


@pytest.mark.every_home
def test_t11_link_cut_by_a_mail_program_is_answered_kindly(portal):
    for token in ("x", "InRvdG8i.abc.def", "%00", "é"):
        page = portal.get(f"/activation/{token}", status=404)
        assert page.says("lien")


@pytest.mark.every_home
def test_tenant_activates_on_his_phone_and_goes_on_at_a_computer(portal, mailbox, a_contract):
    contract = a_contract()
    sign_up(portal, contract)
    mail = mailbox.read()
    phone = portal.another_browser()
    page = phone.get(mail.link)
    assert page.form("Je me connecte").value("Ma référence contrat") == "", "whoever got the mail is not told it"
    page = page.click("Activer mon compte, je m'identifierai ailleurs")
    assert page.says("Votre compte est activé. Identifiez-vous pour terminer la création de votre compte.")
    assert phone.get("/espace").h1 == "Identifiez-vous", "the link alone opens nothing (S39)"
    page = log_in(portal.another_browser(), contract.reference)
    assert page.path == "/espace"
    assert page.says("Bienvenue")
    mailbox.read()
    assert phone.get(mail.link, status=410).says("déjà activé")


def bare(page, lease):
    """Return the text of a page without the digits of its contract."""
    assert page.says(f"se termine par {lease.reference[-3:]}")
    return page.text.replace(lease.reference[-3:], "…")


@pytest.mark.every_home
def test_t13_existing_account_gets_the_same_page_and_its_owner_a_mail(portal, mailbox, a_contract, an_account):
    account = an_account(email="ancienne@free.fr")
    fresh = a_contract()
    new, old = portal.another_browser(), portal.another_browser()
    page_new = sign_up(new, fresh, email="x@free.fr", password=NEW_PASSWORD)
    page_old = sign_up(old, account.lease, email="x@free.fr", password=NEW_PASSWORD)
    mailbox.read(to="x@free.fr")
    assert bare(page_new, fresh) == bare(page_old, account.lease)
    on_file = mailbox.read(to="ancienne@free.fr")
    assert on_file.subject == "Vous avez déjà un compte locataire"
    assert len(on_file.links) >= 2, "login and reset"
    typed = mailbox.read(to="x@free.fr")
    assert "Ce contrat a déjà un compte" in typed.text
    assert "ancienne@free.fr" not in typed.text
    assert log_in(portal, account.lease.reference, account.password).path == "/espace", "the account is as it was"


def test_t15_newest_sign_up_wins_and_the_earlier_link_is_dead(portal, mailbox, a_contract):
    contract = a_contract()
    sign_up(portal, contract, email="premier@free.fr", password=NEW_PASSWORD)
    first = mailbox.read(to="premier@free.fr")
    second = portal.another_browser()
    page = sign_up(second, contract, email="second@free.fr")
    assert page.h1 == "Consultez vos e-mails"
    mail = mailbox.read(to="second@free.fr")
    assert portal.get(first.link, status=410).says("lien")
    assert finish(second, mail.link, contract.reference).path == "/espace"
    mailbox.read(to="second@free.fr")


def test_t15_the_earlier_browser_cannot_move_the_newer_sign_up(portal, mailbox, a_contract):
    contract = a_contract()
    sign_up(portal, contract, email="premier@free.fr", password=NEW_PASSWORD)
    sign_up(portal.another_browser(), contract, email="second@free.fr")
    mailbox.read_all()
    page = portal.get("/inscription/courriel")
    form = page.form("Modifier mon adresse").fill("Votre adresse mail", "voleur@free.fr")
    assert form.click("Modifier mon adresse").says("une inscription plus récente a remplacé celle-ci")
    assert portal.click("Renvoyer l'e-mail").says("Rien n'est parti")
    assert mailbox.read_all() == []


def test_t38_double_click_makes_one_sign_up_and_one_mail(portal, mailbox, a_contract):
    contract = a_contract()
    form = fill_sign_up(portal, contract)
    first = form.click("Je valide la création de mon compte")
    second = form.click("Je valide la création de mon compte")
    assert first.text == second.text
    assert finish(portal, mailbox.read().link, contract.reference).path == "/espace"
    mailbox.read()


def test_tenant_leaves_a_question_open_and_is_asked_for_an_answer(portal, a_contract):
    contract = a_contract()
    page = sign_up(portal, contract, e_notice="Oui", commercial="", general="Non")
    assert page.faults == ["Choisissez Oui ou Non pour les informations commerciales."]
    form = page.form("Je valide")
    assert [form.value(question) for question in QUESTIONS] == ["Oui", "", "Non"], "only what was chosen stays chosen"


def test_tenant_sends_an_empty_form_and_each_field_says_what_to_do(portal):
    portal.get("/inscription")
    page = portal.page.form("Je valide").click("Je valide la création de mon compte")
    assert len(page.faults) == 8
    assert page.faults[0] == "Saisissez votre référence contrat."


def test_t22_e_notice_without_direct_debit_is_noted_and_explained_after_login_only(portal, mailbox, a_contract):
    contract = a_contract(payment="Chèque")
    sentence = (
        "Votre choix est noté. Votre contrat n'est pas en prélèvement automatique :"
        " vos avis continuent d'arriver par courrier."
    )
    page = sign_up(portal, contract, e_notice="Oui", commercial="Oui", general="Non")
    assert not page.says(sentence), "before the login it would tell how a stranger pays"
    page = finish(portal, mailbox.read().link, contract.reference)
    assert page.says(sentence)
    welcome = mailbox.read()
    assert "vos avis continuent d'arriver par courrier" in plain(welcome.text)
