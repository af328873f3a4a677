#!/usr/bin/env bash
# Builds stand-ins for the development servers' images, for a machine that reaches package mirrors but no container
# registry: Kafka, Apicurio Registry and Cassandra from their published jars on Debian, and Jaeger from its binary
# (JAEGER_BINARY names it). Needs Maven, and buildah or docker; the base image is DEBIAN.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=${SERVER_IMAGES_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/beamline/server-images}
debian=${DEBIAN:-docker.io/library/debian:bookworm-slim}
. "$here/../engine.sh"
say() { echo "server images: $*" >&2; }

image beamline/jre:17 || { say "beamline/jre:17"; build beamline/jre:17 "$here/jre.Dockerfile" "$here" --build-arg "DEBIAN=$debian"; }
jre=$(local_name beamline/jre:17)

# jars NAME: the jars of a Maven project, fetched once for each state of its pom.xml.
jars() {
    mkdir -p "$work/$1"
    [ -d "$work/$1/lib" ] && cmp -s "$here/$1/pom.xml" "$work/$1/pom.xml" && return
    rm -rf "$work/$1/lib"
    mvn -q -B -f "$here/$1/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$work/$1/lib"
}

# unchanged NAME: whether the image was made from the files that are here.
unchanged() { [ -z "$(diff -rq "$here/$1" "$work/$1" 2>&1 | grep -v "^Only in $work")" ]; }

for server in kafka cassandra; do
    image "beamline/$server:dev" && unchanged "$server" && continue
    say "beamline/$server:dev"
    jars $server
    cp -r "$here/$server/." "$work/$server/"
    build "beamline/$server:dev" "$work/$server/Dockerfile" "$work/$server" --build-arg "JRE=$jre"
done

if ! image beamline/registry:dev; then
    say beamline/registry:dev
    mkdir -p "$work/registry/app"
    mvn -q -B dependency:copy -Dartifact=io.apicurio:apicurio-registry-app:3.0.9:tar.gz:all -DoutputDirectory="$work/registry"
    tar -xzf "$work"/registry/apicurio-registry-app-*.tar.gz -C "$work/registry/app" --strip-components=0
    build beamline/registry:dev "$here/registry/Dockerfile" "$work/registry" --build-arg "JRE=$jre"
fi

if ! image beamline/jaeger:dev; then
    if [ -x "${JAEGER_BINARY:-}" ]; then
        say beamline/jaeger:dev
        mkdir -p "$work/jaeger"
        cp "$JAEGER_BINARY" "$work/jaeger/jaeger"
        build beamline/jaeger:dev "$here/jaeger/Dockerfile" "$work/jaeger" --build-arg "BASE=$debian"
    else
        say "no JAEGER_BINARY, so no beamline/jaeger:dev"
    fi
fi
