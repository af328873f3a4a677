#!/usr/bin/env bash
# The whole of Beamline on a real cluster: images, chart, development servers; then everything that may happen to it
# while events flow, with every event accounted for after each. Prints its steps; on failure it leaves the logs of
# everything below $LOGS.
#
#   make e2e                      on the cluster of the current kubectl context (kind, minikube, or any with local images)
#   BEAMLINE_CLUSTER=FOLDER make e2e    on the one that FOLDER/up starts: a script that prints shell lines which point kubectl
#                                 at it; FOLDER/load-image IMAGE... loads images, FOLDER/down ends it. Where they are
#                                 there, FOLDER/base-image makes the images' base, and FOLDER/bin/tools.tar.xz has Jaeger
#
# PREBUILT=0 builds images from source instead of packaging target/debug; IMAGES=0 takes those that are loaded;
# STAND_INS=1 (the default with BEAMLINE_CLUSTER) uses stand-ins for the servers' public images; KEEP=1 leaves the release.
# STEPS="install scale kill" runs these steps alone, on a release that is there (KEEP=1 earlier) or that `install` makes.
set -euo pipefail
cd "$(dirname "$0")/../.."
NAMESPACE=${NAMESPACE:-beamline-e2e}
RELEASE=beamline
STREAM=particle-events
RATE=${RATE:-500}
LOGS=${LOGS:-target/e2e}
PREBUILT=${PREBUILT:-1}
STAND_INS=${STAND_INS:-${BEAMLINE_CLUSTER:+1}}
# A cluster that has to be there already is looked for first, before a long build.
first="cluster build"
[ -z "${BEAMLINE_CLUSTER:-}" ] || first="build cluster"
STEPS=${STEPS:-"$first images install begin_aside test rows page trace scale kill upgrade refuse alerts aside uninstall"}
DEFINITION=/etc/beamline/streams/$STREAM/streams/$STREAM.yaml
work=$(mktemp -d)
mkdir -p "$LOGS"
: >"$LOGS/ask.log"
: >"$LOGS/scaling.tsv"
began=$SECONDS
passed=()
skipped=()

step() { printf '\n[%4d s] == %s\n' $((SECONDS - began)) "$*"; }
say() { printf '[%4d s]    %s\n' $((SECONDS - began)) "$*"; }
pass() { passed+=("$*"); say "pass: $*"; }
skip() { skipped+=("$*"); say "skip: $*"; }
# Sourced: steps that are long.
. tests/e2e/scaling.sh
. tests/e2e/keda.sh
. tests/e2e/brokers.sh
. tests/e2e/alerts.sh
fail() { printf '[%4d s]    FAIL: %s\n' $((SECONDS - began)) "$*" >&2; exit 1; }
k() { kubectl -n "$NAMESPACE" "$@"; }
deployment() { echo "$RELEASE-$STREAM-$1"; }
has() { k get deployment "$(deployment "$1")" >/dev/null 2>&1; }

# What is left for a person when something fails.
finish() {
    local code=$?
    if [ $code -ne 0 ] && kubectl version >/dev/null 2>&1; then
        local pod logs
        for NAMESPACE in "$NAMESPACE" "$NAMESPACE-scaled" "$NAMESPACE-brokers"; do
            logs=$LOGS/$NAMESPACE
            mkdir -p "$logs"
            k get all,configmaps,leases -o wide >"$logs/objects.txt" 2>&1 || true
            k get events --sort-by=.lastTimestamp >"$logs/events.txt" 2>&1 || true
            for pod in $(k get pods -o name 2>/dev/null); do
                k logs "$pod" --all-containers --prefix >"$logs/${pod#pod/}.log" 2>&1 || true
                k logs "$pod" --all-containers --prefix --previous >"$logs/${pod#pod/}.previous.log" 2>/dev/null || true
                k describe "$pod" >"$logs/${pod#pod/}.describe" 2>&1 || true
            done
        done
        tail -5 "$LOGS/ask.log" >&2
        find "$LOGS" -empty -delete
        echo "e2e: failed after $((SECONDS - began)) s; logs of everything are in $LOGS" >&2
    fi
    jobs -p | xargs -r kill 2>/dev/null || true
    rm -rf "$work"
    exit $code
}
trap finish EXIT

bootstrap() {
    k get deployment "$(deployment generator)" -o 'jsonpath={.spec.template.spec.containers[0].env[?(@.name=="BEAMLINE_KAFKA_BOOTSTRAP")].value}'
}

# A pod with the beamline program and the stream's files, made anew when those have changed; its name is in `asker`.
make_asker() {
    local checksum
    checksum=$(k get deployment "$(deployment generator)" -o 'jsonpath={.spec.template.metadata.annotations.checksum/stream}')
    asker=ask-${checksum:0:8}
    k get pod "$asker" >/dev/null 2>&1 && return
    k delete pods -l app.kubernetes.io/component=e2e --wait=false >/dev/null
    cat >"$work/asker.yaml" <<END
apiVersion: v1
kind: Pod
metadata: { name: $asker, labels: { app.kubernetes.io/component: e2e } }
spec:
  terminationGracePeriodSeconds: 0
  enableServiceLinks: false
  securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: RuntimeDefault } }
  containers:
    - name: ask
      image: beamline/beamline:dev
      imagePullPolicy: IfNotPresent
      command: [sleep, infinity]
      env:
        - { name: BEAMLINE_KAFKA_BOOTSTRAP, value: "$(bootstrap)" }
        - { name: BEAMLINE_REGISTRY_URL, value: "http://$RELEASE-registry:8080/apis/ccompat/v7" }
        - { name: BEAMLINE_CQL, value: "$RELEASE-cql:9042" }
        - { name: TMPDIR, value: /tmp }
      volumeMounts: [{ name: stream, mountPath: /etc/beamline/streams/$STREAM }]
  volumes:
    - name: stream
$(k get deployment "$(deployment generator)" -o json | python3 -c '
import json, sys
volumes = json.load(sys.stdin)["spec"]["template"]["spec"]["volumes"]
volume = next(volume for volume in volumes if volume["name"] == "stream")
del volume["name"]
print("\n".join("      " + key + ": " + json.dumps(value) for key, value in volume.items()))')
END
    k apply -f "$work/asker.yaml" >/dev/null
    k wait --for=condition=Ready "pod/$asker" --timeout=60s >/dev/null
}

# ask COMMAND: runs a shell command in that pod, with the beamline program as `beamline`.
ask() {
    make_asker
    k exec "$asker" -- bash -c "set -o pipefail; beamline() { /usr/local/bin/service \"\$@\"; }; $1" 2>>"$LOGS/ask.log"
}

# metric POD NAME: the sum of a metric's values.
metric() {
    kubectl get --raw "/api/v1/namespaces/$NAMESPACE/pods/$1:9464/proxy/metrics" 2>/dev/null |
        awk -v name="$2" 'index($1, name "{") == 1 || $1 == name { sum += $2 } END { printf "%d\n", sum }'
}

pods() { k get pods -l "app.kubernetes.io/component=$1" --field-selector=status.phase=Running -o 'jsonpath={.items[*].metadata.name}'; }

rollout() { k rollout status deployment "$(deployment "$1")" --timeout=180s >/dev/null || fail "$1 does not become ready"; }

scale() { k scale deployment "$(deployment "$1")" --replicas "$2" >/dev/null; }

# stored WANTED SQL: asks the store until the answer is the wanted one, for a while; the last answer is in `found`.
stored() {
    local wanted=$1 sql=$2
    for _ in $(seq 20); do
        found=$(ask "beamline query --full-scan --format csv \"$sql\" | tail -1") || true
        [ "$found" = "$wanted" ] && return
        sleep 2
    done
    return 1
}

stop_events() {
    scale generator 0
    k wait --for=delete pod -l app.kubernetes.io/component=generator --timeout=60s >/dev/null 2>&1 || true
}

begin_events() {
    scale generator 1
    rollout generator
}

# The account of every event while the generator is stopped, which begins again after it.
account() {
    stop_events
    count "$1"
    begin_events
}

# Waits until all that was sent has come through, and compares. Then reads the topics themselves, and looks for ids that
# are missing or double.
count() {
    local what=$1 lines sent in out scored_in scored_out windowed_in windowed_out found
    for _ in $(seq 20); do
        lines=$(ask "beamline topics ledger $DEFINITION") || fail "$what: $lines"
        read -r sent in out scored_in scored_out windowed_in windowed_out < <(awk '
            $1 == "generator" { for (i = 2; i < NF; i++) if ($(i + 1) == "sent") sent = $i }
            $1 == "enricher" && $3 == "in" { in_ = $2; out = $5 }
            $1 == "anomaly-detector" && $3 == "in" { scored_in = $2; scored_out = $5 }
            $1 == "aggregator" && $3 == "in" { windowed_in = $2; windowed_out = $5 }
            END { print sent + 0, in_ + 0, out + 0, scored_in + 0, scored_out + 0, windowed_in + 0, windowed_out + 0 }' <<<"$lines")
        has aggregator || windowed_in=$scored_out
        [ "$sent" -gt 0 ] && [ "$in" -ge "$sent" ] && [ "$out" = "$scored_in" ] && [ "$windowed_in" = "$scored_out" ] && break
        sleep 2
    done
    sed 's/^/             /' <<<"$lines"
    grep -q 'the ledger balances' <<<"$lines" || fail "$what: the ledger does not balance"
    local ids
    ids=$(ask "
        ids() { beamline topics tail $DEFINITION --topic \$1 --from-start --to-end | grep -o '\"event_id\": *\"[^\"]*\"' | sort > /tmp/\$1 || exit 1; }
        ids raw; ids scored
        echo \$(wc -l < /tmp/raw) \$(uniq /tmp/raw | wc -l) \$(wc -l < /tmp/scored) \$(uniq /tmp/scored | wc -l) \$(comm -13 /tmp/raw /tmp/scored | wc -l) \$(grep -c smoke- /tmp/raw)
    ") || fail "$what: cannot read the topics: $ids"
    # `helm test` has sent events beside the generator.
    read -r raw raw_once scored scored_once strange marked <<<"$ids"
    [ $((sent + marked)) = "$in" ] && [ "$out" = "$scored_in" ] && [ "$windowed_in" = "$scored_out" ] && [ "$sent" -gt 0 ] || fail "$what: the steps do not add up"
    say "topics: $raw raw events ($raw_once ids), $scored scored ($scored_once ids), $strange of them never sent"
    [ "$raw" = $((sent + marked)) ] && [ "$raw" = "$raw_once" ] || fail "$what: raw events are missing or double"
    [ "$scored" = "$scored_out" ] && [ "$scored" = "$scored_once" ] && [ "$strange" = 0 ] ||
        fail "$what: scored events are missing or double"
    if has writer; then
        stored "$scored" 'SELECT count(*) FROM processed_data' || fail "$what: $found rows in the store, $scored events scored"
        say "store: $found rows"
    fi
    if has writer && has aggregator; then
        # Every event that was in time is in one window of a minute.
        stored "$windowed_out" "SELECT sum(events) FROM aggregates WHERE aggregate = 'rates'" ||
            fail "$what: the stored windows count $found events of $windowed_out"
        say "windows in the store: $found events"
    fi
    counted=$sent
    pass "$what: nothing lost, nothing twice ($sent events)"
}

values=(-f k8s/values-kind.yaml -f k8s/values-stream.yaml)
[ "${STAND_INS:-}" != 1 ] || values+=(-f tests/e2e/values.yaml)

# Data on volumes, so that a server can be away and come back.
kept=(--set development.kafka.storage=1Gi --set development.cql.storage=2Gi)

helm_apply() {
    helm upgrade --install "$RELEASE" charts/beamline -n "$NAMESPACE" --create-namespace "${values[@]}" \
        --set "services.generator.settings.rate=$RATE" --set tracing.ratio=0.02 "${kept[@]}" --wait --timeout 10m "$@"
}

# What is not compiled here: the cluster, and the stand-ins for the servers' images, loaded into it.
prepare() {
    [ -z "${BEAMLINE_CLUSTER:-}" ] || eval "$("$BEAMLINE_CLUSTER/up")"
    [ "${STAND_INS:-}" = 1 ] && [ "${IMAGES:-1}" = 1 ] || return 0
    local base=${DEBIAN:-docker.io/library/debian:bookworm-slim}
    if [ -x "${BEAMLINE_CLUSTER:-}/base-image" ] && ! buildah inspect --type image "$base" >/dev/null 2>&1; then
        "$BEAMLINE_CLUSTER/base-image"
    fi
    if [ -z "${JAEGER_BINARY:-}" ] && [ -r "${BEAMLINE_CLUSTER:-}/bin/tools.tar.xz" ]; then
        tar -C "$work" -xJf "$BEAMLINE_CLUSTER/bin/tools.tar.xz" jaeger
        export JAEGER_BINARY=$work/jaeger
    fi
    docker/servers/build.sh
    load beamline/kafka:dev beamline/registry:dev beamline/cassandra:dev beamline/jaeger:dev
}

step_build() {
    step "the programs, and meanwhile a cluster and its servers"
    (prepare) >"$LOGS/prepare.log" 2>&1 &
    local preparing=$!
    [ "$PREBUILT" != 1 ] || cargo build --workspace --bins --locked || fail "the programs do not compile"
    say "compiled"
    wait $preparing || { tail -20 "$LOGS/prepare.log" >&2; fail "the cluster, or its servers' images"; }
    pass "built"
}

step_cluster() {
    step "a cluster"
    if [ -n "${BEAMLINE_CLUSTER:-}" ]; then eval "$("$BEAMLINE_CLUSTER/up")"; fi
    kubectl get nodes >/dev/null 2>&1 || fail "kubectl reaches no cluster; start one (kind create cluster), or name one with BEAMLINE_CLUSTER"
    kubectl get nodes --no-headers | sed 's/^/             /'
    pass "a cluster that answers"
}

load() {
    if [ -n "${BEAMLINE_CLUSTER:-}" ]; then printf '%s\n' "$@" | xargs -P 2 -n 1 "$BEAMLINE_CLUSTER/load-image"
    else
        case "$(kubectl config current-context)" in
        kind-*) kind load docker-image --name "$(kubectl config current-context | sed s/^kind-//)" "$@" ;;
        minikube*) for image in "$@"; do minikube image load "$image"; done ;;
        *) say "this cluster is neither kind nor minikube: it has to find the images by itself" ;;
        esac
    fi
}

step_images() {
    step "images"
    [ "${IMAGES:-1}" = 1 ] || { skip "images: those that are loaded"; return; }
    PREBUILT=$PREBUILT docker/images.sh | tee "$work/images"
    load $(awk '/^beamline\// { print $1 }' "$work/images")
    pass "images built and loaded"
}

step_install() {
    step "helm install --wait"
    helm_apply "${EXTRA[@]}" >"$LOGS/install.log" 2>&1 || { tail -20 "$LOGS/install.log" >&2; fail "helm install"; }
    k get pods --no-headers | sed 's/^/             /'
    local lacking
    lacking=$(k get deployments -o 'jsonpath={range .items[*]}{.metadata.name} {.status.readyReplicas} of {.spec.replicas}{"\n"}{end}' | awk '$2 != $4')
    [ -z "$lacking" ] || fail "helm has not waited: $lacking"
    pass "installed, all ready"
}

step_test() {
    step "helm test"
    has writer || { skip "helm test needs the writer"; return; }
    helm test "$RELEASE" -n "$NAMESPACE" --timeout 4m >"$LOGS/test.log" 2>&1 || { tail -20 "$LOGS/test.log" >&2; fail "helm test"; }
    tail -5 "$LOGS/test.log" | sed 's/^/             /'
    pass "helm test: marked events were found scored in the store"
}

step_rows() {
    step "rows and anomalies in the store"
    if ! has writer; then
        local anomalies
        anomalies=$(ask "beamline topics tail $DEFINITION --topic anomalies --from-start --limit 3 --for 60s | wc -l")
        [ "$anomalies" = 3 ] || fail "no anomalies on the topic"
        pass "anomalies on their topic"
        skip "rows in the store: the writer is not there"
        return
    fi
    local answer
    answer=$(ask "
        events=\$(beamline query --full-scan --format csv 'SELECT count(*) FROM processed_data' | tail -1) || exit 1
        anomalies=\$(beamline query --full-scan --format csv 'SELECT count(*) FROM anomalies' | tail -1) || exit 1
        echo \$events,\$anomalies") || fail "$answer"
    say "events, anomalies: $answer"
    [ "${answer%,*}" -gt 0 ] && [ "${answer#*,}" -gt 0 ] || fail "the store is empty"
    pass "rows and anomalies in the store"
}

step_page() {
    step "the live page, through a port-forward in a real browser"
    has dashboard || { skip "the live page is not there"; return; }
    if ! command -v node >/dev/null || [ ! -d tests/page/node_modules ]; then
        skip "the live page: no browser to open it with; make setup-page prepares one"
        return
    fi
    local port forward viewer operator before
    token() { k get secret "$RELEASE-dashboard" -o "jsonpath={.data.$1}" | base64 -d; }
    viewer=$(token viewer) operator=$(token operator)
    [ ${#viewer} = 64 ] && [ ${#operator} = 64 ] && [ "$viewer" != "$operator" ] || fail "the setup has made no two tokens"
    k port-forward "service/$(deployment dashboard)" :80 >"$work/forward" 2>&1 &
    forward=$!
    for _ in $(seq 50); do
        port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\).*/\1/p' "$work/forward")
        [ -z "$port" ] || break
        sleep 0.2
    done
    [ -n "$port" ] || fail "no port-forward: $(cat "$work/forward")"
    node tests/page/cluster.js "http://127.0.0.1:$port" "$STREAM" "$viewer" "$operator" >"$LOGS/page.log" 2>&1 ||
        { tail -20 "$LOGS/page.log" >&2; fail "the live page"; }
    kill "$forward" 2>/dev/null || true
    sed 's/^/             /' "$LOGS/page.log"
    pass "the live page shows injected anomalies, and asks for a token"
    # What the setup has made an upgrade leaves alone.
    before=$viewer$operator
    helm_apply "${EXTRA[@]}" >"$LOGS/page-upgrade.log" 2>&1 || { tail -20 "$LOGS/page-upgrade.log" >&2; fail "helm upgrade"; }
    [ "$before" = "$(token viewer)$(token operator)" ] || fail "an upgrade has changed the tokens"
    pass "an upgrade leaves the tokens alone"
}

step_trace() {
    step "one trace through all services, of a sampled event and of an anomaly"
    local wanted="generator enricher anomaly-detector"
    ! has writer || wanted+=" writer"
    # What the detector calls its span: that of an event which somebody has sampled before, and of one that it chose.
    expect_trace "a sampled event" "process" "$wanted"
    expect_trace "an anomaly" "anomaly in" "$wanted"
}

expect_trace() {
    local of=$1 span=$2 wanted=$3 path
    path="/api/v1/namespaces/$NAMESPACE/services/$RELEASE-jaeger:16686/proxy/api/traces?service=beamline-anomaly-detector&limit=200&lookback=1h"
    for _ in $(seq 15); do
        if kubectl get --raw "$path" 2>/dev/null | SPAN=$span WANTED=$wanted python3 tests/e2e/trace.py 2>/dev/null; then
            pass "a trace of $of in Jaeger: $wanted"
            return
        fi
        sleep 2
    done
    kubectl get --raw "$path" | SPAN=$span WANTED=$wanted python3 tests/e2e/trace.py || fail "no trace of $of in Jaeger: $wanted"
}

step_scale() {
    step "the detector from 1 to 3 replicas and back, under load"
    scale anomaly-detector 3
    rollout anomaly-detector
    sleep 15
    for pod in $(pods anomaly-detector); do say "$pod has scored $(metric "$pod" beamline_records_out_total)"; done
    scale anomaly-detector 1
    rollout anomaly-detector
    sleep 5
    account "detector scaled 1, 3, 1"
}

step_kill() {
    step "pods of every service deleted at random, under load"
    local services=(generator enricher anomaly-detector) service pod
    for service in aggregator writer; do ! has "$service" || services+=("$service"); done
    for round in $(seq "${KILLS:-8}"); do
        service=${services[$((RANDOM % ${#services[@]}))]}
        pod=$(pods "$service" | tr ' ' '\n' | shuf -n 1)
        [ -n "$pod" ] || { sleep 3; continue; }
        # Half of them without a warning.
        if [ $((RANDOM % 2)) = 0 ]; then k delete pod "$pod" --grace-period=0 --force >/dev/null 2>&1; else k delete pod "$pod" --wait=false >/dev/null; fi
        say "round $round: deleted $pod"
        sleep $((RANDOM % 6 + 2))
    done
    for service in "${services[@]}"; do rollout "$service"; done
    account "pods deleted at random"
}

# changed FROM TO: the values of the stream as it is now, with one text replaced.
changed() { python3 -c 'import sys; text = open(sys.argv[1]).read(); assert sys.argv[2] in text; print(text.replace(sys.argv[2], sys.argv[3], 1))' "$stream_values" "$1" "$2"; }
stream_values=k8s/values-stream.yaml

step_upgrade() {
    step "helm upgrade to a definition with one more column, under load"
    changed 'phi: "azimuth(momentum_x, momentum_y)"' $'phi: "azimuth(momentum_x, momentum_y)"\n            p_total: "sqrt(momentum_x * momentum_x + momentum_y * momentum_y + momentum_z * momentum_z)"' >"$work/column.yaml"
    helm_apply -f "$work/column.yaml" >"$LOGS/upgrade.log" 2>&1 || { tail -30 "$LOGS/upgrade.log" >&2; fail "helm upgrade"; }
    sleep 10
    local row
    row=$(ask "beamline topics tail $DEFINITION --topic scored --limit 1 --for 60s") || fail "$row"
    grep -q p_total <<<"$row" || fail "the new column is missing: $row"
    values+=(-f "$work/column.yaml")
    stream_values=$work/column.yaml
    account "upgraded to one more column"
}

step_refuse() {
    step "a schema that does not fit is refused before anything changes"
    local before after
    before=$(k get deployments,configmaps -o json | python3 -c 'import json,sys; print(sorted((i["kind"], i["metadata"]["name"], i["metadata"].get("generation"), i["metadata"]["resourceVersion"] if i["kind"] == "ConfigMap" else "") for i in json.load(sys.stdin)["items"]))')
    # A good definition, whose messages and the earlier ones cannot be read as each other.
    changed '{ "name": "energy_gev", "type": "double" }' '{ "name": "energy_gev", "type": "float" }' >"$work/misfit.yaml"
    if helm_apply -f "$work/misfit.yaml" >"$LOGS/refused.log" 2>&1; then fail "the misfit was taken"; fi
    grep -iE 'does not fit|cannot be read|energy_gev|incompatible' "$LOGS/refused.log" | head -4 | sed 's/^/             /'
    grep -q energy_gev "$LOGS/refused.log" || fail "no sentence says what does not fit: $(tail -5 "$LOGS/refused.log")"
    after=$(k get deployments,configmaps -o json | python3 -c 'import json,sys; print(sorted((i["kind"], i["metadata"]["name"], i["metadata"].get("generation"), i["metadata"]["resourceVersion"] if i["kind"] == "ConfigMap" else "") for i in json.load(sys.stdin)["items"]))')
    [ "$before" = "$after" ] || fail "something changed all the same"
    k delete jobs --all --wait=false >/dev/null 2>&1 || true
    pass "an incompatible schema is refused with a sentence, and nothing has changed"
}

# What has a release and a namespace of its own, so that it goes on beside the steps between: one after the other.
aside() {
    work=$(mktemp -d)
    trap 'jobs -p | xargs -r kill 2>/dev/null; rm -rf "$work"' EXIT
    local name
    # Nothing is stored.
    changed '          cql: { table: particle_events, bucket: 1h, ttl: 30d }' '' >"$work/stream.yaml"
    for name in ${ASIDE:-scaled_by_builtin scaled_by_hpa scaled_by_keda brokers}; do "$name"; done
}

step_begin_aside() {
    step "the autoscaler, the HPA and KEDA under a load step, and three brokers of which one is killed: begun, their report comes further down"
    # A process of its own, since its steps wait for the jobs that they begin themselves.
    (aside) >"$LOGS/aside.out" 2>&1 &
    beside=$!
}

step_aside() {
    step "the autoscaler, the HPA and KEDA under a load step, and three brokers of which one is killed: their report"
    [ -n "${beside:-}" ] || step_begin_aside
    wait "$beside" || { cat "$LOGS/aside.out" >&2; fail "what went on aside"; }
    cat "$LOGS/aside.out"
    print_scaling
    local line
    while read -r line; do passed+=("$line"); done < <(sed -n 's/^\[ *[0-9]* s\]    pass: //p' "$LOGS/aside.out")
    while read -r line; do skipped+=("$line"); done < <(sed -n 's/^\[ *[0-9]* s\]    skip: //p' "$LOGS/aside.out")
}

step_uninstall() {
    step "helm uninstall leaves nothing but the page's tokens"
    [ "${KEEP:-}" != 1 ] || { skip "uninstall: KEEP=1"; return; }
    helm uninstall "$RELEASE" -n "$NAMESPACE" --wait --timeout 3m >/dev/null
    k delete pods -l app.kubernetes.io/component=e2e --ignore-not-found >/dev/null
    local left
    for _ in $(seq 30); do
        left=$(kubectl api-resources --verbs=list --namespaced -o name | grep -vE '^events|metrics.k8s.io|endpoints' |
            xargs -n1 kubectl -n "$NAMESPACE" get --ignore-not-found -o name 2>/dev/null |
            grep -vE 'serviceaccount/default|configmap/kube-root-ca.crt' || true)
        [ "$left" = "secret/$RELEASE-dashboard" ] && break
        sleep 2
    done
    [ "$left" = "secret/$RELEASE-dashboard" ] || fail "left behind: $left"
    kubectl delete namespace "$NAMESPACE" --wait=false >/dev/null
    pass "uninstalled, nothing left behind but the tokens"
}

EXTRA=()
# Services whose image does not exist are left out.
for service in writer; do
    [ "${WITHOUT:-}" != "$service" ] || EXTRA+=(--set "services.$service.enabled=false")
done
values+=("${EXTRA[@]}")
EXTRA=()
# Whatever else is done, it is done on a cluster.
[[ " $STEPS " = *" cluster "* ]] || STEPS="cluster $STEPS"
for name in $STEPS; do "step_$name"; done
printf '\n[%4d s] %d assertions passed, %d skipped\n' $((SECONDS - began)) ${#passed[@]} ${#skipped[@]}
printf '  pass  %s\n' "${passed[@]}"
[ ${#skipped[@]} = 0 ] || printf '  skip  %s\n' "${skipped[@]}"
