#!/usr/bin/env bash
# Fetches the sources of Pythia from the package index and compiles its generator with pythia.cc, without optimisation: five minutes of
# processor time. The package's own installation compiles the bindings for Python as well, which takes half an hour.
#
#     build-pythia.sh VERSION FOLDER
#
# Makes FOLDER/pythia, and beside it its settings: xmldoc, pdfdata, tunes.
set -euo pipefail

version=$1 folder=$2 program=$(dirname "$(realpath "$0")")/pythia.cc
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
mkdir -p "$folder"

python3 -m venv "$build/python"
"$build/python/bin/python" -m pip download --quiet --no-deps --no-binary :all: --dest "$build" "pythia8mc==$version"
tar -xzf "$build/pythia8mc-$version.tar.gz" -C "$build"
sources=$(echo "$build/pythia8mc-$version"/pythia8*/src)
flags=(-O0 -g0 -w -std=c++11 -DNOPLUGIN '-DXMLDIR="xmldoc"' -DFJCORE_HAVE_LIMITED_THREAD_SAFETY "-I$sources/../plugins/python/include")

mkdir "$build/objects"
printf '%s\0' "$sources"/*.cc | xargs -0 -P "$(nproc)" -I{} bash -c '"${@:2}" -c "$1" -o "'"$build"'/objects/$(basename "$1").o"' - {} g++ "${flags[@]}"
cp -r "$sources"/../share/Pythia8/{xmldoc,pdfdata,tunes} "$folder/"
g++ "${flags[@]}" "$program" "$build"/objects/*.o -o "$folder/pythia" -ldl -lpthread
