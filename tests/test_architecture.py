"""The shape of the code, read from the code: imports, names, routes and guards, templates, sizes (DESIGN 1-6, 9)."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine
from werkzeug.routing import Rule

from tenant_portal import models
from tenant_portal.db import Base
from tests.support.paths import ROOT

from .support.people import PASSWORD, Lease, Tenant, fill_sign_up, log_in
from .support.portal_client import Portal
from .support.post import Mailbox

PACKAGE = ROOT / "tenant_portal"
TEMPLATES = ROOT / "templates" / "portal"
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
NODES = {path: list(ast.walk(tree)) for path, tree in TREES.items()}

#: The rooms from the ground up; each may use those before it in the list (DESIGN 2).
GROUND = {
    "atomic_file",
    "audit",
    "contrast",
    "db",
    "errors",
    "formats",
    "i18n",
    "models",
    "public_urls",
    "resources",
    "settings",
    "signals",
    "template_names",
    "text",
}
FRONT_DOOR = {"", "__main__", "app", "extension", "mounting", "wsgi_paths"} | {"logs", "migrate", "smtp"}
LAYERS = (
    {"ground"},
    {"contracts"},
    {"accounts"},
    {"messages", "documents", "roster"},
    {"mail"},
    {"operations"},
    {"web"},
    {"office"},
    {"front door"},
    {"cli"},
    {"demo"},
)
#: Screens are leaves of the room: none imports another.
NOT_SCREENS = {
    "address_typos",
    "concurrency",
    "cookies",
    "errors",
    "fields",
    "forms",
    "guards",
    "host_checks",
    "identity",
    "links",
    "login_flow",
    "pages",
    "redirects",
    "request_guards",
    "security_headers",
    "stylesheet",
    "template_context",
    "url_converters",
}
LINES_OF_A_FILE = 350
LINES_OF_A_FUNCTION = 60


def module_of(path: Path) -> str:
    """Return `accounts` or `web.signup` for a file of the package."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path) -> set[str]:
    """Return the modules of ours that a file imports, by their names within the package."""
    found = set()
    for node in NODES[path]:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.relative_to(PACKAGE).parts[: -node.level] if node.level else ()
            stem = ".".join((*base, *(node.module or "").split("."))).strip(".")
            names = [f"{stem}.{alias.name}".strip(".") for alias in node.names]
            found |= {name if name in MODULES else stem for name in names}
    return {name for name in found if name in MODULES}


MODULES = {module_of(path): path for path in TREES}
GRAPH = {module: imports_of(path) for module, path in MODULES.items()}


def room_of(module: str) -> str:
    """Return the room where a module stands."""
    top = module.split(".")[0]
    if top == "__init__":
        return "front door"
    return "ground" if top in GROUND else "front door" if top in FRONT_DOOR else top


def layer_of(module: str) -> int:
    """Return how far above the ground a module stands."""
    return next(height for height, rooms in enumerate(LAYERS) if room_of(module) in rooms)


DOMAIN = {module for module in MODULES if layer_of(module) < layer_of("web")}


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield every function of the package with the module where it stands."""
    for module, path in MODULES.items():
        for node in NODES[path]:
            if isinstance(node, ast.FunctionDef):
                yield module, node


# Who may import whom (DESIGN 2)


def test_imports_form_no_ring() -> None:
    list(TopologicalSorter(GRAPH).static_order())


def test_rooms_import_only_what_stands_below_them() -> None:
    """`__main__` starts the wizard and the demo, which stand above all others."""
    upwards = [
        f"{module} ({room_of(module)}) imports {name} ({room_of(name)})"
        for module in MODULES
        for name in GRAPH[module]
        if module != "__main__" and room_of(module) != room_of(name) and layer_of(name) >= layer_of(module)
    ]
    assert not upwards


def test_errors_texts_and_numbers_need_the_standard_library_only() -> None:
    for module in ("errors", "text", "contracts.numbers"):
        nodes = NODES[MODULES[module]]
        named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        named |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
        assert not GRAPH[module]
        assert {name.split(".")[0] for name in named} <= sys.stdlib_module_names


def test_domain_modules_know_no_request() -> None:
    words = {"request", "session", "flash", "url_for", "render_template", "current_user", "redirect", "abort", "g"}
    allowed = {"i18n": {"g"}, "mail.outbox": {"g"}}
    found = {
        f"{module}: {alias.name}"
        for module in DOMAIN
        for node in NODES[MODULES[module]]
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in {"flask", "flask_login"}
        for alias in node.names
        if alias.name in words - allowed.get(module, set())
    }
    assert not found - {"operations.log_format: request", "operations.log_format: g"}


def test_screens_never_import_each_other_nor_do_commands_import_them() -> None:
    screens = {f"web.{path.stem}" for path in (PACKAGE / "web").glob("*.py")} - {f"web.{n}" for n in NOT_SCREENS}
    screens -= {"web.__init__"}
    loose = [
        f"{m} imports {n}" for m in MODULES if m != "web" for n in GRAPH[m] & screens if room_of(m) != "front door"
    ]
    assert len(screens) > 8
    assert not loose


def test_nothing_is_imported_inside_a_function() -> None:
    inside = [
        f"{module}.{function.name}: {ast.unparse(node)}"
        for module, function in functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not inside


def test_only_the_edges_commit() -> None:
    """The outbox too: each mail that left is noted at once, or a crash would send it twice."""
    committing = {
        module
        for module, path in MODULES.items()
        for node in NODES[path]
        if isinstance(node, ast.Attribute) and node.attr == "commit"
    }
    assert {module.split(".")[0] for module in committing} <= {"web", "cli", "demo", "mail", "operations"}


def test_no_module_keeps_what_another_process_would_miss() -> None:
    """Many processes answer one tenant: what one of them keeps stands in `State.cache`, and can be made anew."""
    changing = {"append", "add", "update", "setdefault", "pop", "clear", "extend", "remove", "insert", "discard"}
    found = []
    for module, path in MODULES.items():
        targets = [t for node in TREES[path].body if isinstance(node, ast.Assign) for t in node.targets]
        targets += [node.target for node in TREES[path].body if isinstance(node, ast.AnnAssign)]
        names = {target.id for target in targets if isinstance(target, ast.Name)}
        for function in (node for node in NODES[path] if isinstance(node, ast.FunctionDef)):
            for node in ast.walk(function):
                kept: list[ast.expr] = []
                if isinstance(node, ast.Global):
                    found.append(f"{module}: {ast.unparse(node)}")
                elif isinstance(node, ast.Assign | ast.AugAssign | ast.Delete):
                    kept = node.targets if not isinstance(node, ast.AugAssign) else [node.target]
                    kept = [target.value for target in kept if isinstance(target, ast.Subscript)]
                elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in changing:
                    kept = [node.func.value]
                found += [f"{module}: {t.id}" for t in kept if isinstance(t, ast.Name) and t.id in names]
    assert not found


# Names and sizes (DESIGN 4, 9)


def test_no_file_is_a_drawer_for_odds_and_ends() -> None:
    assert not {path.stem for path in TREES} & {"utils", "util", "helpers", "helper", "common", "misc"}


def test_no_class_is_named_after_its_pattern() -> None:
    names = [node.name for nodes in NODES.values() for node in nodes if isinstance(node, ast.ClassDef)]
    assert not [name for name in names if re.search(r"(Manager|Helper|Utils?|Service)$", name)]


def test_what_is_public_says_what_it_is_for() -> None:
    silent = [
        f"{module}.{node.name}"
        for module, path in MODULES.items()
        for node in TREES[path].body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        if not ast.get_docstring(node)
    ]
    silent += [module for module, path in MODULES.items() if not ast.get_docstring(TREES[path])]
    assert not silent


@pytest.mark.parametrize("path", TREES, ids=module_of)
def test_a_file_is_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES_OF_A_FILE


def test_a_function_fits_a_screen() -> None:
    lengths = {f"{module}.{f.name}": (f.end_lineno or 0) - f.lineno + 1 for module, f in functions()}
    assert not {name: length for name, length in lengths.items() if length > LINES_OF_A_FUNCTION}


def test_nothing_is_left_for_later_and_no_rule_is_waved_off_without_a_reason() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|# noqa(?!: [A-Z0-9, ]+ \()|# type: ignore(?!\[)")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in [*TREES, *TEMPLATES.rglob("*.*"), *(ROOT / "migrations").rglob("*.py")]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if marks.search(line)
    ]
    assert not found


def test_errors_are_never_swallowed_whole() -> None:
    for path, nodes in NODES.items():
        for node in nodes:
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, f"bare except in {path.name}:{node.lineno}"


def test_tables_and_constraints_carry_our_name() -> None:
    assert models
    for table in Base.metadata.tables.values():
        assert table.name.startswith("portal_")
        assert all(constraint.name for constraint in table.constraints)


def test_session_keys_carry_our_name() -> None:
    keys = [
        node.slice.value
        for nodes in NODES.values()
        for node in nodes
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "session"
        if isinstance(node.slice, ast.Constant)
    ]
    assert keys and not [key for key in keys if not str(key).startswith("portal_")]


def test_style_classes_carry_our_name() -> None:
    classes = {
        name
        for path in TEMPLATES.rglob("*.html")
        if path.parent.name != "mail"
        for found in re.findall(r'class="([^"]*)"', path.read_text(encoding="utf-8"))
        for name in re.sub(r"{[{%].*?[%}]}", " ", found).split()
    }
    assert not {name for name in classes if not name.startswith("portal")} - {"pico"}


# Pages and mails


def rules(app: Flask) -> list[Rule]:
    """Return the addresses of the portal's own pages."""
    return [r for r in app.url_map.iter_rules() if r.endpoint.startswith("portal.") and r.endpoint.count(".") == 2]


def test_endpoint_function_and_file_share_one_name(app: Flask) -> None:
    for rule in rules(app):
        _, screen, name = rule.endpoint.split(".")
        view = app.view_functions[rule.endpoint]
        module = "tenant_portal.office.screens" if screen == "office" else f"tenant_portal.web.{screen}"
        assert view.__module__ == module, rule.endpoint
        assert view.__name__ == name or name == "home", rule.endpoint


def test_each_template_is_the_page_of_a_view_or_a_part_of_another(app: Flask) -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.*")}
    code = "".join(path.read_text(encoding="utf-8") for path in TREES)
    for path in texts:
        name = path.relative_to(TEMPLATES.parent).as_posix()
        is_page = f"portal.{path.parent.name}.{path.stem}" in app.view_functions
        is_part = any(f'"{name}"' in text for other, text in texts.items() if other != path)
        is_mail = path.parent.name == "mail"
        assert is_page or is_part or is_mail or path.name in code, f"nobody uses {name}"


def test_each_template_that_code_names_exists() -> None:
    missing = [
        f"{module}: {node.value}"
        for module, path in MODULES.items()
        for node in NODES[path]
        if isinstance(node, ast.Constant) and re.fullmatch(r"[\w/]+\.(html|txt)", str(node.value))
        if not any((folder / str(node.value)).is_file() for folder in (TEMPLATES, TEMPLATES.parent, PACKAGE / "data"))
    ]
    assert not missing


def test_addresses_are_french_words_in_kebab_case(app: Flask) -> None:
    part = re.compile(r"[a-z]+(-[a-z]+)*|<(portal_number:)?[a-z]+>")
    for rule in rules(app):
        assert all(part.fullmatch(text) for text in rule.rule.split("/") if text), rule.rule


@pytest.mark.parametrize(("path", "guard"), [("/espace", "account"), ("/gestion", "staff")])
def test_private_pages_are_guarded(app: Flask, path: str, guard: str) -> None:
    private = [rule for rule in rules(app) if f"{rule.rule}/".startswith(f"{path}/")]
    assert private
    for rule in private:
        assert getattr(app.view_functions[rule.endpoint], "portal_guard", None) == guard, rule.rule


def test_each_mail_has_a_function_a_text_and_an_html_part() -> None:
    functions = {
        node.name
        for node in TREES[MODULES["mail.notifications"]].body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }
    pages = {path.stem for path in (TEMPLATES / "mail").glob("*.html")} - {"base"}
    texts = {path.stem for path in (TEMPLATES / "mail").glob("*.txt")}
    assert pages and pages <= texts and pages <= functions


# Nothing is changed by looking


class Watch:
    """A second look at the database, which notices every change that another connection commits."""

    def __init__(self, engine: Engine) -> None:
        # A transaction of PostgreSQL takes a number when it first writes; SQLite counts what others have committed.
        is_sqlite = engine.dialect.name == "sqlite"
        self._question = "PRAGMA data_version" if is_sqlite else "SELECT pg_snapshot_xmax(pg_current_snapshot())"
        self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._seen = self._version()

    def has_changed(self) -> bool:
        """Tell whether anything was written since the last time this was asked."""
        before, self._seen = self._seen, self._version()
        return before != self._seen

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    def _version(self) -> str:
        return str(self._connection.exec_driver_sql(self._question).scalar_one())


@pytest.fixture
def watch(app: Flask) -> Iterator[Watch]:
    """Watch the database of the application."""
    engine = create_engine(app.config["SQLALCHEMY_DATABASE_URI"])
    watching = Watch(engine)
    yield watching
    watching.close()
    engine.dispose()


def pages(app: Flask) -> list[str]:
    """Return every address of a tenant's page that a browser can ask for without knowing anything."""
    return [
        rule.rule
        for rule in rules(app)
        if "GET" in (rule.methods or ()) and not rule.arguments and not rule.rule.startswith(("/gestion", "/metrics"))
    ]


def test_a_stranger_who_looks_at_every_page_changes_nothing(app: Flask, portal: Portal, watch: Watch) -> None:
    for address in pages(app):
        portal.get(address)
        portal.http.head(address)
        assert not watch.has_changed(), address


def test_a_tenant_who_looks_at_every_page_changes_nothing(
    app: Flask, an_account: Callable[..., Tenant], watch: Watch
) -> None:
    browser = an_account().browser
    assert watch.has_changed()
    for address in pages(app):
        browser.get(address)
        assert not watch.has_changed(), address


def test_t12_a_scanner_that_opens_the_links_of_mails_changes_nothing(
    portal: Portal, mailbox: Mailbox, a_contract: Callable[..., Lease], watch: Watch
) -> None:
    lease = a_contract()
    fill_sign_up(portal, lease)
    activation = mailbox.read()
    assert watch.has_changed()
    for link in activation.links:
        scanner = portal.another_browser()
        scanner.http.head(link)
        scanner.get(link)
        assert not watch.has_changed(), link
    assert log_in(portal.another_browser(), lease.reference, PASSWORD).path != "/espace"


def test_no_form_is_taken_without_its_token(app: Flask, an_account: Callable[..., Tenant], watch: Watch) -> None:
    browser = an_account().browser
    assert watch.has_changed()
    for rule in rules(app):
        if "POST" in (rule.methods or ()) and not rule.arguments:
            answer = browser.http.post(rule.rule, data={"reference": "123456", "email": "a@b.fr", "body": "Bonjour"})
            assert answer.status_code in {302, 400, 403, 404}, f"{rule.rule}: {answer.status_code}"
            assert not watch.has_changed(), rule.rule
    assert browser.get("/espace").path == "/espace"


# Where people are sent


def test_nobody_is_sent_to_an_address_that_was_typed() -> None:
    """Each redirect names one of our pages; the two that depend on the request are built anew from our own map."""
    built = {"redirects.next_page", "next_page", "redirects.same_page", "same_page"}
    loose = []
    for module, path in MODULES.items():
        for node in NODES[path]:
            if isinstance(node, ast.Constant) and str(node.value).lower() in {"location", "refresh"}:
                loose.append(f"{module}:{node.lineno} names a header")
            if not isinstance(node, ast.Call) or ast.unparse(node.func).split(".")[-1] != "redirect":
                continue
            target = node.args[0]
            is_page = isinstance(target, ast.Call) and ast.unparse(target.func) == "url_for"
            is_named = is_page and isinstance(target.args[0], ast.Constant)  # type: ignore[attr-defined]
            if not is_named and not (isinstance(target, ast.Call) and ast.unparse(target.func) in built):
                loose.append(f"{module}:{node.lineno} {ast.unparse(node)}")
    assert not loose


# What is not there (ASVS 1.2.5, 1.3.2, 1.5.1, 1.5.2, 6.5.3, 14.3.3, 16.4.2)


def test_nothing_of_a_stranger_is_run_unpickled_or_parsed_as_xml_and_chance_is_for_secrets() -> None:
    # The import of a roster keeps its own report in a file without a name, which nobody else can write to.
    own = {"roster.report: marshal"}
    modules = {"pickle", "marshal", "shelve", "dill", "yaml", "xml", "lxml", "random", "ctypes", "pty", "commands"}
    names = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "render_template_string"}
    found = []
    for module, path in MODULES.items():
        for node in NODES[path]:
            if isinstance(node, ast.Import | ast.ImportFrom):
                imported = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
                level = getattr(node, "level", 0)
                found += [f"{module}: {n}" for n in imported if not level and n.split(".")[0] in modules]
            if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
                found.append(f"{module}: {ast.unparse(node)}")
            if isinstance(node, ast.keyword) and node.arg == "shell":
                found.append(f"{module}: shell=")
    assert not set(found) - own


def test_ways_in_are_those_that_are_documented() -> None:
    """A session begins at the login, at the activation page and with the reopening of an account (docs/security.md).

    The change of the password begins one in the place of that which asked for it.
    """
    callers = {
        f"{module}.{function.name}"
        for module, function in functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in {"log_in", "login_user"}
    }
    assert callers == {"web.login_flow.enter", "web.login.confirm_reopening", "web.password.change"}


def test_journal_is_only_added_to() -> None:
    touching = {
        f"{module}: {ast.unparse(node)}"
        for module, path in MODULES.items()
        for node in NODES[path]
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).split(".")[-1] in {"update", "delete"}
        and any(ast.unparse(argument) == "Event" for argument in node.args)
    }
    assert not touching


def test_script_keeps_nothing_in_the_browser_and_writes_no_markup() -> None:
    script = (PACKAGE / "static" / "portal.js").read_text(encoding="utf-8")
    words = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|Storage\b|indexedDB|\.cookie|paste"
    )
    assert not re.findall(words, script)


def test_staff_have_no_field_for_a_password() -> None:
    assert not [
        path.name for path in (TEMPLATES / "office").iterdir() if "password" in path.read_text(encoding="utf-8")
    ]
    assert "Password" not in MODULES["office.screens"].read_text(encoding="utf-8")
