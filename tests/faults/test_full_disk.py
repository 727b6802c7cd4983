"""A file system of a few megabytes without a byte left."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import services
from tests.support.paths import ROOT

#: Megabytes: room for twenty thousand contracts and a backup.
SIZE = 32
pytestmark = [pytest.mark.slow, pytest.mark.sqlite]


def test_a_full_disk_loses_nothing_and_all_goes_on_when_room_is_made(tmp_path: Path) -> None:
    disk = tmp_path / "disque"
    disk.mkdir()
    program = shlex.join([sys.executable, "-m", "tests.faults.full_disk", str(disk)])
    line = f"mount -t tmpfs -o size={SIZE}m tmpfs {shlex.quote(str(disk))} || exit 77; exec {program}"
    done = subprocess.run(
        [shutil.which("unshare") or "unshare", "--user", "--map-root-user", "--mount", "sh", "-c", line],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode == 77 or done.stderr.startswith("unshare:"):
        services.missing(f"a file system of its own ({done.stderr.strip()})")
    assert done.returncode == 0, done.stderr[-4000:]
