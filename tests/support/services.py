"""Throw-away PostgreSQL and Redis servers from the system's packages; a missing one skips, or fails where CI=true."""

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
from redis import Redis

START_SECONDS = 20
#: Bytes that a file system in memory must have left for the databases of a whole run.
MEMORY_MIN = 4 * 2**30
#: A machine that fails would cost these databases, which nobody would miss; a server that is killed costs nothing.
#: Without vacuum nothing but a test takes a transaction number.
UNSAFE = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "max_connections": "200"}


def missing(what: str) -> None:
    """Skip the test for lack of a part of the machine; with CI=true nothing is skipped."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")


class Postgres:
    """A running cluster; each test asks for a database of its own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._numbers = itertools.count(1)

    def new_database(self, *, like: str = "") -> str:
        """Create a database, empty or a copy of the one at that address, and return its address."""
        name, template = f"portal_{next(self._numbers)}", f" TEMPLATE {_name_of(like)}" if like else ""
        self._execute(f"CREATE DATABASE {name}{template} STRATEGY FILE_COPY")
        return self._address(name, "postgresql+psycopg")

    def copy(self, source: str, target: str) -> None:
        """Make one database what another is, both by their addresses; nobody may be connected to that other one."""
        self.drop(target)
        self._execute(f"CREATE DATABASE {_name_of(target)} TEMPLATE {_name_of(source)} STRATEGY FILE_COPY")

    def drop(self, address: str) -> None:
        """Take a database away, whoever is still connected to it."""
        self._execute(f"DROP DATABASE IF EXISTS {_name_of(address)} WITH (FORCE)")

    @contextmanager
    def shut(self, address: str) -> Iterator[None]:
        """Let nobody into a database for a while, and put out whoever is in it."""
        name = _name_of(address)
        self._execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        self._execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608 (ours)
        yield
        self._execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    def is_up(self) -> bool:
        """Tell whether the cluster answers."""
        try:
            psycopg.connect(self._address("postgres", "postgresql"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._address("postgres", "postgresql"), autocommit=True) as connection:
            connection.execute(statement)

    def _address(self, name: str, scheme: str) -> str:
        return f"{scheme}://postgres@127.0.0.1:{self.port}/{name}"


def _name_of(address: str) -> str:
    return address.rpartition("/")[2]


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """Start PostgreSQL in a folder of its own; as root it runs as the user postgres, which it insists on."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    program = shutil.which("initdb") or (str(programs[-1] / "initdb") if programs else None)
    if program is None:
        missing("PostgreSQL (Debian's package postgresql)")
    owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="portal-postgres-", dir=in_memory(), ignore_cleanup_errors=True) as home:
        data, server = Path(home) / "data", Postgres(free_port())
        if owner is not None:
            os.chown(home, owner.pw_uid, owner.pw_gid)
        as_owner = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner is not None else {}
        subprocess.run(
            [str(program), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8"],
            check=True,
            capture_output=True,
            cwd=home,
            **as_owner,  # type: ignore[call-overload]
        )
        options = {"listen_addresses": "127.0.0.1", "port": server.port, "unix_socket_directories": "", **UNSAFE}
        flags = [f"--{name}={value}" for name, value in options.items()]
        with (folder / "postgres.log").open("wb") as log:
            process = subprocess.Popen(
                [str(Path(str(program)).parent / "postgres"), "-D", data, *flags],
                stdout=log,
                stderr=log,
                cwd=home,
                **as_owner,  # type: ignore[call-overload]
            )
        with _running(process, server, log_of=folder / "postgres.log"):
            yield server


def in_memory() -> Path | None:
    """Return a file system in memory that has room: a database for each test is mostly files to make and to sync."""
    memory = Path("/dev/shm")  # noqa: S108 (the folders in it get names of their own)
    if not memory.is_dir() or shutil.disk_usage(memory).free < MEMORY_MIN:
        return None
    return None if os.statvfs(memory).f_flag & os.ST_NOEXEC else memory  # the wheel is tried from there


@contextmanager
def redis(folder: Path, port: int | None = None) -> "Iterator[RedisServer]":
    """Start Redis without persistence, at a port of its own or where one has been before."""
    program = shutil.which("redis-server")
    if program is None:
        missing("Redis (Debian's package redis-server)")
    port = port or free_port()
    log = folder / "redis.log"
    process = subprocess.Popen(
        [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder, "--logfile", log],
        cwd=folder,
    )
    server = RedisServer(port, process)
    with _running(process, server, log_of=log):
        yield server


class RedisServer:
    """A running Redis."""

    def __init__(self, port: int, process: "subprocess.Popen[bytes]") -> None:
        self.port, self.address = port, f"redis://127.0.0.1:{port}/0"
        self.process = process

    def empty(self) -> None:
        """Forget everything."""
        with Redis(port=self.port) as client:
            client.flushall()

    def age(self, seconds: float) -> None:
        """Let everything that it keeps be so much older: what a test's clock does to the portal alone."""
        with Redis(port=self.port) as client:
            for key in client.scan_iter():
                client.pexpire(key, client.pttl(key) - int(seconds * 1000))

    def is_up(self) -> bool:
        """Tell whether Redis answers."""
        if not listens(self.port):
            return False
        with Redis(port=self.port) as client:
            return bool(client.ping())


Server = TypeVar("Server", Postgres, RedisServer)


@contextmanager
def _running(process: "subprocess.Popen[bytes]", server: Server, *, log_of: Path) -> Iterator[Server]:
    """Wait until the server answers, and end it afterwards."""
    try:
        end = time.monotonic() + START_SECONDS
        while not server.is_up():
            assert process.poll() is None and time.monotonic() < end, log_of.read_text(errors="replace")
            time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def listens(port: int) -> bool:
    """Tell whether somebody listens at a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
