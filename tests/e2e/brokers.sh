# Sourced by run.sh: three brokers, of which one is killed while events flow.

brokers() {
    local NAMESPACE=$NAMESPACE-brokers killed=$RELEASE-kafka before after
    helm_apply -f "$work/stream.yaml" --set development.kafka.replicas=3 --set services.dashboard.enabled=false \
        --set development.jaeger.enabled=false --set development.cql.enabled=false \
        >"$LOGS/brokers.log" 2>&1 || { tail -20 "$LOGS/brokers.log" >&2; fail "helm install with three brokers"; }
    sleep 10
    # The last sign of life of a process that is killed, and of a machine that is gone, is none.
    k scale deployment "$killed" --replicas 0 >/dev/null
    k delete pod -l "app.kubernetes.io/component=kafka" --grace-period=0 --force >/dev/null 2>&1
    say "killed the first of three brokers, which keeps a third of everything, while events flow"
    before=$(scored_so_far)
    for _ in $(seq 30); do
        sleep 2
        after=$(scored_so_far)
        [ "$after" -gt $((before + 5 * RATE)) ] && break
    done
    [ "$after" -gt $((before + 5 * RATE)) ] || fail "with two of three brokers the stream stands at $after scored events"
    pass "events are scored while one broker of three is away: $before, then $after"
    k scale deployment "$killed" --replicas 1 >/dev/null
    k rollout status deployment "$killed" --timeout=180s >/dev/null || fail "the killed broker does not come back"
    sleep 5
    for service in enricher anomaly-detector aggregator; do rollout "$service"; done
    stop_events
    count "one broker of three killed"
    helm uninstall "$RELEASE" -n "$NAMESPACE" --wait --timeout 3m >/dev/null
    kubectl delete namespace "$NAMESPACE" --wait=false >/dev/null
}

scored_so_far() {
    local pod sum=0
    for pod in $(pods anomaly-detector); do sum=$((sum + $(metric "$pod" beamline_records_out_total))); done
    echo $sum
}
