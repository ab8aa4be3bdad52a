#!/bin/sh
# Installs what the tests need and a bare Debian or Ubuntu lacks. Does nothing where all is there,
# and nothing on other systems. Needs root only when something is missing.
set -eu

command -v dpkg-query >/dev/null || exit 0

missing=""
for package in bindfs chromium chromium-driver exfat-fuse exfatprogs gcc libc6-dev python3 \
    python3-venv git util-linux; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet=2
# shellcheck disable=SC2086 # one word per package
apt-get install --quiet=2 --yes --no-install-recommends $missing
