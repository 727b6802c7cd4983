"""Throw-away PostgreSQL and Redis from the system's packages; a missing one skips, or fails where CI=true."""

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
#: Bytes that memory must have free for the databases of a run.
MEMORY_MIN = 4 * 2**30
#: Losing these databases with the machine costs nothing.
#: Without vacuum only tests take transaction numbers.
UNSAFE = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "max_connections": "200"}


def missing(what: str) -> None:
    """Skip the test, or fail it with CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")


class Postgres:
    """A running cluster."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._numbers = itertools.count(1)

    def new_database(self, *, like: str = "") -> str:
        """Create a database, empty or a copy, and return its address."""
        name, template = f"portal_{next(self._numbers)}", f" TEMPLATE {_name_of(like)}" if like else ""
        self._execute(f"CREATE DATABASE {name}{template} STRATEGY FILE_COPY")
        return self._address(name, "postgresql+psycopg")

    def copy(self, source: str, target: str) -> None:
        """Make one database a copy of another, to which nobody may be connected."""
        self.drop(target)
        self._execute(f"CREATE DATABASE {_name_of(target)} TEMPLATE {_name_of(source)} STRATEGY FILE_COPY")

    def drop(self, address: str) -> None:
        """Drop a database, whoever is connected."""
        self._execute(f"DROP DATABASE IF EXISTS {_name_of(address)} WITH (FORCE)")

    @contextmanager
    def shut(self, address: str) -> Iterator[None]:
        """Put everybody out of a database for a while."""
        name = _name_of(address)
        self._execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        self._execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608 (ours)
        yield
        self._execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    def is_up(self) -> bool:
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
    """Start PostgreSQL; as root it runs as the user postgres."""
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
    """Return a file system in memory with room: most of a test's database is files and syncs."""
    memory = Path("/dev/shm")  # noqa: S108 (the folders in it get names of their own)
    if not memory.is_dir() or shutil.disk_usage(memory).free < MEMORY_MIN:
        return None
    return None if os.statvfs(memory).f_flag & os.ST_NOEXEC else memory  # the wheel is tried from there


@contextmanager
def redis(folder: Path, port: int | None = None) -> "Iterator[RedisServer]":
    """Start Redis without persistence."""
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
        with Redis(port=self.port) as client:
            client.flushall()

    def age(self, seconds: float) -> None:
        """Let all keys age: a test's clock moves the portal's time alone."""
        with Redis(port=self.port) as client:
            for key in client.scan_iter():
                client.pexpire(key, client.pttl(key) - int(seconds * 1000))

    def is_up(self) -> bool:
        if not listens(self.port):
            return False
        with Redis(port=self.port) as client:
            return bool(client.ping())


Server = TypeVar("Server", Postgres, RedisServer)


@contextmanager
def _running(process: "subprocess.Popen[bytes]", server: Server, *, log_of: Path) -> Iterator[Server]:
    """Wait until it answers, and end it afterwards."""
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
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
