"""`python -m benchmarks [name …]`: measure everything, or what is named, and print the table."""

import sys
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from . import __path__ as folder
from .table import markdown


def main(names: list[str]) -> None:
    """Run the benchmarks of those names, or all: each is a module of this folder with a function `rows`."""
    modules = [import_module(f"{__package__}.{module.name}") for module in iter_modules(folder)]
    benchmarks = {name_of(module): module for module in modules if hasattr(module, "rows")}
    unknown = set(names) - set(benchmarks)
    if unknown:
        sys.exit(f"no benchmark named {', '.join(sorted(unknown))}; there are {', '.join(benchmarks)}")
    rows = []
    for name in names or benchmarks:
        for row in benchmarks[name].rows():
            print(f"{name}: {row.work}: {row.reached}", flush=True)
            rows.append(row)
    print(f"\n{markdown(rows)}")


def name_of(module: ModuleType) -> str:
    """Return by what name a benchmark is asked for."""
    return module.__name__.rpartition(".")[2]


if __name__ == "__main__":
    main(sys.argv[1:])
