# Sourced by run.sh: Prometheus reads what the chart's ServiceMonitor selects, and every alert is provoked.

# Aggregators commit seldom, so that a few transactions that are aborted are many of theirs. Writers write little at a time,
# of which they take in four times as much while the store is away.
watched=(--set services.aggregator.settings.commit-interval=5s --set services.writer.settings.batch-rows=1000)
# How long anything has to last, over how long rates are taken, how often it is looked at, from which age on events are late, and how
# far behind is far.
rules=(--set monitoring.prometheusRule.window=1m
    --set monitoring.serviceMonitor.enabled=true --set monitoring.prometheusRule.enabled=true --set monitoring.prometheusRule.for=2s
    --set monitoring.serviceMonitor.interval=2s --set monitoring.prometheusRule.latencySeconds=15 --set monitoring.prometheusRule.lagSeconds=5)

step_alerts() {
    step "Prometheus reads what the ServiceMonitor selects, and alerts fire"
    has writer || { skip "alerts: the writer is not there"; return; }
    helm_apply "${watched[@]}" >"$LOGS/alerts.log" 2>&1 || { tail -20 "$LOGS/alerts.log" >&2; fail "helm upgrade before the alerts"; }
    start_prometheus
    scraped
    quiet
    local provocation
    for provocation in ${PROVOKE:-store_away partitions_move detector_stands bad_events generator_stops broker_restarts}; do "$provocation"; done
    account "alerts provoked"
    kill $watchers 2>/dev/null || true
}

# Reads the pods through the API server, which it reaches by `kubectl proxy`: that works with every cluster.
start_prometheus() {
    local folder=$work/prometheus
    mkdir -p "$folder"
    PATH=$PATH:${XDG_CACHE_HOME:-$HOME/.cache}/beamline/tools
    command -v prometheus >/dev/null || { tests/chart/prometheus.sh "$folder/bin" && PATH=$PATH:$folder/bin; }
    kubectl proxy --port 0 >"$folder/proxy.log" 2>&1 &
    watchers=$!
    until proxy=$(grep -o '127.0.0.1:[0-9]*' "$folder/proxy.log"); do sleep 0.2; done
    # The custom resources are not in this cluster: they are rendered for this release, and read by the test.
    helm template "$RELEASE" charts/beamline -n "$NAMESPACE" "${values[@]}" "${rules[@]}" -s templates/monitoring.yaml >"$folder/rendered.yaml"
    python3 tests/e2e/prometheus.py "$folder" "$proxy" <"$folder/rendered.yaml" 2>"$LOGS/targets.log" &
    watchers+=" $!"
    until [ -s "$folder/prometheus.yaml" ]; do sleep 0.2; done
    prometheus=127.0.0.1:$(python3 -c 'import socket; one = socket.socket(); one.bind(("127.0.0.1", 0)); print(one.getsockname()[1])')
    prometheus --config.file="$folder/prometheus.yaml" --storage.tsdb.path="$folder/data" --web.listen-address="$prometheus" >"$LOGS/prometheus.log" 2>&1 &
    watchers+=" $!"
    for _ in $(seq 50); do curl -sf "http://$prometheus/-/ready" >/dev/null && return; sleep 0.5; done
    fail "Prometheus does not become ready: $(tail -3 "$LOGS/prometheus.log")"
}

# ask_prometheus QUERY: alert or service, and stage or stream, of every series of the answer.
ask_prometheus() {
    curl -sf --get "http://$prometheus/api/v1/query" --data-urlencode "query=$1" | python3 -c '
import json, sys
for series in json.load(sys.stdin)["data"]["result"]:
    metric = series["metric"]
    print(metric.get("alertname") or metric.get("service"), metric.get("stage") or metric.get("stream", ""))' | sort -u
}

# What was late when services began again leaves the window of rates.
quiet() {
    local firing
    sleep 10
    for _ in $(seq 180); do
        firing=$(ask_prometheus 'ALERTS{alertstate="firing"}')
        [ -n "$firing" ] || { pass "no alert fires where nothing is wrong"; return; }
        sleep 2
    done
    fail "alerts fire where nothing is wrong: $firing"
}

# Every service of the release, and no other, is a target that answers.
scraped() {
    local wanted found
    wanted=$(k get services -o json | python3 -c '
import json, sys
names = [one["metadata"]["name"] for one in json.load(sys.stdin)["items"] if any(port.get("name") == "metrics" for port in one["spec"]["ports"])]
print("\n".join(sorted(names)))')
    for _ in $(seq 30); do
        found=$(ask_prometheus 'up == 1' | tr -d ' ')
        [ "$found" = "$wanted" ] && break
        sleep 2
    done
    [ "$found" = "$wanted" ] || fail "the ServiceMonitor selects $(echo $found), and the services are $(echo $wanted)"
    pass "the ServiceMonitor selects every service: $(wc -l <<<"$found")"
}

# fires ALERT SECONDS
fires() {
    local alert=$1 begun=$SECONDS found
    while [ $((SECONDS - begun)) -lt "$2" ]; do
        found=$(ask_prometheus "ALERTS{alertname=\"$alert\",alertstate=\"firing\"}" 2>/dev/null) || true
        [ -z "$found" ] || { pass "$alert fires for$(awk '{ printf " %s", $2 }' <<<"$found"), $((SECONDS - provoked)) s after it was provoked"; return; }
        sleep 2
    done
    fail "$alert does not fire within $2 s"
}

store_away() {
    provoked=$SECONDS
    k scale deployment "$RELEASE-cql" --replicas 0 >/dev/null
    say "the store is away"
    fires BeamlineProbeMissing 120
    # The first write that fails gives Prometheus nothing to compare with: it takes two, and each is tried for a while.
    fires BeamlineStoreRetries 300
    k scale deployment "$RELEASE-cql" --replicas 1 >/dev/null
    k rollout status deployment "$RELEASE-cql" --timeout=180s >/dev/null || fail "the store does not come back"
}

partitions_move() {
    provoked=$SECONDS
    say "the enricher has 1, 5, 1, 5 replicas in turn"
    while [ -z "$(ask_prometheus 'ALERTS{alertname="BeamlineRebalances",alertstate="firing"}')" ] && [ $((SECONDS - provoked)) -lt 300 ]; do
        scale enricher 5
        sleep 20
        scale enricher 1
        sleep 10
    done
    fires BeamlineRebalances 10
}

# A topic takes no record any more: the detector has more and more work, and cannot commit any. (Fewer bytes, and the
# broker could not end the transactions that it refuses.)
detector_stands() {
    provoked=$SECONDS
    scored_topic --add-config max.message.bytes=300
    say "the topic of scored events takes 300 bytes at most"
    fires BeamlineLagGrows 120
    fires BeamlineStageStands 300
    on_pod anomaly-detector Warning NotReady "no progress, [0-9]+ failures in a row"
    scored_topic --delete-config max.message.bytes
    say "it takes them again, and what has waited is late"
    fires BeamlineLatencyHigh 120
    rollout anomaly-detector
    on_pod anomaly-detector Normal ReadyAgain "ready again"
}

# on_pod SERVICE TYPE REASON WORDS: what `kubectl describe` shows of the service's pods has such an event.
on_pod() {
    local service=$1 event="^ +$2 +$3 .*$4" found
    for _ in $(seq 30); do
        found=$(k describe pods -l "app.kubernetes.io/component=$service" | grep -E "$event" | tail -1) || true
        [ -z "$found" ] || { say "${found:0:200}"; pass "an event of the pod of $service: $3"; return; }
        sleep 2
    done
    fail "no event $3 of the pods of $service: $(k get events --field-selector "reason=$3"; k logs -l "app.kubernetes.io/component=$service" --tail=-1 | grep 'event of the pod' | tail -3)"
}

# scored_topic CHANGE...: changes the configuration of the topic of scored events.
scored_topic() {
    k exec "deployment/$RELEASE-kafka" -- /opt/kafka/bin/kafka-configs.sh --bootstrap-server 127.0.0.1:9092 \
        --alter --entity-type topics --entity-name "$STREAM.scored" "$@" >>"$LOGS/alerts.log" 2>&1 || fail "the topic of scored events cannot be changed"
}

bad_events() {
    changed 'check: "energy_gev > 0"' 'check: "energy_gev > 100"' >"$work/bad.yaml"
    provoked=$SECONDS
    helm_apply "${watched[@]}" -f "$work/bad.yaml" >"$LOGS/alerts.log" 2>&1 || { tail -20 "$LOGS/alerts.log" >&2; fail "helm upgrade to a stricter rule"; }
    say "one event in ten fails a rule"
    fires BeamlineDeadLetters 180
}

generator_stops() {
    provoked=$SECONDS
    scale generator 0
    say "no event comes any more"
    fires BeamlineStreamSilent 240
    scale generator 1
    rollout generator
}

# What is open when the broker goes away is given up.
broker_restarts() {
    provoked=$SECONDS
    k rollout restart deployment "$RELEASE-kafka" >/dev/null
    k rollout status deployment "$RELEASE-kafka" --timeout=180s >/dev/null || fail "the broker does not come back"
    say "the broker has been replaced"
    fires BeamlineTransactionsAbort 300
    for service in generator enricher anomaly-detector aggregator writer; do rollout "$service"; done
}
