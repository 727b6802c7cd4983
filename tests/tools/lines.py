"""Prints the lines of the package by room, comments included: what grows is seen."""

from collections import Counter

from tests.support.paths import ROOT


def main() -> None:
    """Print one line for each room, then the package without the office, and the office."""
    rooms: Counter[str] = Counter()
    for path in (ROOT / "tenant_portal").rglob("*.py"):
        parts = path.relative_to(ROOT / "tenant_portal").parts
        rooms[parts[0] if len(parts) > 1 else "ground and front door"] += len(
            path.read_text(encoding="utf-8").splitlines()
        )
    for room, lines in rooms.most_common():
        print(f"{lines:6,}  {room}")
    print(f"{rooms.total() - rooms['office']:6,}  without the office")


if __name__ == "__main__":
    main()
