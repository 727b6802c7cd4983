"""A data folder on a network disk that cannot flush: publishing and backup end well, and a lost disk is told."""

import errno
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from flask import Flask

from ..conftest import SETTINGS
from ..support import services
from ..support.live import run_python
from ..support.paths import ROOT
from ..support.people import Roster
from ..support.rent_notices import files, in_folder, pdf, standing

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]

COMMANDS = """
import json, sys
from tenant_portal import create_app
app = create_app(json.loads(sys.argv[1]))
for command in (("notices", "publish", sys.argv[2]), ("backup", sys.argv[3] + "/portail.zip")):
    result = app.test_cli_runner().invoke(args=["portal", *command])
    print(result.exit_code, result.output.splitlines()[-1], result.exception)
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Return a library that lets calls fail as such a disk does."""
    compiler = shutil.which("cc")
    if compiler is None:
        services.missing("a C compiler")
    path = tmp_path / "no_flush.so"
    source = str(ROOT / "tests" / "faults" / "no_flush.c")
    subprocess.run([str(compiler), "-shared", "-fPIC", "-o", str(path), source, "-ldl"], check=True)
    return path


@pytest.fixture
def share(app: Flask) -> Path:
    path = Path(app.config["PORTAL_DATA_DIR"])
    path.mkdir(exist_ok=True)
    return path


def run_on_share(app: Flask, share: Path, library: Path, cannot: str, answer: str) -> list[list[str]]:
    """Publish a notice and save everything; return exit code and last words of each."""
    Roster(app, share.parent).add(reference="417201")
    notices = in_folder(share.parent / "avis", {"417201_2026-11.pdf": pdf()})
    names = ("SQLALCHEMY_DATABASE_URI", "PORTAL_DATA_DIR")
    config = json.dumps({**SETTINGS, **{name: app.config[name] for name in names}})
    env = {"LD_PRELOAD": str(library), "SHARE": str(share), "CANNOT": cannot, "ANSWER": str(getattr(errno, answer))}
    done = run_python(ROOT, "-c", COMMANDS, config, str(notices), str(share), **env)
    assert done.returncode == 0, done.stderr
    return [line.split(maxsplit=1) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("cannot", "answer"),
    [("fsync", "EINVAL"), ("fsync", "ENOTSUP"), ("fsync", "ENOSYS"), ("open", "EACCES"), ("open", "EPERM")],
)
def test_a_share_that_cannot_flush_takes_notices_and_backups(
    app: Flask, share: Path, library: Path, cannot: str, answer: str
) -> None:
    ends = run_on_share(app, share, library, cannot, answer)
    assert [code for code, _said in ends] == ["0", "0"], ends
    assert list(standing(app)) == [("417201", "2026-11-01")]
    assert (share / "portail.zip").is_file()
    assert not list(share.rglob("tmp*"))


def test_a_share_that_is_lost_is_told_and_nothing_is_published(app: Flask, share: Path, library: Path) -> None:
    ends = run_on_share(app, share, library, "fsync", "EIO")
    assert ends[0][0] == "2" and os.strerror(errno.EIO) in ends[0][1], ends
    assert ends[1][0] != "0" and os.strerror(errno.EIO) in ends[1][1], ends
    assert not standing(app) and not files(app) and not list(share.glob("*.zip"))
