"""`python -m tenant_portal demo` and `setup`, which need no settings."""

import click

from . import demo
from .cli import setup_wizard


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """L'espace locataire : essayer (demo) ou installer (setup)."""


main.add_command(demo.demo)
main.add_command(setup_wizard.setup)

if __name__ == "__main__":
    main(prog_name="python -m tenant_portal")
