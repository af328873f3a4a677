# Sourced: builds images with buildah where there is one, else with docker (or what ENGINE names).
ENGINE=${ENGINE:-$(command -v buildah >/dev/null && echo buildah || echo docker)}

# image NAME: whether it is there.
image() {
    case "$ENGINE" in
    buildah) buildah inspect --type image "$1" >/dev/null 2>&1 ;;
    *) "$ENGINE" image inspect "$1" >/dev/null 2>&1 ;;
    esac
}

# local_name NAME: what a Dockerfile calls an image that was built here.
local_name() { case "$ENGINE" in docker) echo "$1" ;; *) echo "localhost/$1" ;; esac; }

# build NAME DOCKERFILE CONTEXT [OPTION...]
build() {
    local name=$1 file=$2 context=$3
    shift 3
    case "$ENGINE" in
    buildah) buildah bud -q --isolation chroot --pull=never --layers -t "$name" -f "$file" "$@" "$context" ;;
    *) DOCKER_BUILDKIT=${DOCKER_BUILDKIT:-1} "$ENGINE" build -q -t "$name" -f "$file" "$@" "$context" ;;
    esac
}

# size NAME: in MB, layers of the base included.
size() {
    case "$ENGINE" in
    buildah) buildah images --format '{{.Size}}' "$(local_name "$1")" | head -1 ;;
    *) "$ENGINE" image inspect --format '{{.Size}}' "$1" | awk '{ printf "%.0f MB\n", $1 / 1e6 }' ;;
    esac
}
