"""What every test uses: an application with its own database, a browser, a mailbox, people and a clock."""

import itertools
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis
import pytest
import time_machine
from flask import Flask
from jinja2 import FileSystemBytecodeCache, StrictUndefined
from sqlalchemy import event, select
from sqlalchemy.engine import Connection, Engine
from werkzeug.routing import Rule

from tenant_portal import create_app
from tenant_portal.db import Base, db
from tenant_portal.mail import outbox

from .support import hosts, services
from .support.people import Roster, Tenant, open_account
from .support.portal_client import Portal
from .support.post import Mailbox, PostOffice
from .support.rent_notices import in_folder, publish
from .support.steps import Lease
from .support.url_map import compiling_once

#: The cheapest hashes; mails leave when a test reads its mailbox.
SETTINGS: dict[str, Any] = {
    "TESTING": True,
    "SECRET_KEY": "a key for tests only, forty characters.",
    "MAIL_SERVER": "127.0.0.1",
    "MAIL_SUPPRESS_SEND": False,
    "PORTAL_PUBLIC_URL": "http://localhost",
    "PORTAL_LANDLORD_NAME": "Habitat du Val",
    "PORTAL_LANDLORD_EMAIL": "contact@habitat-du-val.example",
    "PORTAL_LANDLORD_PHONE": "02 41 00 00 00",
    "PORTAL_LANDLORD_HOURS": "du lundi au vendredi, de 9\u00a0h à 17\u00a0h",
    "PORTAL_LANDLORD_ADDRESS": "1 place du Marché, 49000 Angers",
    "PORTAL_ARGON2_MEMORY_KIB": 8,
    "PORTAL_ARGON2_PASSES": 1,
    "PORTAL_MAIL_AFTER_RESPONSE": False,
}

COURIER_SECONDS = 10
#: The fixtures by which a test asks for a database.
DATABASES = {"database", "empty_database", "postgres_server", "redis_server"}

MakeApp = Callable[..., Flask]


def pytest_configure(config: pytest.Config) -> None:
    """Keep the files of tests in memory where there is room.

    With `--alone` a property is tried on fewer examples, the same each time.
    """
    if config.getoption("alone"):
        hypothesis.settings.register_profile("alone", max_examples=20, derandomize=True)
        hypothesis.settings.load_profile("alone")
    memory = services.in_memory()
    if memory is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--alone", action="store_true", help="tell the journeys of the portal on its own only")
    parser.addoption("--postgresql", action="store_true", help="run on PostgreSQL and Redis, not on SQLite and memory")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what starts PostgreSQL or Redis; with `--postgresql` keep what asks for a database, but not for SQLite's."""
    if config.getoption("postgresql"):
        speaking = [item for item in items if DATABASES & set(getattr(item, "fixturenames", ()))]
        kept = [item for item in speaking if not item.get_closest_marker("sqlite")]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
        items[:] = kept
        return
    for item in items:
        params = item.callspec.params.values() if hasattr(item, "callspec") else ()
        fixtures = getattr(item, "fixturenames", ())
        if "postgresql" in params or "postgres_server" in fixtures or "redis_server" in fixtures:
            item.add_marker("program")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat a test marked `every_home` or `databases`; `--alone` and `--postgresql` keep one of each."""
    marked, config = metafunc.definition.get_closest_marker, metafunc.config
    if (homes := marked("every_home")) and not config.getoption("alone"):
        metafunc.parametrize("home", homes.args or hosts.HOMES, indirect=True)
    if (databases := marked("databases")) and "database_kind" in metafunc.fixturenames:
        kinds = ("postgresql",) if config.getoption("postgresql") else databases.args
        metafunc.parametrize("database_kind", kinds, indirect=True)


@pytest.fixture(scope="session", autouse=True)
def no_outside_settings() -> Iterator[None]:
    """Hide the settings of the developer's own portal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHON_DOTENV_DISABLED", "1")
        for name in [name for name in os.environ if name.startswith("FLASK_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def routes_compiled_once() -> Iterator[None]:
    """Compile each rule of the URL map once: that takes most of the time to make an application."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", compiling_once())
        yield


@pytest.fixture(autouse=True)
def closed_connections(tmp_path: Path) -> Iterator[None]:
    """Close every database that a test has opened, while its folder still stands."""
    engines: set[Engine] = set()

    def note(connection: Connection) -> None:
        engines.add(connection.engine)

    event.listen(Engine, "engine_connect", note)
    yield
    event.remove(Engine, "engine_connect", note)
    await_couriers()
    for engine in engines:
        engine.dispose()


@pytest.fixture(scope="session")
def post_office() -> Iterator[PostOffice]:
    with PostOffice() as office:
        yield office


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated, empty SQLite database to copy."""
    path = tmp_path_factory.mktemp("database") / "portal.sqlite3"
    migrate_at(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgresql(postgres_server: services.Postgres) -> str:
    """Return a migrated, empty PostgreSQL database to copy."""
    address = postgres_server.new_database()
    migrate_at(address)
    return address


@pytest.fixture
def database_kind(request: pytest.FixtureRequest) -> str:
    return getattr(request, "param", "postgresql" if request.config.getoption("postgresql") else "sqlite")


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path, database_kind: str) -> Iterator[Callable[[], str]]:
    """Return a function that makes this test's database when first called, and returns its address."""
    if database_kind == "postgresql":
        server: services.Postgres = request.getfixturevalue("postgres_server")
        template = request.getfixturevalue("migrated_postgresql")
        make = cache(lambda: server.new_database(like=template))
        yield make
        if make.cache_info().currsize:
            server.drop(make())
    else:
        template = request.getfixturevalue("migrated_database")
        yield cache(lambda: f"sqlite:///{shutil.copy(template, tmp_path / 'portal.sqlite3')}")


@pytest.fixture
def empty_database(request: pytest.FixtureRequest, tmp_path: Path, database_kind: str) -> str:
    """Return the address of a database without tables."""
    if database_kind == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'empty.sqlite3'}"


@pytest.fixture
def counters(request: pytest.FixtureRequest) -> str:
    """Return where the counters per origin live."""
    return str(request.getfixturevalue("redis_url") if request.config.getoption("postgresql") else "memory://")


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep compiled templates."""
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture
def home(request: pytest.FixtureRequest) -> str:
    """Return where the portal lives: alone, unless the test is marked `every_home`."""
    return getattr(request, "param", hosts.STANDALONE)


@pytest.fixture
def make_app(
    tmp_path: Path,
    bytecode: Path,
    database: Callable[[], str],
    counters: str,
    post_office: PostOffice,
    clock: "Clock",
    home: str,
) -> Iterator[MakeApp]:
    """Return a function that makes an application with other settings; those of one test share their database."""
    made: list[Flask] = []
    post_office.empty()

    def make(**settings: Any) -> Flask:
        config = {
            **SETTINGS,
            "MAIL_PORT": post_office.port,
            "PORTAL_DATA_DIR": str(tmp_path / "data"),
            "PORTAL_RATE_STORAGE_URI": counters,
            "SQLALCHEMY_DATABASE_URI": settings.get("SQLALCHEMY_DATABASE_URI") or database(),
            **settings,
        }
        app = hosts.settle(home, config, tmp_path / "intranet.sqlite3")
        app.jinja_env.undefined = StrictUndefined
        app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(bytecode))
        if settings.get("SQLALCHEMY_DATABASE_URI", "sqlite").startswith("postgresql"):
            upgrade(app)
        made.append(app)
        return app

    yield make
    for app in made:
        for one in {app, hosts.home_of(app).front}:
            close(one)


@pytest.fixture
def app(request: pytest.FixtureRequest, make_app: MakeApp) -> Flask:
    """Return the portal, with the settings of the mark `settings`."""
    asked = request.node.get_closest_marker("settings")
    return make_app(**asked.kwargs if asked else {})


@pytest.fixture
def database_dump(app: Flask) -> Callable[[], dict[str, list[Any]]]:
    """Return a function that returns all rows."""

    def dump() -> dict[str, list[Any]]:
        with app.app_context():
            return {
                name: sorted(tuple(row) for row in db.session.execute(select(table)))
                for name, table in Base.metadata.tables.items()
            }

    return dump


@pytest.fixture(scope="module")
def live_settings(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> dict[str, Any]:
    """Return settings for a server of its own."""
    folder = tmp_path_factory.mktemp("live")
    database = shutil.copy(migrated_database, folder / "portal.sqlite3")
    own = {"SQLALCHEMY_DATABASE_URI": f"sqlite:///{database}", "PORTAL_DATA_DIR": str(folder)}
    return {**SETTINGS, "TESTING": False, "MAIL_PORT": 1, **own}


@pytest.fixture
def portal(app: Flask) -> Portal:
    """Return a browser that checks every page."""
    return Portal(app)


@pytest.fixture
def mailbox(app: Flask, post_office: PostOffice) -> Iterator[Mailbox]:
    """Return all letter boxes; an unread mail fails the test."""

    def deliver() -> None:
        with app.app_context():
            outbox.deliver_due(now=True)

    box = Mailbox(post_office, deliver, landlord=SETTINGS["PORTAL_LANDLORD_EMAIL"])
    yield box
    unread = box.unread()
    assert not unread, f"mails left unread: {unread}"


@pytest.fixture
def roster(app: Flask, tmp_path: Path) -> Roster:
    return Roster(app, tmp_path)


@pytest.fixture
def a_contract(roster: Roster) -> Callable[..., Lease]:
    """Return a function that imports a contract: `a_contract(payment="Chèque", ends_on="31/12/2020")`."""
    return roster.add


@pytest.fixture
def an_account(app: Flask, mailbox: Mailbox, a_contract: Callable[..., Lease]) -> Callable[..., Tenant]:
    """Return a function that opens an account and returns the tenant with his browser, logged in."""

    def make(lease: Lease | None = None, **answers: Any) -> Tenant:
        return open_account(Portal(app), mailbox, lease or a_contract(), **answers)

    return make


@pytest.fixture
def landlord(app: Flask, tmp_path: Path) -> Callable[[dict[str, bytes]], str]:
    """Return a function that publishes notices: `landlord({"417201_2026-11.pdf": pdf()})`."""
    made = itertools.count()

    def publish_all(files: dict[str, bytes]) -> str:
        code, said = publish(app, in_folder(tmp_path / f"avis-{next(made)}", files))
        assert code == 0, said
        return said

    return publish_all


class Clock:
    """The portal's time: it runs, and tests move it."""

    def __init__(self, traveller: time_machine.Traveller, redis: services.RedisServer | None) -> None:
        self._traveller, self._redis = traveller, redis

    def move(self, **duration: float) -> None:
        """Move the time: `clock.move(hours=72, minutes=1)`."""
        self._traveller.shift(timedelta(**duration))
        if self._redis is not None:
            self._redis.age(timedelta(**duration).total_seconds())


@pytest.fixture
def clock(request: pytest.FixtureRequest) -> Iterator[Clock]:
    """Start on a Monday morning in November, in Paris."""
    redis = request.getfixturevalue("redis_server") if request.config.getoption("postgresql") else None
    start = datetime(2026, 11, 23, 9, 30, tzinfo=ZoneInfo("Europe/Paris"))
    with time_machine.travel(start, tick=True) as traveller:
        yield Clock(traveller, redis)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.Postgres]:
    with services.postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: services.Postgres) -> Iterator[str]:
    """Return the address of an empty PostgreSQL database."""
    address = postgres_server.new_database()
    yield address
    postgres_server.drop(address)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.RedisServer]:
    with services.redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: services.RedisServer) -> str:
    """Return the address of an empty Redis."""
    redis_server.empty()
    return redis_server.address


def upgrade(app: Flask) -> None:
    """Migrate by command."""
    result = app.test_cli_runner().invoke(args=["portal", "db", "upgrade"])
    assert result.exit_code == 0, result.output


def migrate_at(address: str) -> None:
    app = create_app({**SETTINGS, "SQLALCHEMY_DATABASE_URI": address})
    upgrade(app)
    close(app)


def close(app: Flask) -> None:
    """Close the database of an application, once no courier uses it."""
    await_couriers()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def await_couriers() -> None:
    """Wait for the mail couriers of this process; one that stays would meet other tests."""
    for thread in threading.enumerate():
        if thread.name == "portal-courier":
            thread.join(COURIER_SECONDS)
            assert not thread.is_alive(), "mails still wait, or the outbox cannot be read: a courier stays for them"
