"""Slips in the domain of a mail address (T06)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal.web import address_typos


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("prenom@gmial.com", "prenom@gmail.com"),
        ("prenom@gmai.com", "prenom@gmail.com"),
        ("prenom@gmail.con", "prenom@gmail.com"),
        ("prenom@GMAIL.CON", "prenom@gmail.com"),
        ("prenom@orange.f", "prenom@orange.fr"),
        ("prenom@ornage.fr", "prenom@orange.fr"),
        ("prenom@wandoo.fr", "prenom@wanadoo.fr"),
        ("prenom@laposte.ner", "prenom@laposte.net"),
        ("prenom@hotmial.fr", "prenom@hotmail.fr"),
        ("prenom@otlook.fr", "prenom@outlook.fr"),
        ("prenom@yaho.fr", "prenom@yahoo.fr"),
        ("Jean.Dupont+loyer@orang.fr", "Jean.Dupont+loyer@orange.fr"),
        (" prenom@fre.fr ", "prenom@free.fr"),
        ("x@gmail.fr", "x@gmail.com"),
        ("x@gmail.be", "x@gmail.com"),
        ("x@gmail.co.uk", "x@gmail.com"),
        ("x@icloud.fr", "x@icloud.com"),
        ("x@msn.fr", "x@msn.com"),
        ("x@protonmail.fr", "x@protonmail.com"),
        ("x@sfr.f", "x@sfr.fr"),
        ("x@srf.fr", "x@sfr.fr"),
        ("x@aol.co", "x@aol.com"),
    ],
)
def test_t06_a_slip_in_a_common_domain_is_noticed(typed: str, meant: str) -> None:
    assert address_typos.suggested_address(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "prenom@gmail.com",
        "prenom@Orange.fr",
        "prenom@free.fr",
        "prenom@sfr.fr",
        "prenom@habitat-du-val.example",
        "prenom@mairie-angers.fr",
        "prenom@gmx.de",
        "prenom",
        "@gmial.com",
        "prenom@",
        "@",
        "",
    ],
)
def test_t06_an_address_without_slip_gets_no_proposal(typed: str) -> None:
    assert address_typos.suggested_address(typed) is None


#: Providers, and employers with short names.
REAL = """
ymail.com mail.com email.com rocketmail.com googlemail.com mac.com live.com pm.me protonmail.ch mailo.com mailo.fr
hotmail.be hotmail.ch hotmail.de hotmail.es hotmail.it hotmail.co.uk hotmail.gr hotmail.nl hotmail.ca hotmail.se
yahoo.be yahoo.ca yahoo.ch yahoo.de yahoo.es yahoo.it yahoo.co.uk yahoo.gr yahoo.ro yahoo.com.br yahoo.in yahoo.ie
outlook.be outlook.de outlook.es outlook.it outlook.pt outlook.ie outlook.dk live.be live.nl live.it live.ca live.gr
live.co.uk live.de live.se gmx.de gmx.net gmx.com gmx.at gmx.ch gmx.es aol.fr aol.de aol.it aol.co.uk me.com
web.de t-online.de freenet.de libero.it alice.it tiscali.it tiscali.fr virgilio.it telenet.be skynet.be proximus.be
voo.be bluewin.ch swissonline.ch sunrise.ch posteo.de posteo.net mailbox.org tutanota.com tuta.io tuta.com
fastmail.com fastmail.fm hushmail.com zoho.com zoho.eu yandex.com yandex.ru mail.ru inbox.ru bk.ru list.ru qq.com
163.com 126.com naver.com daum.net free.fr freesbee.fr aliceadsl.fr alice.fr dbmail.com laposte.net laposte.fr
orange.com orange-ftgroup.com neuf.fr 9online.fr 9business.fr noos.fr numericable.com evhr.net estvideo.fr
vialis.net cario.fr club.fr infonie.fr voila.fr caramail.com lycos.fr ifrance.com francite.com
nordnet.fr bouyguestelecom.fr riseup.net disroot.org ecomail.fr mel.fr netcourrier.com wanadoo.fr
ms.com ge.com aon.com man.com bbc.com
cloud.com gandi.net ovh.net ovh.com ac-nantes.fr interieur.gouv.fr
"""


@pytest.mark.parametrize("domain", REAL.split())
def test_t06_a_domain_that_exists_is_not_corrected(domain: str) -> None:
    assert address_typos.suggested_address(f"x@{domain}") is None


def test_t06_no_common_domain_is_taken_for_another() -> None:
    taken = [domain for domain in address_typos.MAIL_DOMAINS if address_typos.suggested_address(f"prenom@{domain}")]
    assert not taken


@given(st.text() | st.emails())
def test_no_address_upsets_the_typo_helper(typed: str) -> None:
    meant = address_typos.suggested_address(typed)
    assert meant is None or (meant.partition("@")[0] and address_typos.suggested_address(meant) is None)
