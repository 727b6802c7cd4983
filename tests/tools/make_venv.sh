#!/bin/sh
# Makes .venv with the Python that is given; on Debian, where venv is a package of its own, installs it if this is allowed.
set -eu
python=$1

if ! command -v "$python" >/dev/null; then
    echo "Python 3.11 or newer is needed: $python was not found. Another one: make PYTHON=/path/to/python3 …" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Python 3.11 or newer is needed; $python is $("$python" -V). Another one: make PYTHON=/path/to/python3 …" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "Python's module venv is missing. On Debian: apt-get install $package" >&2
        exit 1
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
fi
rm -rf .venv
"$python" -m venv .venv
