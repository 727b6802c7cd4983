"""Running portals: in a thread, in a Python process, and on the servers that we ship."""

import http.client
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.serving import make_server

from tests.support.paths import ROOT

from .services import free_port

START_SECONDS = 60
#: Longest silence of a server.
ANSWER_SECONDS = 60
Process = subprocess.Popen[str]
COMMANDS = {
    "granian": ["sh", "deploy/granian.sh", "--port", "{port}"],
    "gunicorn": ["gunicorn", "--bind", "127.0.0.1:{port}", "wsgi:app"],
}


def start_python(folder: Path, *arguments: str, env: Mapping[str, str] | None = None, **more: Any) -> Process:
    """Start Python in a folder, with the portal on its path and warnings as errors."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **(env or {})}
    return subprocess.Popen([sys.executable, "-W", "error", *arguments], cwd=folder, env=environment, text=True, **more)


def run_python(folder: Path, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    with start_python(folder, *arguments, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        told = process.communicate(timeout=START_SECONDS)
    return subprocess.CompletedProcess(arguments, process.returncode, *told)


def serve_app(app: Flask, address: str) -> Iterator[str]:
    """Serve an application from a thread until the test ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", int(address.rpartition(":")[2]), app, threaded=True)
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield address
    server.shutdown()
    thread.join()
    server.server_close()


class Live:
    """A running server."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, console: Path) -> None:
        self.process, self.port, self.console = process, port, console

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), ANSWER_SECONDS)

    def get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def peak_kib(self) -> int:
        """Return the peak of memory since `forget_peak`, in KiB."""
        return sum(_status(pid, "VmHWM") for pid in self._pids())

    def forget_peak(self) -> int:
        """Measure the peak from now on; return what is held now, in KiB."""
        for pid in self._pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5")
        return sum(_status(pid, "VmRSS") for pid in self._pids())

    def said(self) -> str:
        """Return its console."""
        return self.console.read_text(errors="replace")

    def _pids(self) -> list[int]:
        found = [self.process.pid]
        for pid in found:
            found += [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return found


@contextmanager
def serve(command: list[str], folder: Path, settings: Mapping[str, Any]) -> Iterator[Live]:
    """Start a server, wait until it answers, and end it afterwards."""
    port, console = free_port(), folder / "console.txt"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("FLASK_")},
        **{f"FLASK_{name}": json.dumps(value) for name, value in settings.items()},
        "PYTHON_DOTENV_DISABLED": "1",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    with console.open("wb") as out:
        process = subprocess.Popen(
            [word.format(port=port) for word in command],
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    live = Live(process, port, console)
    try:
        end = time.monotonic() + START_SECONDS
        while not _answers(live):
            assert process.poll() is None and time.monotonic() < end, live.said()
            time.sleep(0.1)
        yield live
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(ANSWER_SECONDS)
        except subprocess.TimeoutExpired:  # it waits for open connections
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _answers(live: Live) -> bool:
    try:
        return live.get("/connexion")[0] == 200
    except OSError:
        return False


def _status(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
