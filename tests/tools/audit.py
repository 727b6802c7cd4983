"""`make audit`: pins are exact, all dependencies are listed with hashes, and known faults are looked up.

Exit code 1: a loose pin or a known fault. Exit code 3: the list of faults is out of reach.
"""

import json
import re
import subprocess
import sys

from tests.support.paths import ROOT

BUILD = ROOT / "build"
LIST = BUILD / "dependencies.txt"
PIN = re.compile(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[0-9][^\s*]*")
UNREACHABLE = 3


def main() -> int:
    loose = loose_pins()
    if loose:
        print("\n".join(f"{line}: not an exact version" for line in loose))
        return 1
    listed = list_dependencies()
    print(f"every pin is exact; {listed} packages with their hashes are listed in {LIST.relative_to(ROOT)}", flush=True)
    answer = subprocess.run(
        [
            *(str(BUILD / "audit" / "bin" / "pip-audit"), "--disable-pip", "--require-hashes", "--format", "json"),
            *("-r", str(LIST)),
        ],
        capture_output=True,
        text=True,
    )
    try:
        rows = json.loads(answer.stdout)["dependencies"]
    except ValueError:
        print(answer.stderr)
        rows = [{"name": "everything", "skip_reason": "no answer"}]
    faults = [f"{row['name']}: {fault['id']}" for row in rows for fault in row.get("vulns", ())]
    unseen = [row["name"] for row in rows if "skip_reason" in row]  # pip-audit calls these a success
    print("\n".join([f"{len(rows) - len(unseen)} of {len(rows)} packages were looked up", *faults]))
    if unseen:
        print(f"The list of known faults cannot be reached from here for: {', '.join(unseen)}.")
        print(
            "Copy the file to a machine that reaches pypi.org, and there: pip-audit --disable-pip -r dependencies.txt"
        )
    return 1 if faults else UNREACHABLE if unseen else 0


def loose_pins() -> list[str]:
    """Return requirements that leave a version open."""
    files = sorted(ROOT.glob("requirements*.txt"))
    lines = [(path.name, line.split("#")[0].strip()) for path in files for line in path.read_text().splitlines()]
    return [
        f"{name}: {line}" for name, line in lines if line and not line.startswith("-r ") and not PIN.fullmatch(line)
    ]


def list_dependencies() -> int:
    """Write all dependencies with their hashes; return how many there are."""
    report = BUILD / "dependencies.json"
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"),
            *("--disable-pip-version-check", "--report", str(report), "-r", str(ROOT / "requirements.txt")),
        ],
        check=True,
    )
    rows = json.loads(report.read_text(encoding="utf-8"))["install"]
    lines = [
        f"{row['metadata']['name']}=={row['metadata']['version']}"
        f" --hash=sha256:{row['download_info']['archive_info']['hashes']['sha256']}\n"
        for row in rows
    ]
    LIST.write_text("".join(sorted(lines, key=str.lower)), encoding="utf-8")
    return len(lines)


if __name__ == "__main__":
    sys.exit(main())
