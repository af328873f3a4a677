# Sourced by run.sh: KEDA in the cluster, and the detector under a load step, scaled by it. Where KEDA is not installed yet, its
# programs are compiled from its Go module.

KEDA=${KEDA:-v2.21.0}

# Compiles KEDA's three programs once, and makes one image of them; fails where there is no Go, or its proxy cannot be reached.
keda_image() {
    local kept=${XDG_CACHE_HOME:-$HOME/.cache}/beamline/keda-$KEDA begun=$SECONDS module
    keda_folder=$kept
    if [ ! -d "$kept/programs" ]; then
        command -v go >/dev/null || return 1
        module=$(cd / && go mod download -json "github.com/kedacore/keda/v2@$KEDA" | python3 -c 'import json, sys; print(json.load(sys.stdin)["Dir"])') || return 1
        rm -rf "$kept" && mkdir -p "$kept/compiled"
        cp -r "$module" "$kept/source" && chmod -R u+w "$kept/source"
        (cd "$kept/source" && CGO_ENABLED=0 go build -mod=mod -trimpath -ldflags '-s -w' -o "$kept/compiled/" ./cmd/operator ./cmd/adapter ./cmd/webhooks) || return 1
        kubectl kustomize "$kept/source/config/default" >"$kept/keda.yaml" || return 1
        rm -rf "$kept/source"
        mv "$kept/compiled" "$kept/programs"
        say "KEDA $KEDA compiled in $((SECONDS - begun)) s"
    fi
    . docker/engine.sh
    cat >"$kept/Dockerfile" <<'END'
FROM scratch
COPY operator /keda
COPY adapter /keda-adapter
COPY webhooks /keda-admission-webhooks
USER 65532:65532
END
    # The engine has it already where nothing changed; the cluster may be another one.
    build beamline/keda:dev "$kept/Dockerfile" "$kept/programs" >/dev/null && load beamline/keda:dev
}

# Installs KEDA as its own manifests have it, from that image.
keda_begins() {
    sed -E -e 's#ghcr.io/kedacore/keda[a-z-]*:main#beamline/keda:dev#' -e 's#imagePullPolicy: Always#imagePullPolicy: IfNotPresent#' \
        "$keda_folder/keda.yaml" >"$work/keda.yaml"
    # Their definitions are larger than the annotation that a plain `apply` keeps them in.
    kubectl apply --server-side -f "$work/keda.yaml" >"$LOGS/keda.log" 2>&1 || { tail -5 "$LOGS/keda.log" >&2; fail "KEDA cannot be installed"; }
    for name in keda-operator keda-metrics-apiserver keda-admission; do
        kubectl -n keda rollout status deployment "$name" --timeout=180s >>"$LOGS/keda.log" 2>&1 || fail "$name does not become ready"
    done
}

scaled_by_keda() {
    local ours=
    if ! kubectl get crd scaledobjects.keda.sh >/dev/null 2>&1; then
        keda_image >"$LOGS/keda-build.log" 2>&1 || { skip "KEDA: it is not installed and cannot be compiled here (keda-build.log)"; return; }
        keda_begins
        ours=1
    fi
    scaled keda --set scaling.keda.lagThreshold=2000 --set scaling.keda.pollingInterval=5 --set-json "scaling.keda.behavior=$quick"
    [ -z "$ours" ] || kubectl delete -f "$work/keda.yaml" --wait=false >>"$LOGS/keda.log" 2>&1
}
