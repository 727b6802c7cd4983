"""What keeps a portal running: backup, migrations, doctor, figures, log lines, how long data is kept."""
