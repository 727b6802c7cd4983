"""What runs before any setting exists: `python -m tenant_portal demo` and `python -m tenant_portal setup`."""

import click

from . import demo, installer


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """L'espace locataire : essayer (demo) ou installer (setup)."""


main.add_command(demo.demo)
main.add_command(installer.setup)

if __name__ == "__main__":
    main(prog_name="python -m tenant_portal")
