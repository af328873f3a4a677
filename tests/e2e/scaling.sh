# The ways to scale, under a load step: Beamline's autoscaler, then those of Kubernetes and KEDA, which take over from it.
# Read by run.sh. They have a release and a namespace of their own, so that they are watched while the other steps go on.

step_begin_autoscale() {
    step "scaling under a load step: begun, its report comes further down"
    (autoscale) >"$LOGS/autoscale.out" 2>&1 &
    autoscaling=$!
}

step_autoscale() {
    step "scaling under a load step: its report"
    [ -n "${autoscaling:-}" ] || step_begin_autoscale
    wait "$autoscaling" || { cat "$LOGS/autoscale.out" >&2; fail "scaling under a load step"; }
    cat "$LOGS/autoscale.out"
    local kind line
    while read -r kind line; do
        if [ "$kind" = pass: ]; then passed+=("$line"); else skipped+=("$line"); fi
    done < <(sed -nE 's/^\[ *[0-9]* s\]    (pass:|skip:)/\1/p' "$LOGS/autoscale.out")
}

autoscale() {
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    # The rate is part of what a synthetic stream is, so that another rate is another release.
    local RATE=${STEP_RATE:-4000} NAMESPACE=$NAMESPACE-scaled
    # A detector of a hundredth of a processor can be outrun on any machine.
    local scaled=(--set 'scaling.services={anomaly-detector}' --set scaling.maxReplicas=3
        --set scaling.builtin.interval=3s --set scaling.builtin.lagHigh=4s --set scaling.builtin.lagLow=2s --set scaling.builtin.lagRecordsMin=500
        --set scaling.builtin.coolDownUp=10s --set scaling.builtin.coolDownDown=20s --set scaling.builtin.replicas=1
        --set scaling.keda.lagThreshold=500 --set scaling.keda.pollingInterval=5
        --set services.writer.enabled=false --set services.aggregator.enabled=false --set development.jaeger.enabled=false
        --set services.anomaly-detector.resources.limits.cpu="${THROTTLE:-15m}" --set services.anomaly-detector.resources.requests.cpu=5m)
    scaled_by_builtin
    if kubectl get --raw /apis/metrics.k8s.io/v1beta1/nodes >/dev/null 2>&1; then scaled_by_other hpa; else skip "scaling by HPA: this cluster has no metrics-server"; fi
    if kubectl get crd scaledobjects.keda.sh >/dev/null 2>&1; then scaled_by_other keda; else skip "scaling by KEDA: it is not on this cluster"; fi
    helm uninstall "$RELEASE" -n "$NAMESPACE" --wait --timeout 3m >/dev/null
    kubectl delete namespace "$NAMESPACE" --wait=false >/dev/null
}

scaled_by() { helm_apply "${scaled[@]}" --set scaling.mode="$1" >"$LOGS/scaled-$1.log" 2>&1 || { tail -20 "$LOGS/scaled-$1.log" >&2; fail "helm with scaling.mode=$1"; }; }

replicas() { k get deployment "$(deployment anomaly-detector)" -o 'jsonpath={.spec.replicas}'; }

# Waits until there are more replicas than one; how many is in `most`.
raised() {
    local now
    for _ in $(seq 90); do
        now=$(replicas)
        [ "$now" -gt 1 ] && { most=$now; return; }
        sleep 2
    done
    return 1
}

scaled_by_builtin() {
    local most=1 now before
    scaled_by builtin
    before=$(rebalances)
    raised || { k logs -l app.kubernetes.io/component=autoscaler --tail=5 >&2; fail "no replica was added under load"; }
    pass "the autoscaler has raised replicas to $most"
    scale generator 0
    for _ in $(seq 120); do
        now=$(replicas)
        [ "$now" -gt "$most" ] && most=$now
        [ "$now" = 1 ] && break
        sleep 2
    done
    k get events.events.k8s.io -o custom-columns=R:.reason,N:.note --no-headers | grep -E '^Scaled(Up|Down) ' | grep -v Deployment | sed 's/^/             /' || true
    [ "$now" = 1 ] || fail "replicas did not come down: $now"
    pass "the autoscaler has lowered replicas from $most to 1; rebalances of the pods that are left: $(($(rebalances) - before))"
    account "scaled by the autoscaler"
}

# The same release with another mode: who scaled before is gone, the new one sees the load and adds replicas.
scaled_by_other() {
    local mode=$1 most=1 scalers
    # An upgrade leaves the number of replicas to who scales; what the one before has added would hide what this one does.
    scale anomaly-detector 1
    scaled_by "$mode"
    scalers=$(k get deployments,horizontalpodautoscalers -o name | grep -E 'autoscaler' | grep -v "/keda-hpa-" || true)
    [ "$scalers" = "$([ "$mode" != hpa ] || echo "horizontalpodautoscaler.autoscaling/$(deployment anomaly-detector)")" ] || fail "$mode: others scale too: $scalers"
    raised || { k describe horizontalpodautoscalers >&2; fail "$mode has added no replica under load"; }
    k get events.events.k8s.io -o custom-columns=R:.reason,N:.note --no-headers | grep -E '^SuccessfulRescale ' | tail -1 | sed 's/^/             /' || true
    account "scaled by $mode"
    pass "$mode has raised replicas to $most"
}

# Every pod counts the times its assignment changed; those that are gone count no more.
rebalances() { local sum=0 pod; for pod in $(pods anomaly-detector); do sum=$((sum + $(metric "$pod" beamline_rebalances_total))); done; echo $sum; }
