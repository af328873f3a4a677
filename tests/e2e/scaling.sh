# Sourced by run.sh: the detector under a load step, scaled by the built-in autoscaler and by Kubernetes' HPA (by
# KEDA: keda.sh).

# A detector of a fiftieth of a processor can be outrun on any machine. An idle one takes a fifth of that, so that the HPA finds
# that one is enough.
narrow=(--set services.anomaly-detector.resources.limits.cpu="${THROTTLE:-20m}" --set services.anomaly-detector.resources.requests.cpu="${THROTTLE:-20m}"
    --set services.aggregator.enabled=false --set services.dashboard.enabled=false
    --set development.jaeger.enabled=false --set development.cql.enabled=false)

scaled_by_builtin() {
    scaled builtin --set scaling.builtin.interval=3s --set scaling.builtin.lagHigh=4s --set scaling.builtin.lagLow=2s --set scaling.builtin.lagRecordsMin=500 \
        --set scaling.builtin.coolDownUp=10s --set scaling.builtin.coolDownDown=20s --set scaling.builtin.replicas=1
}

# An HPA that is quicker than the chart has it, as the autoscaler is here; KEDA scales by one as well.
quick='{"scaleUp":{"stabilizationWindowSeconds":0,"policies":[{"type":"Percent","value":100,"periodSeconds":15}]},"scaleDown":{"stabilizationWindowSeconds":20,"policies":[{"type":"Pods","value":1,"periodSeconds":20}]}}'

scaled_by_hpa() {
    scaled hpa --set scaling.hpa.targetCPUUtilizationPercentage=80 --set-json "scaling.hpa.behavior=$quick"
}

# scaled MODE OPTION...: installs a release whose events are more than one detector can take, waits for more replicas, stops
# the events, waits for one replica; counts every event after each.
scaled() {
    local mode=$1
    shift
    # The rate is part of what a synthetic stream is, so that another rate is another release.
    local RATE=${STEP_RATE:-4000} NAMESPACE=$NAMESPACE-scaled up down watcher began_at stopped_at most
    local name samples=$work/samples rebalances=$work/rebalances
    name=$(deployment anomaly-detector)
    helm_apply -f "$work/stream.yaml" "${narrow[@]}" --set "scaling.mode=$mode" --set 'scaling.services={anomaly-detector}' --set scaling.maxReplicas=3 "$@" \
        >"$LOGS/scaled-$mode.log" 2>&1 || { tail -20 "$LOGS/scaled-$mode.log" >&2; fail "helm install with scaling.mode=$mode"; }
    began_at=$SECONDS
    : >"$samples"; : >"$rebalances"
    watch_replicas "$name" "$samples" "$rebalances" &
    watcher=$!
    replicas_become "$name" -gt 1 180 || { explain_scaling "$mode" >&2; fail "$mode: no replica was added under load"; }
    up=$((SECONDS - began_at))
    rollout anomaly-detector
    pass "$mode: replicas were added under load"
    stop_events
    stopped_at=$SECONDS
    count "scaled up by $mode"
    replicas_become "$name" -eq 1 300 || { explain_scaling "$mode" >&2; fail "$mode: replicas did not come down"; }
    # From when they were 1 again, which may have been before all was counted.
    down=$(awk -v since="$stopped_at" '$2 != 1 { last = $1 } END { print last + 1 - since }' "$samples")
    most=$(sort -k2 -n "$samples" | tail -1 | cut -d' ' -f2)
    begin_events
    sleep 5
    stop_events
    count "scaled down by $mode"
    kill "$watcher" 2>/dev/null || true
    explain_scaling "$mode" | sed 's/^/             /'
    pass "$mode: replicas went from 1 to $most and back to 1"
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$mode" "$most" "$up" "$down" \
        "$(awk '$2 > most[$1] { most[$1] = $2 } END { for (pod in most) sum += most[pod]; print sum + 0 }' "$rebalances")" "$counted" >>"$LOGS/scaling.tsv"
    helm uninstall "$RELEASE" -n "$NAMESPACE" --wait --timeout 3m >/dev/null
    kubectl delete namespace "$NAMESPACE" --wait >/dev/null
}

# replicas_become NAME OPERATOR NUMBER SECONDS
replicas_become() {
    local end=$((SECONDS + $4))
    until [ "$(k get deployment "$1" -o 'jsonpath={.spec.replicas}')" "$2" "$3" ]; do
        [ $SECONDS -lt $end ] || return 1
        sleep 1
    done
}

# Every pod counts the times its assignment changed, and those that are gone count no more: what each had last is kept.
watch_replicas() {
    local pod
    while :; do
        echo "$SECONDS $(k get deployment "$1" -o 'jsonpath={.spec.replicas}')" >>"$2"
        for pod in $(pods anomaly-detector); do echo "$pod $(metric "$pod" beamline_rebalances_total)" >>"$3"; done
        sleep 2
    done
}

# What the one that scales says of it.
explain_scaling() {
    case "$1" in
    builtin) k get events.events.k8s.io -o custom-columns=R:.reason,N:.note --no-headers | grep -E '^Scaled(Up|Down) ' | grep -v Deployment || true ;;
    hpa | keda)
        k get hpa --no-headers || true
        k get events -o custom-columns=R:.reason,N:.message --no-headers | grep '^SuccessfulRescale' || true
        ;;
    esac
}

print_scaling() {
    [ -s "$LOGS/scaling.tsv" ] || return 0
    echo
    printf '             %-10s %12s %16s %18s %12s %10s\n' scaled-by "most pods" "first added" "1 pod again" rebalances events
    while IFS=$'\t' read -r mode most up down moved events; do
        printf '             %-10s %12s %14s s %16s s %12s %10s\n' "$mode" "$most" "$up" "$down" "$moved" "$events"
    done <"$LOGS/scaling.tsv"
    echo "             (seconds since the load began, and since it ended)"
}
