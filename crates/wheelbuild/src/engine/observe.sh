#!/bin/sh
# Looks from inside a container whether it keeps what a build counts on. Nothing but a shell is
# needed. $1 is a place to write to, $2 one that must not be, $3 one in memory.
networks=
while read -r name rest; do
    case $name in
        *:*) networks="$networks ${name%%:*}" ;;
    esac
done </proc/net/dev
echo "networks$networks"
while read -r key value rest; do
    case $key in
        Uid: | CapEff: | NoNewPrivs:) echo "$key $value" ;;
    esac
done </proc/self/status
may_write() {
    if (: >"$2/truewheel-probe") 2>/dev/null; then echo "$1 yes"; else echo "$1 no"; fi
}
may_write output "$1"
may_write input "$2"
may_write memory "$3"
may_write root ""
umask
echo "error" >&2
exec env
