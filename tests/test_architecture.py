"""The shape of the code: imports, names, sizes, and what is not there."""

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

from flask import Flask

from tenant_portal.db import Base
from tests.support.paths import ROOT
from tests.support.url_map import rules

PACKAGE = ROOT / "tenant_portal"
TEMPLATES = ROOT / "templates" / "portal"


def name_of(path: Path) -> str:
    """Return `settings` or `web.signup`; the package itself has an empty name."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").removesuffix(".")


FILES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in FILES.items()}
NODES = {module: list(ast.walk(tree)) for module, tree in TREES.items()}
FUNCTIONS = [(module, node) for module, nodes in NODES.items() for node in nodes if isinstance(node, ast.FunctionDef)]
CALLS = [(module, node) for module, nodes in NODES.items() for node in nodes if isinstance(node, ast.Call)]


def called(call: ast.Call) -> str:
    """Return the last part of what is called."""
    return ast.unparse(call.func).split(".")[-1]


def imports_of(module: str) -> set[str]:
    """Return the modules of ours that a module imports."""
    found = set()
    for node in NODES[module]:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = FILES[module].relative_to(PACKAGE).parts[: -node.level]
            stem = ".".join((*base, node.module or "")).strip(".")
            names = (f"{stem}.{alias.name}".strip(".") for alias in node.names)
            found |= {name if name in FILES else stem for name in names}
    return found & set(FILES) - {""}


GRAPH = {module: imports_of(module) for module in FILES}

# Who may import whom

GROUND = {
    *("atomic_file", "audit", "contrast", "db", "errors", "formats", "i18n", "models", "public_urls", "resources"),
    *("mail_addresses", "settings", "signals", "template_names", "text"),
}
FRONT_DOOR = {"", "__main__", "app", "extension", "mounting", "wsgi_paths"} | {"logs", "migrate", "smtp"}
#: From the ground up: each may use those before it.
ROOMS = "ground, contracts, accounts, messages documents roster, mail, operations, web, office, front, cli, demo"
HEIGHT = {room: height for height, rooms in enumerate(ROOMS.split(",")) for room in rooms.split()}
#: Known to pages alone; those listed ask whether there is a request.
OF_A_REQUEST = {"request", "session", "flash", "url_for", "render_template", "current_user", "redirect", "abort", "g"}
KNOW_WHETHER_THERE_IS_ONE = {"i18n: g", "mail.outbox: g", "operations.log_format: request", "operations.log_format: g"}
#: The outbox notes each sent mail at once: a crash must not send it twice.
COMMIT = {"web", "cli", "demo", "mail", "operations", "office"}


def room_of(module: str) -> str:
    return "ground" if module in GROUND else "front" if module in FRONT_DOOR else module.split(".")[0]


def wrong_imports() -> Iterator[str]:
    """Yield each import that breaks a rule."""
    try:
        list(TopologicalSorter(GRAPH).static_order())
    except CycleError as ring:
        yield f"imports form a ring: {' <- '.join(ring.args[1])}"
    screens = {module for module, tree in TREES.items() if "screen = Blueprint(" in ast.unparse(tree)}
    assert len(screens) > 8
    for module, name in ((module, name) for module, names in GRAPH.items() for name in names):
        here, there = room_of(module), room_of(name)
        if here != there and HEIGHT[there] >= HEIGHT[here] and module != "__main__":
            yield f"{module} imports {name}, which stands above it or beside it"
        if name in screens and module != "web" and here != "front":
            yield f"{module} imports the screen {name}"
    for module in ("errors", "text", "contracts.numbers"):
        if more := (GRAPH[module] | libraries_of(module)) - {"text"} - sys.stdlib_module_names:
            yield f"{module} imports more than the standard library: {more}"
    for module, function in FUNCTIONS:
        inside = [node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
        yield from (f"{module}.{function.name} imports within itself: {ast.unparse(node)}" for node in inside)


def wrong_knowledge() -> Iterator[str]:
    """Yield who commits but is no edge, and who knows a request below the pages."""
    for module, node in ((module, node) for module, nodes in NODES.items() for node in nodes):
        if isinstance(node, ast.Attribute) and node.attr == "commit" and module.split(".")[0] not in COMMIT:
            yield f"{module}:{node.lineno} commits"
        is_below = HEIGHT[room_of(module)] < HEIGHT["web"]
        if is_below and isinstance(node, ast.ImportFrom) and (node.module or "").startswith("flask"):
            known = {f"{module}: {alias.name}" for alias in node.names if alias.name in OF_A_REQUEST}
            yield from known - KNOW_WHETHER_THERE_IS_ONE


def libraries_of(module: str) -> set[str]:
    names = [alias.name for node in NODES[module] if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in NODES[module] if isinstance(node, ast.ImportFrom) and not node.level]
    return {name.split(".")[0] for name in names}


def test_imports_keep_to_the_rules() -> None:
    assert not [*wrong_imports(), *wrong_knowledge()]


def test_no_module_keeps_what_another_process_would_miss() -> None:
    """Processes share nothing: what one keeps stands in `State.cache` and can be made anew."""
    changing = {"append", "add", "update", "setdefault", "pop", "clear", "extend", "remove", "insert", "discard"}
    found = []
    for module, function in FUNCTIONS:
        assigned = [node for node in TREES[module].body if isinstance(node, ast.Assign | ast.AnnAssign)]
        targets = [t for node in assigned for t in (node.targets if isinstance(node, ast.Assign) else [node.target])]
        names = {target.id for target in targets if isinstance(target, ast.Name)}
        for node in ast.walk(function):
            kept: list[ast.expr] = []
            if isinstance(node, ast.Global):
                found.append(f"{module}: {ast.unparse(node)}")
            elif isinstance(node, ast.Assign | ast.AugAssign | ast.Delete):
                changed = [node.target] if isinstance(node, ast.AugAssign) else node.targets
                kept = [target.value for target in changed if isinstance(target, ast.Subscript)]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in changing:
                kept = [node.func.value]
            found += [f"{module}: {t.id}" for t in kept if isinstance(t, ast.Name) and t.id in names]
    assert not found


# Names and sizes


def test_files_and_functions_are_short() -> None:
    lengths = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in FILES.items()}
    assert not {module: length for module, length in lengths.items() if length > 350}
    lengths = {f"{module}.{f.name}": (f.end_lineno or 0) - f.lineno + 1 for module, f in FUNCTIONS}
    assert not {name: length for name, length in lengths.items() if length > 60}


def test_names_say_what_a_thing_is() -> None:
    assert not {path.stem for path in FILES.values()} & {"utils", "util", "helpers", "helper", "common", "misc"}
    classes = [node.name for nodes in NODES.values() for node in nodes if isinstance(node, ast.ClassDef)]
    assert not [name for name in classes if re.search(r"(Manager|Helper|Utils?|Service)$", name)]


def test_what_is_public_says_what_it_is_for() -> None:
    public = [
        (f"{module}.{node.name}", node)
        for module, tree in TREES.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    assert not [name for name, node in [*public, *TREES.items()] if not ast.get_docstring(node)]


def test_nothing_is_left_for_later_and_no_rule_is_waved_off_without_a_reason() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|# noqa(?!: [A-Z0-9, ]+ \()|# type: ignore(?!\[)")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in [*FILES.values(), *TEMPLATES.rglob("*.*"), *(ROOT / "migrations").rglob("*.py")]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if marks.search(line)
    ]
    assert not found


def test_what_leaves_the_package_carries_our_name() -> None:
    tables = Base.metadata.tables.values()
    assert not [table.name for table in tables if not table.name.startswith("portal_")]
    assert not [table.name for table in tables if not all(constraint.name for constraint in table.constraints)]
    keys = [
        str(node.slice.value)
        for nodes in NODES.values()
        for node in nodes
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "session"
        if isinstance(node.slice, ast.Constant)
    ]
    assert keys and not [key for key in keys if not key.startswith("portal_")]
    classes = {
        name
        for path in TEMPLATES.rglob("*.html")
        if path.parent.name != "mail"
        for found in re.findall(r'class="([^"]*)"', path.read_text(encoding="utf-8"))
        for name in re.sub(r"{[{%].*?[%}]}", " ", found).split()
    }
    assert not {name for name in classes if not name.startswith("portal")} - {"pico"}


# Pages and mails


def test_endpoint_function_and_file_share_one_name_and_addresses_are_french(app: Flask) -> None:
    part = re.compile(r"[a-z]+(-[a-z]+)*|<(portal_(number|message|link):)?[a-z]+>")
    for rule in rules(app):
        *_, screen, name = rule.endpoint.split(".")
        if rule.endpoint.startswith("portal.office."):
            view = getattr(import_module(f"tenant_portal.office.screens.{screen}"), name)
        else:
            view = app.view_functions[rule.endpoint]
            assert view.__module__ == f"tenant_portal.web.{screen}", rule.endpoint
        assert view.__name__ == name or name == "home", rule.endpoint
        assert all(part.fullmatch(text) for text in rule.rule.split("/") if text), rule.rule


def test_templates_and_what_names_them_fit_together(app: Flask) -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.*")}
    code = "".join(path.read_text(encoding="utf-8") for path in FILES.values())
    for path in texts:
        name = path.relative_to(TEMPLATES.parent).as_posix()
        is_page = ".".join(("portal", *path.relative_to(TEMPLATES).with_suffix("").parts)) in app.view_functions
        is_part = any(f'"{name}"' in text for other, text in texts.items() if other != path)
        assert is_page or is_part or path.parent.name == "mail" or path.name in code, f"nobody uses {name}"
    missing = [
        f"{module}: {node.value}"
        for module, nodes in NODES.items()
        for node in nodes
        if isinstance(node, ast.Constant) and re.fullmatch(r"[\w/]+\.(html|txt)", str(node.value))
        if not any((folder / str(node.value)).is_file() for folder in (TEMPLATES, TEMPLATES.parent, PACKAGE / "data"))
    ]
    assert not missing


def test_each_mail_has_a_function_a_text_and_an_html_part() -> None:
    files = ("mail.notifications", "mail.landlord_mails")
    functions = {node.name for file in files for node in TREES[file].body if isinstance(node, ast.FunctionDef)}
    pages = {path.stem for path in (TEMPLATES / "mail").glob("*.html")} - {"base"}
    texts = {path.stem for path in (TEMPLATES / "mail").glob("*.txt")}
    assert pages and pages <= texts and pages <= functions


# What is not there (ASVS 1.2.5, 1.3.2, 1.5.1, 1.5.2, 3.7.2, 6.5.3, 14.3.3, 16.4.2)


def test_nobody_is_sent_to_an_address_that_was_typed() -> None:
    """A redirect names one of our pages, or is built from our own map."""
    loose = [
        f"{module}:{node.lineno} names a header"
        for module, nodes in NODES.items()
        for node in nodes
        if isinstance(node, ast.Constant) and str(node.value).lower() in {"location", "refresh"}
    ]
    for module, call in CALLS:
        if called(call) == "redirect":
            target = call.args[0]
            is_built = isinstance(target, ast.Call) and called(target) in {"next_page", "same_page"}
            is_named = isinstance(target, ast.Call) and ast.unparse(target.func) == "url_for"
            if not is_built and not (is_named and isinstance(target.args[0], ast.Constant)):  # type: ignore[attr-defined]
                loose.append(f"{module}:{call.lineno} {ast.unparse(call)}")
    assert not loose


def test_nothing_of_a_stranger_is_run_unpickled_or_parsed_as_xml_and_chance_is_for_secrets() -> None:
    # The import's report has no name: nobody else can write to it.
    own = {"roster.report: marshal"}
    modules = {"pickle", "marshal", "shelve", "dill", "yaml", "xml", "lxml", "random", "ctypes", "pty", "commands"}
    names = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "render_template_string"}
    found = {f"{module}: {name}" for module in FILES for name in libraries_of(module) & modules}
    found |= {f"{module}: {ast.unparse(call)}" for module, call in CALLS if ast.unparse(call.func) in names}
    found |= {f"{module}: shell=" for module, call in CALLS for word in call.keywords if word.arg == "shell"}
    assert not found - own


def test_ways_in_are_those_that_are_documented() -> None:
    """The login, the activation and the reopening begin a session; a new password renews it (docs/security.md)."""
    callers = {
        f"{module}.{function.name}"
        for module, function in FUNCTIONS
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and called(node) in {"log_in", "login_user"}
    }
    assert callers == {"web.login_flow.enter", "web.login.confirm_reopening", "web.password.change"}


def test_journal_is_only_added_to() -> None:
    changing = [(module, call) for module, call in CALLS if called(call) in {"update", "delete"}]
    touching = [f"{module}:{c.lineno}" for module, c in changing if "Event" in [ast.unparse(a) for a in c.args]]
    assert changing and not touching


def test_script_keeps_nothing_in_the_browser_and_writes_no_markup() -> None:
    script = (PACKAGE / "static" / "portal.js").read_text(encoding="utf-8")
    markup = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function"
    assert not re.findall(rf"{markup}|Storage\b|indexedDB|\.cookie|paste", script)


def test_staff_have_no_field_for_a_password() -> None:
    """But for their own, where they log in."""
    own = {"entrance", "invitation"}
    pages = [path for path in (TEMPLATES / "office").rglob("*.html") if path.parent.name not in own]
    files = [path for name, path in FILES.items() if name.startswith("office.screens.") and path.stem not in own]
    assert pages and files
    assert not [path for path in (*pages, *files) if "password" in path.read_text(encoding="utf-8").lower()]
