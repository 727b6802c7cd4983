"""The wheel alone, in an empty environment, takes a tenant through the twelve steps."""

import ast
import inspect
import re
import subprocess
import sys
import tarfile
import textwrap
import zipfile
from logging.config import BaseConfigurator
from pathlib import Path

import pytest

import tenant_portal
from tests.support.paths import ROOT

#: Mails are caught where Flask-Mail sends them.
JOURNEY = """
import re
import tenant_portal
from flask_mail import email_dispatched
from tenant_portal import create_app, roster
from tenant_portal.mail import outbox
from tenant_portal.operations import migrations

app = create_app({
    "SECRET_KEY": "a key for tests only, forty characters.",
    "MAIL_SUPPRESS_SEND": True,
    "SQLALCHEMY_DATABASE_URI": "sqlite:///" + FOLDER + "/portal.sqlite3",
    "PORTAL_DATA_DIR": FOLDER,
    "PORTAL_PUBLIC_URL": "http://localhost",
    "PORTAL_LANDLORD_NAME": "Habitat du Val",
    "PORTAL_LANDLORD_EMAIL": "contact@habitat-du-val.example",
    "PORTAL_MAIL_AFTER_RESPONSE": False,
})
letters = []

@email_dispatched.connect
def keep(sender, message):
    letters.append(message)

with app.app_context():
    migrations.upgrade()
    roster.take([{"reference": "417201", "module": "60318401"}], name="test")
    app.extensions["sqlalchemy"].session.commit()

def send(client, address, **answers):
    page = client.get(address, follow_redirects=True)
    fields = {}
    for control in re.findall(r'<input[^>]*type="hidden"[^>]*>', page.text):
        fields[re.search(r'name="([^"]*)"', control)[1]] = re.search(r'value="([^"]*)"', control)[1]
    return client.post(page.request.full_path, data={**fields, **answers}, follow_redirects=True)

client = app.test_client()
password = "girafe violette sous l'évier"
page = send(
    client, "/inscription", reference="417201", module="60318401", password=password, confirmation=password,
    email="elodie.martin@orange.fr", e_notice="non", commercial="non", general="oui",
)
assert "elodie.martin@orange.fr" in page.text, page.text
with app.app_context():
    assert outbox.deliver_due(now=True).sent == 1
link = re.search(r"http://localhost(/\\S+)", letters[0].body)[1]
assert letters[0].html
page = send(client, link, reference="417201", password=password)
assert page.request.path == "/espace", page.text
assert "Mentions légales" in page.text
page = client.get("/connexion?langue=en", follow_redirects=True)
assert "<h1>Your tenant area</h1>" in page.text, page.text
for address in set(re.findall(r'(?:href|src)="(/assets/[^"]+)"', page.text)):
    assert client.get(address).status_code == 200, address
print("journey done by", tenant_portal.__file__)
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a program that must succeed; return its output."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sdist, and the wheel that was made from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="session")
def python(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an interpreter with the wheel, its dependencies and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", folder, cwd=folder)
    python = folder / "bin" / "python"
    wheel = next(built.glob("*.whl"))
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=folder)
    return python


@pytest.mark.slow
def test_installer_finds_everything_in_the_wheel(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        held = set(wheel.namelist())
    wanted = {"tenant_portal/py.typed"}
    for folder in ("templates", "migrations", "translations", "tenant_portal/static", "tenant_portal/data"):
        files = [p for p in (ROOT / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts]
        assert files, folder
        inside = "" if folder.startswith("tenant_portal") else "tenant_portal/"
        wanted |= {f"{inside}{path.relative_to(ROOT).as_posix()}" for path in files}
    assert any(name.endswith(".mo") for name in wanted)
    assert not wanted - held
    assert not {name.split("/")[0] for name in held if ".dist-info" not in name} - {"tenant_portal"}
    assert not {name for name in held if "__pycache__" in name}


@pytest.mark.slow
def test_installer_finds_sources_alone_in_the_sdist(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        held = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "templates/portal/base.html", "wsgi.py"} <= held
    assert not {name for name in held if name.startswith((".venv", "instance", ".demo", ".env", ".git/"))}


@pytest.mark.slow
def test_tenant_takes_the_twelve_steps_from_the_wheel(python: Path, tmp_path: Path) -> None:
    script = tmp_path / "journey.py"
    script.write_text(f"FOLDER = {str(tmp_path)!r}\n{textwrap.dedent(JOURNEY)}", encoding="utf-8")
    said = run(python, "-W", "error", script, cwd=tmp_path)
    assert "journey done" in said
    assert str(python.parent.parent) in said, "the wheel was run, not the checkout"


@pytest.mark.slow
def test_visitor_of_the_wheel_is_told_what_to_run(python: Path, tmp_path: Path) -> None:
    assert "demo" in run(python, "-m", "tenant_portal", "--help", cwd=tmp_path)


def test_host_finds_public_names_alone_each_typed_and_explained() -> None:
    assert tenant_portal.__all__ == ["TenantPortal", "__version__", "create_app", "mount", "signals"]
    modules = {path.stem for path in Path(tenant_portal.__file__).parent.iterdir()}
    names = {name for name in vars(tenant_portal) if not name.startswith("_")}
    assert not names - set(tenant_portal.__all__) - modules, "only submodules beside the public names"
    for thing in (tenant_portal.TenantPortal, tenant_portal.create_app, tenant_portal.mount, tenant_portal.signals):
        assert inspect.getdoc(thing)
    calls = [tenant_portal.create_app, tenant_portal.mount]
    calls += [tenant_portal.TenantPortal.__init__, tenant_portal.TenantPortal.init_app]
    for call in calls:
        signature = inspect.signature(call)
        untyped = [p.name for p in signature.parameters.values() if p.annotation is p.empty and p.name != "self"]
        assert not untyped and signature.return_annotation is not signature.empty, call


@pytest.mark.parametrize(
    ("former", "present"),
    [
        ("tenant_portal.logs.Line", "tenant_portal.operations.log_format.LogFormatter"),
        ("tenant_portal.smtp.PatientMail", "tenant_portal.mail.smtp.TimeoutMail"),
        ("tenant_portal.migrate.upgrade", "tenant_portal.operations.migrations.upgrade"),
    ],
)
def test_host_finds_what_has_moved_under_its_former_name_too(former: str, present: str) -> None:
    assert found(former) is found(present)


@pytest.mark.parametrize("page", ["embedding", "operating"])
def test_host_finds_every_name_that_the_pages_tell(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    names = set(re.findall(r"tenant_portal(?:\.\w+)+", text))
    names |= {f"{module}.{name}" for module, name in re.findall(r"from (tenant_portal\S*) import (\w+)", text)}
    assert names and all(map(found, names))


def found(name: str) -> object:
    """Return what a dotted name stands for, as logging finds a formatter."""
    return BaseConfigurator({}).resolve(name)


def python_says(code: str) -> list[str]:
    """Run code in a fresh interpreter; return its lines."""
    return run(sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}", cwd=ROOT).splitlines()


@pytest.mark.program
def test_importing_adds_only_the_import_of_the_dependencies() -> None:
    """Each module that is not ours belongs to a package that pyproject.toml names."""
    package = Path(tenant_portal.__file__).parent
    nodes = [node for path in package.rglob("*.py") for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    code = "before = set(sys.modules)\nimport tenant_portal\nprint(*sorted(set(sys.modules) - before), sep='\\n')"
    added = set(python_says(code))
    imports = "\n".join(f"import {name}" for name in sorted(named) if name in added)
    alone = set(python_says(f"{imports}\nprint(*sys.modules, sep='\\n')"))
    ours = {name for name in added if name.split(".")[0] == "tenant_portal"}
    beyond = {name for name in added - ours - alone if name.split(".")[0] not in sys.stdlib_module_names}
    assert not beyond, f"beyond the dependencies: {beyond}"
    assert not {name for name in ours if name.split(".")[1:2] in (["demo"], ["__main__"])}
    assert not {"redis", "psycopg", "granian", "rich", "pytest"} & added


@pytest.mark.program
def test_importing_and_mounting_touches_nothing_until_the_first_request() -> None:
    """No thread, connection or socket; no file open or written."""
    assert python_says(
        """
import os, threading
touched = []
def hook(event, arguments):
    if event in ("sqlite3.connect", "socket.connect", "socket.bind", "_thread.start_new_thread", "subprocess.Popen"):
        touched.append(event)
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        touched.append(f"open {arguments[0]}")
sys.dont_write_bytecode = True
from flask import Flask
sys.addaudithook(hook)
before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()
import tenant_portal
config = {
    "SECRET_KEY": "a key for tests only, forty characters.",
    "PORTAL_PUBLIC_URL": "https://intranet.example",
    "PORTAL_LANDLORD_NAME": "Habitat du Val",
    "PORTAL_LANDLORD_EMAIL": "contact@habitat-du-val.example",
    "SQLALCHEMY_DATABASE_URI": "sqlite:///:memory:",
}
tenant_portal.mount(Flask("mounting"), "/locataire", config=config)
extended = Flask("extended")
extended.config.update(config)
tenant_portal.TenantPortal(extended)
after = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()
print(touched, len(after) - len(before), threading.active_count())
"""
    ) == ["[] 0 1"]
