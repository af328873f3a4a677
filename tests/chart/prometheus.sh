#!/usr/bin/env bash
# prometheus.sh FOLDER: puts Debian's prometheus and promtool there, without installing the package; needs apt-get and dpkg.
set -euo pipefail
folder=$1
[ -x "$folder/prometheus" ] && [ -x "$folder/promtool" ] && exit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$folder"
cd "$work"
apt-get download -q prometheus >&2
dpkg -x prometheus_*.deb .
install usr/bin/prometheus usr/bin/promtool "$folder"
