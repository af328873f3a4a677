#!/usr/bin/env bash
# Prints the newest version of the C library that a binary asks for; exit code 1 where that is newer than MAX.
#
#   docker/dist/glibc.sh BINARY [MAX]
set -euo pipefail
max=${2:-2.31}
needed=$(objdump -T "$1" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -uV | tail -1)
echo "$needed"
[ "$(printf '%s\n%s\n' "$needed" "$max" | sort -V | tail -1)" = "$max" ] || {
    echo "error: $1 needs glibc $needed, which is newer than $max" >&2
    exit 1
}
