"""Operating a portal: backup, migrations, doctor, metrics, log format, retention."""
