#!/usr/bin/env bash
# Builds the images beamline/SERVICE:TAG and says how large they are.
#
#   docker/images.sh [SERVICE...]     all services by default
#
# PREBUILT=1 packages the binaries of target/debug (BINARIES names another folder) and leaves out those that are not
# there; else docker/Dockerfile builds each from source. RUST and RUNTIME name other base images, TAG another tag.
set -euo pipefail
cd "$(dirname "$0")/.."
. docker/engine.sh
tag=${TAG:-dev}
binaries=${BINARIES:-${CARGO_TARGET_DIR:-target}/debug}
services=("$@")
[ $# -gt 0 ] || services=(generator enricher anomaly-detector aggregator writer dashboard autoscaler beamline)
revision=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# one SERVICE: builds its image and says how large it is; says nothing where there is nothing to package.
one() {
    local service=$1
    local options=(--build-arg "SERVICE=$service" --build-arg "VERSION=$version" --build-arg "REVISION=$revision"
        ${RUNTIME:+--build-arg "RUNTIME=$RUNTIME"})
    [ "$service" != beamline ] || options+=(--target beamline)
    if [ "${PREBUILT:-}" = 1 ]; then
        [ -x "$binaries/$service" ] || { echo "images: no $binaries/$service, left out" >&2; return; }
        mkdir "$work/$service"
        # Symbols are for a debugger, which an image has not.
        strip -o "$work/$service/service" "$binaries/$service" 2>/dev/null || cp "$binaries/$service" "$work/$service/service"
        build "beamline/$service:$tag" docker/Dockerfile.prebuilt "$work/$service" "${options[@]}" >/dev/null
    else
        build "beamline/$service:$tag" docker/Dockerfile . "${options[@]}" ${RUST:+--build-arg "RUST=$RUST"} >/dev/null
    fi
    echo "beamline/$service:$tag $(size "beamline/$service:$tag")"
}

# From source one after the other, since they share what is compiled; what is only packaged, all at once.
for service in "${services[@]}"; do
    if [ "${PREBUILT:-}" = 1 ]; then one "$service" >"$work/$service.said" & else one "$service"; fi
done
[ "${PREBUILT:-}" = 1 ] || exit 0
for job in $(jobs -p); do wait "$job"; done
cat "$work"/*.said
grep -q . "$work"/*.said || { echo "error: no image made; build the services first: make build" >&2; exit 1; }
