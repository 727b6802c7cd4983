#!/bin/sh
# Granian for the portal: sh deploy/granian.sh [--host 127.0.0.1] [--port 8000] [any option of granian]
#
# One process, many threads: counters per address of origin live in memory unless PORTAL_RATE_STORAGE_URI names a Redis.
# A visitor who sends his form byte by byte keeps a thread, and so does one whose password waits to be hashed; threads
# that nobody needs end by themselves. See docs/servers.md. Let whatever starts this script (systemd, say) start it again
# should it end.
cd "$(dirname "$0")/.."
[ -x .venv/bin/granian ] && PATH="$PWD/.venv/bin:$PATH"
# Has glibc keep the memory of a password's hash for the next one: see docs/passwords.md.
export MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=1000000000 MALLOC_MMAP_THRESHOLD_=1000000000
# Headers are 8 KiB at most, as with nginx and gunicorn: to take apart more cookies takes longer than most pages.
exec granian --interface wsgi --workers 1 --blocking-threads 256 --backpressure 1024 --http1-header-read-timeout 10000 \
    --http1-buffer-size 8192 --no-ws "$@" wsgi:app
