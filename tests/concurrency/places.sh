#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Services under users of their own, on a plain system, with a private /var/tmp (systemd's PrivateTmp) and in a container with
# an overlay file system: each finds a place for its replay store without anybody's help. All happens in namespaces of its
# own; nothing of this machine's directories is touched. Prints one line each, "ok" or "not ok". Exit code 77: cannot be tried.
set -u
race=$(pwd)/replay_race
[ "$(id -u)" -eq 0 ] || { echo "skipped: needs root"; exit 77; }
unshare --mount true 2>/dev/null || { echo "skipped: no mount namespaces here"; exit 77; }
failed=0

# In the namespace: hides the machine's places, then runs the race as a user whose home is nowhere.
inside='
    set -e
    mount -t tmpfs -o mode=755 none /mnt
    cp "$1" /mnt/replay_race
    [ ! -d /var/lib/apex-replay ] || mount -t tmpfs -o mode=755 none /var/lib
    case $2 in
    overlay)
        mkdir -m 1777 /mnt/lower /mnt/upper
        mkdir /mnt/work
        mount -t overlay -o lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work none /var/tmp ;;
    *) mount -t tmpfs -o mode=1777 none /var/tmp ;;
    esac
    exec setpriv --reuid="$3" --regid="$3" --clear-groups /mnt/replay_race 2 4 200 default'

# try NAME KIND USER UNSHARE-OPTION...
try() {
    name=$1 kind=$2 id=$3
    shift 3
    if answer=$(unshare --mount --propagation private "$@" sh -c "$inside" sh "$race" "$kind" "$id" 2>&1); then
        echo "ok: $name: ${answer#ok: }"
    else
        echo "not ok: $name: $answer"
        failed=1
    fi
}

for user in www-data nobody $(id -un postgres 2>/dev/null); do
    number=$(id -u "$user")
    try "$user with a /var/tmp of its own" private "$number"
    try "$user in a container" overlay "$number" --ipc --pid --fork --mount-proc
done
exit $failed
