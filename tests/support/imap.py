"""A throw-away IMAP server: Debian's Dovecot with one mailbox, over TLS with a certificate of its own."""

import getpass
import imaplib
import shutil
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .certificates import certificate
from .services import START_SECONDS, free_port, listens, missing

USERNAME, PASSWORD = "retours", "retours-à-lire"
_CONFIGURATION = """
protocols = imap
base_dir = {home}/run
log_path = {home}/log
mail_location = maildir:{home}/mail
ssl = required
ssl_cert = <{home}/cert.pem
ssl_key = <{home}/key.pem
disable_plaintext_auth = yes
default_internal_user = {internal}
default_login_user = {login}
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={owner} gid={owner} home={home}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {port}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


@dataclass
class ImapServer:
    """A running server; `certificate` is what makes it trusted."""

    port: int
    certificate: Path

    @contextmanager
    def mailbox(self) -> Iterator[imaplib.IMAP4_SSL]:
        """Log in as the clerk does."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        with imaplib.IMAP4_SSL("localhost", self.port, ssl_context=context) as client:
            client.authenticate("PLAIN", lambda _: f"\0{USERNAME}\0{PASSWORD}".encode())
            yield client

    def deliver(self, *mails: bytes) -> None:
        with self.mailbox() as client:
            for mail in mails:
                assert client.append("INBOX", "", None, mail)[0] == "OK"  # type: ignore[arg-type]

    def count(self, folder: str, criterion: str = "ALL") -> int:
        """Return how many mails of a folder fit; none where there is no such folder."""
        with self.mailbox() as client:
            if client.select(f'"{folder}"', readonly=True)[0] != "OK":
                return 0
            return len(client.search(None, criterion)[1][0].split())


@contextmanager
def imap_server() -> Iterator[ImapServer]:
    """Start Dovecot."""
    program = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")
    if program is None:
        missing("Dovecot (Debian's package dovecot-imapd)")
    # Dovecot's processes refuse to be root's.
    me = getpass.getuser()
    users = {"internal": me, "login": me, "owner": me}
    if me == "root":
        users = {"internal": "dovecot", "login": "dovenull", "owner": "mail"}
    with tempfile.TemporaryDirectory(prefix="portal-imap-", ignore_cleanup_errors=True) as name:
        home, server = Path(name), ImapServer(free_port(), Path(name) / "cert.pem")
        certificate(home, "localhost")
        configuration = home / "dovecot.conf"
        configuration.write_text(_CONFIGURATION.format(home=home, port=server.port, password=PASSWORD, **users))
        if me == "root":
            shutil.chown(home, "mail", "mail")
        process = subprocess.Popen([str(program), "-F", "-c", str(configuration)])
        try:
            end = time.monotonic() + START_SECONDS
            while not listens(server.port):
                log = home / "log"
                assert process.poll() is None and time.monotonic() < end, log.read_text() if log.exists() else ""
                time.sleep(0.05)
            yield server
        finally:
            process.terminate()
            process.wait(START_SECONDS)
