"""F17: whoever sends byte by byte holds up nobody else, on each server that we ship."""

import socket

import pytest

from ..support.live import Live

pytestmark = [pytest.mark.security, pytest.mark.slow]

#: More than the former number of threads.
SLOW = 100
#: What is sent at once, and the rest byte by byte.
HEAD = b"POST /connexion HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
REQUESTS = {
    "headers": (HEAD[:30], HEAD[30:60]),
    "body": (HEAD + b"Content-Length: 400\r\n\r\nreference=", b"1" * 30),
    "nothing yet": (b"", HEAD[:30]),
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_good_requests_are_answered_while_slow_ones_are_open(live: Live, kind: str) -> None:
    at_once, rest = REQUESTS[kind]
    slow = [live.connect() for _ in range(SLOW)]
    try:
        for connection in slow:
            connection.sendall(at_once)
        for number in range(5):
            for connection in slow:
                connection.sendall(rest[number : number + 1])
            assert live.get("/connexion")[0] == 200
            assert live.get("/inscription")[0] == 200
        assert all(is_open(connection) for connection in slow)
    finally:
        for connection in slow:
            connection.close()
    assert "Traceback" not in live.said()


def test_slow_visitor_is_answered_when_his_form_is_there(live: Live) -> None:
    with live.connect() as connection:
        for byte in HEAD + b"Content-Length: 11\r\n\r\nreference=1":
            connection.sendall(bytes([byte]))
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        connection.recv(1)
    except BlockingIOError:
        return True
    return False
