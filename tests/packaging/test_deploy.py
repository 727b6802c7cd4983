"""The files of `deploy/`: systemd takes the units, and a journey goes through nginx over HTTPS."""

import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tenant_portal import create_app

from ..conftest import SETTINGS, close
from ..support.far import far_portal
from ..support.live import COMMANDS, ROOT, Live, serve
from ..support.people import Roster, Tenant, open_account
from ..support.portal_client import Portal
from ..support.post import Mailbox, PostOffice
from ..support.services import START_SECONDS, free_port, listens, missing
from ..support.steps import log_in

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]

DEPLOY = ROOT / "deploy"
NAME = "espace.bailleur.example"
ADDRESS = f"https://{NAME}"


def tool(name: str, package: str) -> str:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin") or missing(f"{name} ({package})") or ""


def test_systemd_takes_every_unit_and_finds_it_well_shut_in(tmp_path: Path) -> None:
    program = tool("systemd-analyze", "Debian's package systemd")
    folder = tmp_path / "srv"
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / "instance").mkdir()
    (folder / ".venv/bin/flask").symlink_to("/bin/true")  # systemd wants a program that exists
    (folder / "deploy").symlink_to(DEPLOY)
    units = [path for path in sorted(DEPLOY.iterdir()) if path.suffix in {".service", ".timer"}]
    assert len(units) == 8
    for unit in units:
        (tmp_path / unit.name).write_text(unit.read_text().replace("/srv/portal", str(folder)))
    copies = [str(tmp_path / unit.name) for unit in units]
    checked = subprocess.run([program, "verify", *copies], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")
    for copy in copies:
        if copy.endswith(".service"):
            shut = [program, "security", "--offline=true", "--threshold=20", "--no-pager", copy]
            judged = subprocess.run(shut, capture_output=True, text=True)
            assert judged.returncode == 0, judged.stdout


def test_threads_that_hash_may_let_pages_go_first() -> None:
    program = tool("systemd-analyze", "Debian's package systemd")

    def calls(name: str) -> set[str]:
        if not name.startswith("@"):
            return {name}
        asked = [program, "--no-pager", "syscall-filter", name]
        lines = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()[1:]
        names = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
        return {call for name in names for call in calls(name)}

    allowed = set[str]()
    for sign, names in re.findall("^SystemCallFilter=(~?)(.+)$", (DEPLOY / "portal.service").read_text(), re.MULTILINE):
        named = {call for name in names.split() for call in calls(name)}
        allowed = allowed - named if sign else allowed | named
    assert {"sched_setscheduler", "setpriority", "futex"} <= allowed
    assert not {"setrlimit", "sched_setaffinity", "mount", "chown"} & allowed


def test_commands_of_the_units_are_commands_of_the_portal(app: Flask) -> None:
    for unit in DEPLOY.glob("*.service"):
        for line in re.findall(r"flask --app wsgi (portal [a-z ]+[a-z])", unit.read_text()):
            asked = app.test_cli_runner().invoke(args=[*line.split(), "--help"])
            assert asked.exit_code == 0, f"{unit.name}: {asked.output}"


class Front:
    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.plain_port = folder, free_port(), free_port()
        self.certificate = folder / "fullchain.pem"

    def connect(self, **options: Any) -> http.client.HTTPConnection:
        """Return a TLS connection that checks the certificate."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        for name, value in options.items():
            setattr(context, name, value)
        line = socket.create_connection(("127.0.0.1", self.port), START_SECONDS)
        try:
            secure = context.wrap_socket(line, server_hostname=NAME)
        except OSError:
            line.close()
            raise
        connection = http.client.HTTPSConnection(NAME, self.port)
        connection.sock = secure
        return connection

    def ask(self, method: str, path: str, **more: Any) -> tuple[int, "http.client.HTTPMessage", bytes]:
        connection = self.connect()
        try:
            connection.request(method, path, **more)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def log(self) -> str:
        return (self.folder / "access.log").read_text()


@contextmanager
def nginx(folder: Path, upstream: int, *, changes: Mapping[str, str] | None = None) -> Iterator[Front]:
    """Start nginx with the file that we ship; ports, folders and certificate are ours.

    `changes` shorten what a test would wait for.
    """
    program, openssl = tool("nginx", "Debian's package nginx"), tool("openssl", "Debian's package openssl")
    front = Front(folder)
    subject = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-days", "2"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", folder / "privkey.pem"]
    subprocess.run(
        [openssl, "req", "-x509", *key, *subject, "-out", front.certificate], check=True, capture_output=True
    )
    site = (DEPLOY / "nginx.conf").read_text()
    for shipped, ours in {
        "    listen [::]:80;\n": "",
        "    listen [::]:443 ssl http2;\n": "",
        "listen 80;": f"listen 127.0.0.1:{front.plain_port};",
        "listen 443 ssl": f"listen 127.0.0.1:{front.port} ssl",
        "server 127.0.0.1:8000;": f"server 127.0.0.1:{upstream};",
        "/var/log/nginx/portal.log": f"{folder}/access.log",
        "/var/log/nginx/portal-error.log": f"{folder}/portal-error.log",
        f"/etc/letsencrypt/live/{NAME}": str(folder),
        "/srv/portal/deploy": str(folder),
    }.items():
        assert shipped in site, shipped
        site = site.replace(shipped, ours)
    shutil.copy(DEPLOY / "arret.html", folder)
    for former, latter in (changes or {}).items():
        assert former in site, former
        site = site.replace(former, latter)
    whole = folder / "nginx.conf"
    kept = "".join(f"{kind}_temp_path {folder};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    whole.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ include /etc/nginx/mime.types; {kept}\n{site}}}\n"
    )
    for path in [folder, *folder.parents]:  # nginx's workers drop root
        if path.stat().st_uid == 0 and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o011)
    command = [program, "-p", str(folder), "-c", str(whole), "-e", str(folder / "error.log")]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert tested.returncode == 0 and "warn" not in tested.stderr, tested.stderr
    process = subprocess.Popen(command)
    try:
        end = time.monotonic() + START_SECONDS
        while not listens(front.port):
            assert process.poll() is None and time.monotonic() < end, (folder / "error.log").read_text()
            time.sleep(0.05)
        yield front
    finally:
        process.terminate()
        process.wait(START_SECONDS)


@pytest.fixture
def place(database: Callable[[], str], post_office: PostOffice, tmp_path: Path) -> dict[str, Any]:
    """Return the settings of a portal behind nginx."""
    post_office.empty()
    return {
        **SETTINGS,
        "TESTING": False,
        "MAIL_PORT": post_office.port,
        "PORTAL_PUBLIC_URL": ADDRESS,
        "PORTAL_PROXY_HOPS": 1,
        "PORTAL_DATA_DIR": str(tmp_path / "data"),
        "PORTAL_METRICS_TOKEN": "a-token-for-prometheus",
        "SQLALCHEMY_DATABASE_URI": database(),
    }


@pytest.fixture
def app(place: dict[str, Any]) -> Iterator[Flask]:
    """Return the portal in the staff's terminal."""
    app = create_app(place)
    yield app
    close(app)


@pytest.fixture
def server(place: dict[str, Any], app: Flask, tmp_path: Path) -> Iterator[Live]:
    with serve(COMMANDS["granian"], tmp_path, place) as live:
        yield live


@pytest.fixture
def front(server: Live, tmp_path: Path) -> Iterator[Front]:
    folder = tmp_path / "nginx"
    folder.mkdir()
    with nginx(folder, server.port) as running:
        yield running


def test_tenant_takes_the_twelve_steps_through_nginx_over_https(
    app: Flask, server: Live, front: Front, mailbox: Mailbox, tmp_path: Path
) -> None:
    tenant: Tenant = open_account(far_portal(front.connect, address=ADDRESS), mailbox, Roster(app, tmp_path).add())
    browser: Portal = far_portal(front.connect, address=ADDRESS)
    page = log_in(browser, tenant.lease.reference, tenant.password, remember=True)
    assert page.path == "/espace" and page.url.startswith(ADDRESS), "every address that it was led to is the public one"
    cookies = {cookie.key: cookie for cookie in browser.http._cookies.values()}
    assert {"__Host-portal_session", "__Host-portal_remember", "__Host-portal_device"} <= set(cookies)
    for name, cookie in cookies.items():
        assert name.startswith("__Host-") and cookie.secure and cookie.http_only and cookie.path == "/", name
    assert page.response.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
    number = page.response.headers["X-Request-ID"]
    assert re.search(rf"^\S+ {number} 127\.0\.0\.1 GET /espace 200 ", front.log(), re.M)
    logged_in = re.search(r"logged_in .*request=([0-9a-f]{32}) page=POST \S+ origin=127\.0\.0\.0/24", server.said())
    assert logged_in and logged_in[1] in front.log(), "one number for a request, in both logs"
    assert re.search(r"GET /activation/\.\.\. 30\d ", front.log()) and not re.search(r"/[\w.-]{24,}", front.log())


def test_stranger_gets_nothing_by_headers_of_his_own_or_by_a_large_body(front: Front, server: Live) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    status, headers, text = front.ask("GET", "/espace", headers={**forged, "X-Request-ID": "of-a-stranger"})
    assert status == 302 and not [v for v in headers.values() if "evil" in v or v.startswith("http:")]
    front.ask("GET", "/nulle-part", headers=forged)
    assert "203.0.113" not in server.said() and "of-a-stranger" not in server.said() + front.log()
    for size in (100_000, 5_000_000):
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(size), "Expect": "x"}
        status, headers, text = front.ask("POST", "/connexion", headers={**kind, "Expect": ""}, body=b"a" * size)
        assert status == 413, size
        assert ("trop" in text.decode()) is (size < 1_000_000), "the portal's page as far as its own limit goes"
    assert front.ask("GET", "/metrics", headers={"Authorization": "Bearer a-token-for-prometheus"})[0] == 404
    for old in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        with pytest.warns(DeprecationWarning), pytest.raises(ssl.SSLError):
            front.connect(maximum_version=old, minimum_version=ssl.TLSVersion.TLSv1)


def test_plain_http_leads_to_https_at_the_name_of_the_portal(front: Front) -> None:
    line = http.client.HTTPConnection("127.0.0.1", front.plain_port, timeout=START_SECONDS)
    line.request("GET", "/aide?x=1", headers={"Host": "evil.example"})
    answer = line.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"{ADDRESS}/aide?x=1")
    line.close()


def test_sheets_and_scripts_are_sent_packed_and_pages_are_not(front: Front) -> None:
    packed = {"Accept-Encoding": "gzip"}
    _, headers, text = front.ask("GET", "/connexion", headers=packed)
    assert "Content-Encoding" not in headers
    for asset in re.findall(r'(?:href|src)="(/assets/[^"]+\.(?:css|js)[^"]*)"', text.decode()):
        _, headers, _ = front.ask("GET", asset.replace("&amp;", "&"), headers=packed)
        assert headers["Content-Encoding"] == "gzip" and "immutable" in headers["Cache-Control"], asset


def test_visitor_is_told_kindly_that_the_portal_is_stopped(tmp_path: Path) -> None:
    with nginx(tmp_path, free_port()) as front:
        status, headers, text = front.ask("GET", "/connexion")
    assert status == 502 and "Notre service est arrêté pour un moment" in text.decode()
    assert headers["Retry-After"] == "60" and "max-age" in headers["Strict-Transport-Security"]


# X21: a link opens an account, so no log may hold it

LINK = "Ik1hcnRpbiI.aXTb2g.V0ljZUEtdG9rZW4tb2YtYS1tYWls"
TOKEN_PATH = f"/activation/{LINK}"


def logs(folder: Path) -> dict[str, str]:
    """Return nginx's logs by name."""
    return {path.name: path.read_text(errors="replace") for path in folder.rglob("*") if path.suffix == ".log"}


def without_link(folder: Path) -> str:
    """Return the access log, once no log holds the link."""
    found = logs(folder)
    assert {"access.log", "error.log", "portal-error.log"} <= set(found)
    assert not [name for name, text in found.items() if LINK in text], found
    assert re.search(r" GET /activation/\.\.\. ", found["access.log"]), "what was asked for is seen all the same"
    return found["access.log"]


@contextmanager
def listener(act: Callable[[socket.socket], None]) -> Iterator[int]:
    """Listen in the portal's place, and do something with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept, end = [], threading.Event()

        def take() -> None:
            while not end.is_set():
                line, _ = server.accept()
                kept.append(line)
                if not end.is_set():
                    act(line)

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            end.set()
            socket.create_connection(server.getsockname()).close()
            thread.join()
            for line in kept:
                line.close()


def reset(line: socket.socket) -> None:
    """Reset the connection."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()


def talk_nonsense(line: socket.socket) -> None:
    """Answer with a broken header."""
    line.recv(65536)
    line.sendall(b"HTTP/1.1 200 OK\r\nContent\x00Length: 1\r\n\r\n")
    line.close()


def break_off(line: socket.socket) -> None:
    """Hang up in the middle of an answer."""
    line.recv(65536)
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nBonjour")
    reset(line)


def ask_with_the_link(front: Front) -> list[int]:
    """Open the link and its style sheet; return the statuses."""
    statuses = []
    for path, headers in ((TOKEN_PATH, {}), ("/assets/a/portal.css", {"Referer": ADDRESS + TOKEN_PATH})):
        try:
            statuses.append(front.ask("GET", path, headers=headers)[0])
        except (http.client.HTTPException, OSError):
            statuses.append(0)
    return statuses


@pytest.mark.parametrize("trouble", ["down", "silent", "reset", "nonsense", "broken off"])
def test_x21_link_stands_in_no_log_while_the_portal_is_in_trouble(tmp_path: Path, trouble: str) -> None:
    acts = {"silent": lambda line: None, "reset": reset, "nonsense": talk_nonsense, "broken off": break_off}
    changes = {"proxy_read_timeout 60s;": "proxy_read_timeout 1s;"}
    with ExitStack() as stack:
        upstream = free_port() if trouble == "down" else stack.enter_context(listener(acts[trouble]))
        front = stack.enter_context(nginx(tmp_path, upstream, changes=changes))
        statuses = ask_with_the_link(front)
        front.ask("GET", "/metrics", headers={"Referer": ADDRESS + TOKEN_PATH})
    told = without_link(tmp_path)
    if trouble == "broken off":
        assert f"127.0.0.1:{upstream} 200 " in told
    else:
        status = 504 if trouble == "silent" else 502
        assert statuses == [status, status]
        assert len(re.findall(rf" {status} \d+ .* 127\.0\.0\.1:{upstream} {status} ", told)) == 2, "the cause is seen"


def test_x21_link_stands_in_no_log_when_nginx_refuses(tmp_path: Path) -> None:
    changes = {"rate=20r/s": "rate=1r/m", "burst=100": "burst=1"}
    with listener(reset) as upstream, nginx(tmp_path, upstream, changes=changes) as front:
        assert 429 in [ask_with_the_link(front)[0] for _ in range(5)]
    without_link(tmp_path)


def test_x21_link_stands_in_no_log_when_there_are_too_many_connections(tmp_path: Path) -> None:
    changes = {"limit_conn portal_connections 50;": "limit_conn portal_connections 1;"}
    with listener(lambda line: None) as upstream, nginx(tmp_path, upstream, changes=changes) as front:
        waiting = front.connect()
        waiting.request("GET", TOKEN_PATH)
        while not re.search(r"^\S+ \S+ \S+ GET /activation/\.\.\. 429 ", front.log(), re.M):
            front.ask("GET", TOKEN_PATH)
        waiting.close()
    without_link(tmp_path)


def test_x21_link_stands_in_no_log_when_a_request_is_odd_or_a_file_is_missing(tmp_path: Path) -> None:
    big = {"Content-Type": "text/plain", "Content-Length": "5000000"}
    with nginx(tmp_path, free_port()) as front:
        (tmp_path / "arret.html").unlink()
        assert ask_with_the_link(front)[0] >= 404
        assert front.ask("POST", TOKEN_PATH, headers=big)[0] == 413
        for request in (
            f"GET {TOKEN_PATH} HTTP/1.1\r\nHost: {NAME}\r\nBad Header\x00: 1\r\n\r\n",
            f"GET {TOKEN_PATH} HTTP/1.1\r\nHost: {NAME}\r\nHost: b\r\n\r\n",
            f"GET {TOKEN_PATH}{'a' * 20_000} HTTP/1.1\r\nHost: {NAME}\r\n\r\n",
            f"GET {TOKEN_PATH} HTTP/9.9\r\nHost: {NAME}\r\n\r\n",
            f"GET {TOKEN_PATH} HTTP/1.1\r\nHost: {NAME}\r\nX: {'a' * 40_000}\r\n\r\n",
        ):
            connection = front.connect()
            with suppress(OSError):
                connection.sock.sendall(request.encode())
                connection.sock.recv(1000)
            connection.close()
        plain = http.client.HTTPConnection("127.0.0.1", front.plain_port, timeout=START_SECONDS)
        plain.request("GET", TOKEN_PATH)
        assert plain.getresponse().status == 301
        plain.close()
    without_link(tmp_path)


def test_x21_fault_of_nginx_itself_is_still_told(tmp_path: Path) -> None:
    with nginx(tmp_path, free_port()) as front:
        assert front.ask("GET", "/connexion")[0] == 502
        master = (tmp_path / "nginx.pid").read_text().strip()
        (worker, *_) = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        os.kill(int(worker), signal.SIGKILL)
        end = time.monotonic() + START_SECONDS
        while f"worker process {worker} exited on signal 9" not in logs(tmp_path)["error.log"]:
            assert time.monotonic() < end, logs(tmp_path)
            time.sleep(0.05)
