"""Prints requirements for the lowest versions that pyproject.toml allows, with the tools of the tests as pinned."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Print one requirement per line."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lowest = [line.replace(">=", "==") for line in project["dependencies"] + extras["postgresql"] + extras["redis"]]
    ours = {re.split(r"[\[=]", line)[0].lower() for line in lowest}
    tools = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("#")[0].strip() for line in tools if "==" in line]
    print(*lowest, *(pin for pin in pins if re.split(r"[\[=]", pin)[0].lower() not in ours), sep="\n")


if __name__ == "__main__":
    main()
