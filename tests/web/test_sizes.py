"""F18: what is too large is refused before it is read, and no worker grows."""

import io
import select
from collections.abc import Callable, Iterator

import pytest
from flask import Flask, request

from ..support.live import Live

pytestmark = pytest.mark.security

KIB, MIB = 1024, 1024 * 1024
FORM = "Content-Type: application/x-www-form-urlencoded"
MULTIPART = "Content-Type: multipart/form-data; boundary=X"
CHUNKED = "Transfer-Encoding: chunked"
FIELD = b'--X\r\nContent-Disposition: form-data; name="reference"\r\n\r\n'
MANY_FIELDS = b"&".join(b"field%d=1" % number for number in range(100_000))
#: A worker grows by threads and first pages.
GROWTH_KIB_MAX = 12 * KIB


def chunks(content: bytes, times: int) -> Iterator[bytes]:
    for _ in range(times):
        yield b"%x\r\n%s\r\n" % (len(content), content)
    yield b"0\r\n\r\n"


OVERSIZED: dict[str, Callable[[], tuple[list[str], Iterator[bytes]]]] = {
    "field of 64 MiB": lambda: ([FORM, f"Content-Length: {64 * MIB}"], iter([b"a" * MIB] * 64)),
    "field of 64 MiB in chunks": lambda: ([FORM, CHUNKED], chunks(b"a" * 64 * KIB, 1024)),
    "multipart of 64 MiB": lambda: ([MULTIPART, f"Content-Length: {64 * MIB}"], iter([FIELD, *[b"a" * MIB] * 64])),
    "multipart of 64 MiB in chunks": lambda: ([MULTIPART, CHUNKED], chunks(FIELD + b"a" * 64 * KIB, 1024)),
    "JSON of 64 MiB": lambda: (["Content-Type: application/json", CHUNKED], chunks(b"[" * 64 * KIB, 1024)),
    "100,000 fields": lambda: ([FORM, f"Content-Length: {len(MANY_FIELDS)}"], iter([MANY_FIELDS])),
    "100,000 fields in chunks": lambda: ([FORM, CHUNKED], chunks(MANY_FIELDS, 1)),
    "1 GiB announced": lambda: ([FORM, f"Content-Length: {1024 * MIB}"], iter([b"a"])),
    "one byte too much in chunks": lambda: ([FORM, CHUNKED], chunks(b"a" * (64 * KIB + 1), 1)),
}


def send(live: Live, headers: list[str], body: Iterator[bytes]) -> bytes:
    """Send a request as a browser does, until it is answered."""
    with live.connect() as connection:
        try:
            connection.sendall("\r\n".join(["POST /connexion HTTP/1.1", "Host: localhost", *headers, "", ""]).encode())
            for part in body:
                if select.select([connection], [], [], 0)[0]:
                    break
                connection.sendall(part)
        except OSError:  # hung up; its answer can still be read
            pass
        answer = b""
        try:
            while b"</html>" not in answer and (part := connection.recv(64 * KIB)):
                answer += part
        except ConnectionResetError:
            pass
        return answer


@pytest.mark.slow
@pytest.mark.parametrize("what", OVERSIZED)
def test_oversized_request_is_refused_and_no_worker_grows(live: Live, what: str) -> None:
    before = live.forget_peak()
    answer = send(live, *OVERSIZED[what]())
    assert answer.startswith(b"HTTP/1.1 413 "), answer[:1000]
    assert live.peak_kib() - before < GROWTH_KIB_MAX
    assert live.get("/connexion")[0] == 200
    assert "Traceback" not in live.said()


@pytest.mark.slow
@pytest.mark.parametrize("size", [65 * KIB, 1 * MIB])
def test_proxy_that_sends_all_before_it_reads_is_not_cut_off(live: Live, size: int) -> None:
    """nginx would report a fault of ours to the tenant."""
    head = ["POST /connexion HTTP/1.1", "Host: localhost", FORM, f"Content-Length: {size}", "", ""]
    with live.connect() as connection:
        connection.sendall("\r\n".join(head).encode() + b"a" * KIB)
        assert not select.select([connection], [], [], 0.5)[0], "the answer waits for the rest"
        for _ in range(KIB, size, KIB):
            connection.sendall(b"a" * KIB)
        assert connection.recv(64 * KIB).startswith(b"HTTP/1.1 413 ")


@pytest.mark.slow
def test_header_of_one_mebibyte_is_refused(live: Live) -> None:
    assert send(live, [f"X-A: {'a' * MIB}"], iter([])).startswith(b"HTTP/1.1 4")
    assert live.get("/connexion")[0] == 200
    assert "Traceback" not in live.said()


@pytest.mark.parametrize(("path", "most"), [("/connexion", 16 * KIB), ("/message", 64 * KIB)])
def test_form_without_its_length_is_taken_whole_or_not_at_all(app: Flask, path: str, most: int) -> None:
    for size, status in ((most - 1, 400), (most, 413), (most + KIB, 413)):
        answer = app.test_client().post(
            path,
            input_stream=io.BytesIO(b"a" * size),
            content_type="application/x-www-form-urlencoded",
            environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
        )
        assert answer.status_code == status


def test_form_is_as_long_as_its_page_needs_and_no_longer(app: Flask) -> None:
    for path, most in (("/connexion", 16 * KIB), ("/inscription", 16 * KIB), ("/message", 64 * KIB)):
        statuses = [app.test_client().post(path, data={"a": "x" * (most + more)}).status_code for more in (-KIB, KIB)]
        assert statuses == [400, 413], path


#: Below the limit, but slower to parse than a hash.
ODD = {
    "a field too many": (413, "application/x-www-form-urlencoded", b"a&" * 50),
    "4,000 fields": (413, "application/x-www-form-urlencoded", b"a&" * 4_000),
    "percent signs that are no UTF-8": (400, "application/x-www-form-urlencoded", b"a=" + b"%ff" * 2_500),
    "half a letter": (400, "application/x-www-form-urlencoded", b"a=%c3"),
    "percent signs alone": (400, "application/x-www-form-urlencoded", b"a=" + b"%" * 8_000),
    "a percent sign before no number": (400, "application/x-www-form-urlencoded", b"a=%4g"),
    "letters as they are": (400, "application/x-www-form-urlencoded", "a=é".encode()),
    "escapes of Python": (400, "application/x-www-form-urlencoded", rb"a=\u00e9"),
    "a file": (415, "multipart/form-data; boundary=X", FIELD + b"1\r\n--X--\r\n"),
    "80 parts": (415, "multipart/form-data; boundary=X", (FIELD + b"1\r\n") * 80 + b"--X--\r\n"),
}


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("path", ["/connexion", "/inscription/courriel/renvoi", "/deconnexion"])
def test_body_that_no_browser_makes_is_refused_before_it_is_taken_apart(app: Flask, what: str, path: str) -> None:
    status, kind, body = ODD[what]
    read: list[object] = []
    app.before_request_funcs.setdefault("portal", []).append(lambda: read.append(request.form))
    answer = app.test_client().post(path, data=body, content_type=kind)
    assert (answer.status_code, read) == (status, [])


def test_form_as_full_as_a_browser_makes_it_is_taken_apart(app: Flask) -> None:
    fields = {f"{number}": "é\\%+& ж😀" * 4 for number in range(49)}
    read: list[dict[str, str]] = []
    app.before_request_funcs.setdefault("portal", []).append(lambda: read.append(request.form.to_dict()))
    app.test_client().post("/connexion", data={**fields, "last": "x"})
    assert read == [{**fields, "last": "x"}]
