"""Names and passwords with accents hold up no mail: they are put right, or refused at the start."""

from collections.abc import Callable
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from flask import Flask

from tenant_portal.db import begin_write, db
from tenant_portal.errors import ConfigError
from tenant_portal.mail import outbox
from tests.support.services import free_port

MakeApp = Callable[..., Flask]
CONTENT = {"digits": "456", "link": "https://a.example", "until": "2026-11-25T17:30:00+00:00"}


class Server:
    """A mail server that asks for a password."""

    def __init__(self) -> None:
        self.greeted, self.known, self.count = "", b"", 0

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        self.greeted, self.known = session.host_name, data.password
        return AuthResult(success=True)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        self.count += 1
        return "250 OK"


@pytest.fixture
def server() -> Any:
    made = Server()
    controller = Controller(
        made, hostname="127.0.0.1", port=free_port(), authenticator=made.authenticate, auth_require_tls=False
    )
    controller.start()
    yield made, controller.port
    controller.stop()


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("password", ["clé d'été", "plain", "пароль"])
def test_mail_leaves_although_password_and_public_address_have_accents(
    make_app: MakeApp, server: Any, password: str
) -> None:
    made, port = server
    app = make_app(
        PORTAL_PUBLIC_URL="https://espace.société.fr",
        MAIL_PORT=port,
        MAIL_USERNAME="hélène",
        MAIL_PASSWORD=password,
    )
    with app.app_context():
        begin_write()
        outbox.put("reset", "a@b.example", content=CONTENT)
        db.session.commit()
        assert outbox.deliver_due(now=True).sent == 1
    assert made.count == 1 and made.known == password.encode()
    assert made.greeted == "espace.xn--socit-esab.fr"


def test_portal_answers_at_the_ascii_name_of_its_address(make_app: MakeApp) -> None:
    app = make_app(PORTAL_PUBLIC_URL="https://Espace.SOCIÉTÉ.fr:8443/locataires")
    assert app.extensions["portal"].settings.public_url == "https://espace.xn--socit-esab.fr:8443/locataires"
    for host, status in (("espace.xn--socit-esab.fr:8443", 200), ("espace.societe.fr", 400)):
        answer = app.test_client().get("/connexion", base_url=f"https://{host}")
        assert answer.status_code == status


@pytest.mark.parametrize(
    "setting",
    [
        {"PORTAL_LANDLORD_EMAIL": "hélène@habitat.fr"},
        {"PORTAL_LANDLORD_EMAIL": "contact@i❤.ws"},
        {"MAIL_SERVER": "smtp.i❤.ws"},
        {"PORTAL_PUBLIC_URL": "https://i❤.ws"},
    ],
    ids=str,
)
def test_name_that_no_server_takes_is_refused_at_the_start(make_app: MakeApp, setting: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=next(iter(setting))):
        make_app(**setting)
