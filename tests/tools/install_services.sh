#!/bin/sh
# Installs what the tests drive besides Python, only what is missing and only as root on Debian; else names it.
set -eu

packages=
command -v chromium >/dev/null || packages="$packages chromium fonts-liberation"
command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || packages="$packages postgresql"
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || packages="$packages nginx-light"
command -v systemd-analyze >/dev/null || packages="$packages systemd"
command -v git >/dev/null || packages="$packages git"
command -v openssl >/dev/null || packages="$packages openssl"
command -v redis-server >/dev/null || packages="$packages redis-server"
command -v cc >/dev/null || packages="$packages gcc libc6-dev"
command -v dovecot >/dev/null || [ -x /usr/sbin/dovecot ] || packages="$packages dovecot-imapd"

[ -n "$packages" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Missing for some of the tests, which will be skipped: install$packages" >&2
    exit 0
fi
echo "Installing$packages"
apt-get update -qq
# shellcheck disable=SC2086 (a list of names)
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
