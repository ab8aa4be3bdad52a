#!/bin/sh
# Installs what the tests need and a bare Debian or Ubuntu lacks. Does nothing where all is there,
# and nothing on other systems. Needs root only when something is missing. With TRUEWHEEL_NO_ENGINES=1
# the container engines are left out, and the tests of the lane `containers` are skipped.
set -eu

command -v dpkg-query >/dev/null || exit 0

missing=""
engines="buildah docker.io fuse-overlayfs iproute2 mmdebstrap podman runc uidmap"
[ -z "${TRUEWHEEL_NO_ENGINES:-}" ] || engines=""
# shellcheck disable=SC2086 # one word per package
for package in $engines bindfs chromium chromium-driver exfat-fuse exfatprogs gcc libc6-dev \
    libpython3-dev python3 python3-venv git util-linux; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
# Node.js often comes from elsewhere, and then Debian's own cannot be installed beside it.
command -v node >/dev/null || missing="$missing nodejs"
command -v npm >/dev/null || missing="$missing npm"
[ -n "$missing" ] || exit 0

echo "installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet=2
# shellcheck disable=SC2086 # one word per package
apt-get install --quiet=2 --yes --no-install-recommends $missing
