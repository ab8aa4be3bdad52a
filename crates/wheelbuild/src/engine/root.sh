#!/bin/sh
# Makes the root of a container: $image's directories, read-only, in a small file system at $root.

# Mounts $1 at $2, which is made where it is missing; $3 is ro or rw.
show() {
    if [ -d "$1" ]; then
        [ -d "$2" ] || mkdir -p "$2"
    else
        [ -e "$2" ] || { mkdir -p "${2%/*}" && : >"$2"; }
    fi
    mount --rbind "$1" "$2"
    [ "$3" = rw ] || mount -o remount,bind,ro "$2"
}

mount -t tmpfs -o nosuid,nodev,mode=0755,size=16m tmpfs "$root"
for entry in "$image"/* "$image"/.[!.]*; do
    name=${entry##*/}
    if [ -L "$entry" ]; then
        cp -P "$entry" "$root/$name"
    elif [ -d "$entry" ]; then
        case $name in
            dev | proc | sys | tmp | run) ;;
            *) show "$entry" "$root/$name" ro ;;
        esac
    fi
done
mkdir -m 0755 "$root/dev" "$root/proc" "$root/run" "$root/sys"
mkdir -m 1777 "$root/tmp"
mount -t tmpfs -o nosuid,noexec,mode=0755,size=1m tmpfs "$root/dev"
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
mkdir -m 1777 "$root/dev/shm"
mount -t tmpfs -o nosuid,nodev,noexec,mode=1777,size=64m tmpfs "$root/dev/shm"
