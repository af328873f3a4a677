#!/usr/bin/env bash
# Checks the chart: lint, rendered examples and pods against those in the repository (WRITE=1 writes them), objects against
# Kubernetes' schemas where kubeconform is there, and what the templates must and must not say.
set -euo pipefail
cd "$(dirname "$0")/../.."
chart=charts/beamline
stream="-f k8s/values-stream.yaml"
# Said, because what Helm takes for granted depends on how it was built.
kubernetes="--kube-version 1.34.0"
command -v helm >/dev/null || { echo "error: no helm; see https://helm.sh/docs/intro/install" >&2; exit 1; }

# The values of an example: its own, or the ready ones of k8s/.
values_of() {
    if [ -f "$chart/examples/$1/values.yaml" ]; then echo "$chart/examples/$1/values.yaml"; else echo "k8s/values-$1.yaml"; fi
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
for example in kind minikube production hpa keda; do
    values=$(values_of "$example")
    # shellcheck disable=SC2086
    helm lint --strict --quiet "$chart" $kubernetes $stream -f "$values"
    # shellcheck disable=SC2086
    helm template beamline "$chart" -n beamline $kubernetes $stream -f "$values" >"$work/$example.yaml"
    rendered=$chart/examples/$example/rendered.yaml
    if [ "${WRITE:-}" = 1 ]; then
        mkdir -p "$(dirname "$rendered")"
        cp "$work/$example.yaml" "$rendered"
    elif ! diff -u "$rendered" "$work/$example.yaml" >"$work/diff"; then
        echo "error: $rendered is not what the chart renders; write it anew with make chart-examples" >&2
        head -40 "$work/diff" >&2
        bad=1
    fi
done
for golden in set null brokers; do
    # shellcheck disable=SC2086
    helm template beamline "$chart" -n beamline $kubernetes $stream -f "tests/chart/golden/$golden.yaml" >"$work/$golden.yaml"
done
echo "lint and examples: done"

# KUBECONFORM_SCHEMAS: a folder or address of schemas for a machine without a network.
if command -v "${KUBECONFORM:-kubeconform}" >/dev/null; then
    "${KUBECONFORM:-kubeconform}" -strict -summary -skip ServiceMonitor,PrometheusRule,ScaledObject \
        ${KUBECONFORM_SCHEMAS:+-schema-location "$KUBECONFORM_SCHEMAS"} "$work"/*.yaml || bad=1
else
    echo "kubeconform: not here, left out"
fi

python3 tests/chart/test_templates.py || bad=1
python3 tests/chart/test_dashboard.py || bad=1
python3 tests/chart/test_compose.py || bad=1
python3 tests/chart/test_keda.py || bad=1
if command -v promtool >/dev/null; then python3 tests/chart/test_alerts.py || bad=1; else echo "promtool: not here, the alerts left out"; fi
exit $bad
