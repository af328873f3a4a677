#!/usr/bin/env python3
"""What the chart's templates must and must not say. Needs helm and PyYAML."""

import json
import os
import pathlib
import re
import subprocess
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "charts/beamline"
SERVERS = ["kafka.bootstrap=kafka:9092", "registry.url=http://registry:8081", "cql.nodes=scylla:9042"]
OURS = {"generator", "enricher", "anomaly-detector", "aggregator", "writer", "dashboard", "autoscaler"}


def helm(*sets, values=(), stream=True, extra=()):
    command = ["helm", "template", "t", str(CHART), "-n", "space", "--kube-version", "1.34.0", *extra]
    if stream:
        command += ["-f", str(ROOT / "k8s/values-stream.yaml")]
    for file in values:
        command += ["-f", str(ROOT / file)]
    for one in sets:
        command += ["--set", one]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def render(*sets, **options):
    done = helm(*sets, **options)
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def kinds(objects, kind):
    return {one["metadata"]["name"]: one for one in objects if one["kind"] == kind}


def pods(objects):
    for one in objects:
        if one["kind"] in ("Deployment", "Job"):
            yield one, one["spec"]["template"]
        elif one["kind"] == "Pod":
            yield one, one


def containers(pod):
    return pod["spec"]["containers"] + pod["spec"].get("initContainers", [])


def container_name(pod):
    return pod["spec"]["containers"][0]["name"]


def environment(container):
    return {one["name"]: one.get("value") for one in container.get("env", [])}


def detector(objects):
    return kinds(objects, "Deployment")["t-beamline-particle-events-anomaly-detector"]


class Templates(unittest.TestCase):
    def fails(self, sentence, *sets, **options):
        done = helm(*sets, **options)
        self.assertNotEqual(done.returncode, 0, f"{sets} should fail")
        self.assertIn(sentence, done.stderr)

    def test_one_deployment_per_service_and_stream(self):
        names = set(kinds(render(*SERVERS), "Deployment"))
        services = ("generator", "enricher", "anomaly-detector", "aggregator", "writer", "dashboard")
        self.assertEqual(names, {f"t-beamline-particle-events-{one}" for one in services})

    def test_what_a_definition_has_no_work_for_is_left_out(self):
        plain = "metadata: {name: plain}\nspec: {schema: a.avsc\\, partitions: 1}"
        objects = render(*SERVERS, f"streams.plain.definition={plain}")
        names = {one.removeprefix("t-beamline-plain-") for one in kinds(objects, "Deployment") if "-plain-" in one}
        self.assertEqual(names, {"generator", "enricher", "anomaly-detector", "dashboard"})
        for where in ("services", "streams.particle-events.services"):
            names = kinds(render(*SERVERS, f"{where}.anomaly-detector.settings.fused=true"), "Deployment")
            self.assertNotIn("t-beamline-particle-events-enricher", names)

    def test_every_pod_of_ours_is_strict(self):
        objects = render(*SERVERS, "scaling.mode=builtin")
        for one, pod in pods(objects):
            spec, name = pod["spec"], one["metadata"]["name"]
            self.assertTrue(spec["securityContext"]["runAsNonRoot"], name)
            self.assertEqual(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", name)
            self.assertFalse(spec["enableServiceLinks"], name)
            asks = container_name(pod) in OURS or name.endswith("tokens")
            self.assertEqual(spec["automountServiceAccountToken"], asks, name)
            for container in containers(pod):
                context = container["securityContext"]
                self.assertTrue(context["readOnlyRootFilesystem"], name)
                self.assertFalse(context["allowPrivilegeEscalation"], name)
                self.assertEqual(context["capabilities"]["drop"], ["ALL"], name)
                self.assertIn("limits", container["resources"], name)

    def test_services_have_probes_and_time_to_end(self):
        for name, one in kinds(render(*SERVERS, "scaling.mode=builtin"), "Deployment").items():
            spec = one["spec"]["template"]["spec"]
            container = spec["containers"][0]
            self.assertEqual(container["livenessProbe"]["httpGet"]["path"], "/livez", name)
            self.assertEqual(container["startupProbe"]["httpGet"]["path"], "/livez", name)
            self.assertEqual(container["readinessProbe"]["httpGet"]["path"], "/readyz", name)
            limit = int(environment(container)["BEAMLINE_SHUTDOWN_LIMIT"].rstrip("s"))
            self.assertGreater(spec["terminationGracePeriodSeconds"], limit, name)

    def test_helm_waits_for_every_pod_and_two_are_replaced_one_by_one(self):
        # Helm holds a rolling update of one pod, of which one may be unavailable, for ready before it is there.
        for name, one in kinds(render(*SERVERS), "Deployment").items():
            self.assertEqual(one["spec"]["strategy"], {"type": "Recreate"}, name)
        strategy = detector(render(*SERVERS, "services.anomaly-detector.replicas=2"))["spec"]["strategy"]
        self.assertEqual(strategy["rollingUpdate"], {"maxSurge": 0, "maxUnavailable": 1})
        self.assertEqual(detector(render(*SERVERS, "scaling.mode=builtin"))["spec"]["strategy"], strategy)

    def test_mounted_files_lie_as_the_definition_names_them(self):
        objects = render(*SERVERS)
        spec = detector(objects)["spec"]["template"]["spec"]
        volume = next(one for one in spec["volumes"] if one["name"] == "stream")
        data = kinds(objects, "ConfigMap")[volume["configMap"]["name"]]["data"]
        paths = {one["path"]: one["key"] for one in volume["configMap"]["items"]}
        self.assertEqual(set(paths.values()), set(data))
        definition = yaml.safe_load(data[paths["streams/particle-events.yaml"]])
        wanted = [definition["spec"]["schema"]] + [one["table"] for one in definition["spec"]["enrich"]["lookups"]]
        for path in wanted:
            self.assertIn(os.path.normpath(os.path.join("streams", path)), paths)
        file = environment(spec["containers"][0])["BEAMLINE_STREAM"]
        self.assertEqual(file, "/etc/beamline/streams/particle-events/streams/particle-events.yaml")
        original = (ROOT / "reference/particles.csv").read_text(encoding="utf-8")
        self.assertEqual(data[paths["reference/particles.csv"]], original)

    def test_setup_is_a_hook_that_checks_before_it_changes(self):
        jobs = [job for name, job in kinds(render(*SERVERS), "Job").items() if not name.endswith("-tokens")]
        jobs.sort(key=lambda job: int(job["metadata"]["annotations"]["helm.sh/hook-weight"]))
        steps = []
        for job in jobs:
            self.assertEqual(job["metadata"]["annotations"]["helm.sh/hook"], "pre-install,pre-upgrade")
            spec = job["spec"]["template"]["spec"]
            steps.append([one["args"][:2] for one in spec.get("initContainers", []) + spec["containers"]])
        apply = [["topics", "apply"], ["schemas", "register"], ["store", "apply"]]
        self.assertEqual(steps, [[["schemas", "check"]], apply])

    def test_the_page_wants_a_token_and_is_reached_by_known_names(self):
        objects = render(*SERVERS, "dashboard.ingress.enabled=true", "dashboard.ingress.host=wall.lab.org")
        name = "t-beamline-particle-events-dashboard"
        spec = kinds(objects, "Deployment")[name]["spec"]["template"]["spec"]
        container = spec["containers"][0]
        said = environment(container)
        self.assertEqual((said["BEAMLINE_PAGE"], said["BEAMLINE_HISTORY"]), ("0.0.0.0:8080", "cql"))
        self.assertEqual(said["BEAMLINE_PAGE_TOKENS"], "/etc/beamline/tokens")
        self.assertEqual(said["BEAMLINE_PAGE_HOST"].split(",")[0], name)
        self.assertEqual(said["BEAMLINE_PAGE_HOST"].split(",")[-1], "wall.lab.org")
        volume = next(one for one in spec["volumes"] if one["name"] == "tokens")
        self.assertEqual(volume["secret"]["secretName"], "t-beamline-dashboard")
        # Probes are answered on a port without data.
        ports = {one["name"]: one["containerPort"] for one in container["ports"]}
        self.assertEqual(ports, {"metrics": 9464, "http": 8080})
        self.assertEqual(container["readinessProbe"]["httpGet"]["port"], "metrics")
        backend = kinds(objects, "Ingress")[name]["spec"]["rules"][0]["http"]["paths"][0]["backend"]
        self.assertEqual(backend["service"]["name"], name)
        ports = {one["name"]: one["port"] for one in kinds(objects, "Service")[name]["spec"]["ports"]}
        self.assertEqual(ports, {"metrics": 9464, "http": 80})
        self.assertNotIn("BEAMLINE_PAGE_JAEGER", str(objects))
        self.assertIn("'https://lab.org/jaeger'", str(render(*SERVERS, "dashboard.jaegerUrl=https://lab.org/jaeger")))
        self.assertNotIn("BEAMLINE_PAGE_PROXY", str(objects))
        proxied = render(*SERVERS, "dashboard.proxy.trusted={10.42.0.0/16,10.43.0.7}", "dashboard.proxy.operators={shift}")
        page = kinds(proxied, "Deployment")["t-beamline-particle-events-dashboard"]["spec"]["template"]["spec"]["containers"][0]
        self.assertEqual(environment(page)["BEAMLINE_PAGE_PROXY"], "10.42.0.0/16,10.43.0.7")
        self.assertEqual(environment(page)["BEAMLINE_PAGE_OPERATORS"], "shift")
        self.fails("jaegerUrl", *SERVERS, "dashboard.jaegerUrl=javascript:1")
        self.fails("needs dashboard.ingress.host", *SERVERS, "dashboard.ingress.enabled=true")
        plain = "metadata: {name: plain}\nspec: {schema: a.avsc\\, partitions: 1}"
        two = [*SERVERS, "dashboard.ingress.enabled=true", f"streams.plain.definition={plain}"]
        self.fails("must have STREAM in it", *two, "dashboard.ingress.host=wall.lab.org")
        hosts = {one["spec"]["rules"][0]["host"] for one in
                 kinds(render(*two, "dashboard.ingress.host=STREAM.lab.org"), "Ingress").values()}
        self.assertEqual(hosts, {"particle-events.lab.org", "plain.lab.org"})
        histories = {name: environment(one["spec"]["template"]["spec"]["containers"][0]).get("BEAMLINE_HISTORY")
                     for name, one in kinds(render(*two, "dashboard.ingress.host=STREAM.lab.org"), "Deployment").items()}
        self.assertEqual(histories["t-beamline-plain-dashboard"], "topics")

    def test_tokens_are_made_once_by_a_job_that_may_do_nothing_else(self):
        def made(*sets, **options):
            return [one for one in render(*SERVERS, *sets, **options) if one["metadata"]["name"] == "t-beamline-tokens"]

        for extra in ([], ["--is-upgrade"]):
            objects = made(extra=extra)
            self.assertEqual({one["kind"] for one in objects}, {"ServiceAccount", "Role", "RoleBinding", "Job"})
            role = kinds(objects, "Role")["t-beamline-tokens"]
            self.assertEqual(role["rules"], [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]}])
            job = kinds(objects, "Job")["t-beamline-tokens"]
            args = job["spec"]["template"]["spec"]["containers"][0]["args"]
            self.assertEqual(args[:3], ["tokens", "--secret", "t-beamline-dashboard"])
            self.assertEqual(job["metadata"]["annotations"]["helm.sh/hook"], "pre-install,pre-upgrade")
        # No token is ever part of what the chart renders, so that an upgrade cannot change one.
        self.assertFalse(kinds(render(*SERVERS), "Secret"))
        self.assertFalse(made("dashboard.existingSecret=mine"))
        self.assertFalse(made("services.dashboard.enabled=false"))
        objects = render(*SERVERS, "dashboard.existingSecret=mine")
        spec = kinds(objects, "Deployment")["t-beamline-particle-events-dashboard"]["spec"]["template"]["spec"]
        self.assertEqual(next(one for one in spec["volumes"] if one["name"] == "tokens")["secret"]["secretName"], "mine")
        self.fails("services.dashboard needs tokens", *SERVERS, "setup.enabled=false")

    def test_setup_waits_for_servers_of_its_own_release(self):
        values = ["k8s/values-kind.yaml"]
        first = kinds(render(values=values), "Job")["t-beamline-particle-events-setup"]
        self.assertNotIn("annotations", first["metadata"])
        later = kinds(render(values=values, extra=["--is-upgrade"]), "Job")["t-beamline-particle-events-setup"]
        self.assertIn("helm.sh/hook", later["metadata"]["annotations"])

    def test_services_may_write_events_and_nothing_else(self):
        name = "t-beamline-pod-events"
        fields = {"POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace", "POD_UID": "metadata.uid"}

        def of_pods(objects):
            for one in kinds(objects, "Deployment").values():
                spec = one["spec"]["template"]["spec"]
                if container_name(one["spec"]["template"]) in OURS - {"autoscaler"}:
                    named = {entry["name"]: entry["valueFrom"]["fieldRef"]["fieldPath"] for entry in spec["containers"][0]["env"] if entry["name"] in fields}
                    yield spec["serviceAccountName"], spec["automountServiceAccountToken"], named

        objects = render(*SERVERS, "scaling.mode=builtin")
        rule = {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]}
        self.assertEqual(kinds(objects, "Role")[name]["rules"], [rule])
        binding = kinds(objects, "RoleBinding")[name]
        self.assertEqual(binding["roleRef"]["name"], name)
        self.assertEqual(binding["subjects"], [{"kind": "ServiceAccount", "name": "t-beamline", "namespace": "space"}])
        self.assertEqual(list(of_pods(objects)), [("t-beamline", True, fields)] * 6)
        own = render(*SERVERS, "serviceAccount.create=false", "serviceAccount.name=mine")
        self.assertEqual(kinds(own, "RoleBinding")[name]["subjects"][0]["name"], "mine")
        without = render(*SERVERS, "podEvents=false")
        self.assertEqual(list(of_pods(without)), [("t-beamline", False, {})] * 6)
        self.assertNotIn(name, [one["metadata"]["name"] for one in without])

    def test_only_the_autoscaler_has_more_rights_and_few(self):
        # The Job that makes the tokens of the page aside.
        self.assertEqual(set(kinds(render(*SERVERS, "podEvents=false"), "Role")), {"t-beamline-tokens"})
        objects = render(*SERVERS, "scaling.mode=builtin")
        rules = kinds(objects, "Role")["t-beamline-autoscaler"]["rules"]
        self.assertEqual(kinds(objects, "ClusterRole"), {})
        for rule in rules:
            self.assertNotIn("*", rule["verbs"] + rule["resources"] + rule["apiGroups"])
            # Events have no names before they are made.
            if rule["resources"] != ["events"]:
                self.assertTrue(rule["resourceNames"], rule)
        self.assertIn("t-beamline-autoscaler", kinds(objects, "Lease"))
        targets = json.loads(kinds(objects, "ConfigMap")["t-beamline-autoscaler"]["data"]["targets.json"])
        self.assertEqual({one["max"] for one in targets}, {8})
        groups = {one["deployment"].rsplit("events-")[1]: (one["group"], one["topic"]) for one in targets}
        self.assertEqual(groups["enricher"], ("beamline.particle-events.enricher", "particle-events"))
        self.assertEqual(
            groups["anomaly-detector"], ("beamline.particle-events.anomaly-detector", "particle-events.enriched")
        )

    def test_never_two_who_scale(self):
        found = {
            "fixed": (),
            "hpa": ("HorizontalPodAutoscaler",),
            "keda": ("ScaledObject",),
            "builtin": ("Role",),
        }
        scalers = ("HorizontalPodAutoscaler", "ScaledObject", "Role")
        for mode, wanted in found.items():
            objects = render(*SERVERS, "podEvents=false", "dashboard.existingSecret=page", f"scaling.mode={mode}")
            self.assertEqual(tuple(kind for kind in scalers if kinds(objects, kind)), wanted)
            self.assertEqual("replicas" in detector(objects)["spec"], mode == "fixed")
            for kind in scalers[:2]:
                for one in kinds(objects, kind).values():
                    spec = one["spec"]
                    self.assertEqual(spec.get("maxReplicas", spec.get("maxReplicaCount")), 8)

    def test_false_and_zero_of_a_stream_win(self):
        path = "streams.particle-events.services.anomaly-detector"
        objects = render(*SERVERS, f"{path}.enabled=false")
        self.assertNotIn("t-beamline-particle-events-anomaly-detector", kinds(objects, "Deployment"))
        objects = render(*SERVERS, f"{path}.replicas=0", f"{path}.podDisruptionBudget=false")
        self.assertEqual(detector(objects)["spec"]["replicas"], 0)
        self.assertNotIn("t-beamline-particle-events-anomaly-detector", kinds(objects, "PodDisruptionBudget"))

    def golden(self, name):
        """All pods that the values of a golden file make, held against those that it has."""
        objects = render(values=[f"tests/chart/golden/{name}.yaml"])
        found = {f"{one['kind']} {one['metadata']['name']}": pod for one, pod in pods(objects)}
        for pod in found.values():
            # What is not about pods changes with the example stream.
            for volume in pod["spec"].get("volumes", []):
                volume.get("configMap", {}).pop("items", None)
            if annotations := pod["metadata"].get("annotations"):
                pod["metadata"]["annotations"] = {k: v for k, v in annotations.items() if not k.startswith("checksum/")}
        file = ROOT / f"tests/chart/golden/{name}.pods.yaml"
        if os.environ.get("WRITE") == "1":
            file.write_text(yaml.safe_dump(found, width=120), encoding="utf-8")
        self.assertEqual(yaml.safe_load(file.read_text(encoding="utf-8")), found, "write it anew with make chart-examples")
        # Six services, the autoscaler, five servers, two Jobs and the test.
        self.assertEqual(len(found), 15)
        return found

    def test_every_place_of_the_schema_and_of_the_values_has_each_setting_of_pods(self):
        helpers = (CHART / "templates/_helpers.tpl").read_text(encoding="utf-8")
        picked = re.findall(r'"(\w+)"', re.search(r"pick \.root\.Values\.defaults (.*?) -}}", helpers)[1])
        self.assertIn("tolerations", picked)
        schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
        of = schema["properties"]
        servers = {f"development.{name}": of["development"]["properties"][name] for name in ("kafka", "registry", "cql", "jaeger", "collector")}
        places = {"definitions.service": schema["definitions"]["service"], "setup": of["setup"], "scaling.builtin": of["scaling"]["properties"]["builtin"], **servers}
        values = {file: yaml.safe_load((ROOT / file).read_text(encoding="utf-8")) for file in ("charts/beamline/values.yaml", "tests/chart/golden/set.yaml", "tests/chart/golden/null.yaml")}
        described = (ROOT / "docs/kubernetes.md").read_text(encoding="utf-8")
        for name in picked:
            for place, found in places.items():
                # A server has an environment of its own.
                if not (place in servers and name.startswith("extraEnv")):
                    self.assertIn(name, found["properties"], f"values.schema.json, {place}")
                    self.assertTrue(found["properties"][name].get("description"), f"values.schema.json, {place}: {name} is not described")
            for file, found in values.items():
                self.assertIn(name, found["defaults"], f"{file}, defaults")
            self.assertIn(f"`{name}`", described, "docs/kubernetes.md")

    def test_every_setting_of_pods_reaches_every_pod(self):
        for name, pod in self.golden("set").items():
            spec, metadata = pod["spec"], pod["metadata"]
            servers = name.endswith(("-kafka", "-registry", "-cql", "-jaeger", "-collector"))
            self.assertEqual(spec["imagePullSecrets"], [{"name": "pull-one"}, {"name": "pull-two"}], name)
            self.assertIn("affinity", spec, name)
            self.assertIn(spec["priorityClassName"], ("high", "low", "highest"), name)
            self.assertEqual("tolerations" in spec, not name.endswith(("-writer", "-cql")), name)
            self.assertIn(spec["nodeSelector"].get("pool"), ("physics", "jobs", None), name)
            self.assertIn(metadata["labels"]["team"], ("beam", "traces"), name)
            self.assertEqual(metadata["annotations"]["example.org/seen"], "yes", name)
            for container in containers(pod):
                self.assertEqual("envFrom" in container, not servers, name)
                own = {"FROM_SECRET", "SETUP", "ONE", "SCALED", "PASSWORD"} & set(environment(container))
                self.assertEqual(bool(own), not servers or name.endswith("-kafka"), name)

    def test_what_null_takes_away_is_gone(self):
        for name, pod in self.golden("null").items():
            spec = pod["spec"]
            for key in ("nodeSelector", "tolerations", "affinity", "priorityClassName", "securityContext"):
                self.assertNotIn(key, spec, name)
            for container in containers(pod):
                self.assertNotIn("securityContext", container, name)
                self.assertNotIn(None, container.get("resources", {}).values(), name)
        # One limit of one service, where the chart's own default is another layer's.
        one = ("services.anomaly-detector.resources.limits.memory=null", "services.anomaly-detector.resources.requests.cpu=2")
        for where in (one, [text.replace("services.", "streams.particle-events.services.", 1) for text in one]):
            container = detector(render(*SERVERS, *where))["spec"]["template"]["spec"]["containers"][0]
            self.assertEqual(container["resources"], {"requests": {"cpu": 2, "memory": "128Mi"}})
        self.fails("shutdownLimitSeconds", *SERVERS, "defaults.shutdownLimitSeconds=null")

    def test_three_brokers_keep_everything_three_times(self):
        objects = render(values=["tests/chart/golden/brokers.yaml"])
        names = ["t-beamline-kafka", "t-beamline-kafka-2", "t-beamline-kafka-3"]
        # Names that are known in every namespace: KEDA asks from its own.
        addresses = [f"{name}.space.svc:9092" for name in names]
        bootstrap = ",".join(addresses)
        self.assertEqual(environment(detector(objects)["spec"]["template"]["spec"]["containers"][0])["BEAMLINE_KAFKA_BOOTSTRAP"], bootstrap)
        services, volumes = kinds(objects, "Service"), kinds(objects, "PersistentVolumeClaim")
        for number, name in enumerate(names, 1):
            text = kinds(objects, "ConfigMap")[name]["data"]["server.properties"]
            properties = dict(line.split("=", 1) for line in text.splitlines())
            self.assertEqual(properties["node.id"], str(number))
            self.assertEqual(properties["advertised.listeners"], f"PLAINTEXT://{addresses[number - 1]}")
            voters = ",".join(f"{index}@{voter}:9093" for index, voter in enumerate(names, 1))
            self.assertEqual(properties["controller.quorum.voters"], voters)
            self.assertEqual(properties["listeners"], "PLAINTEXT://:9092,CONTROLLER://:9093")
            copies = {key: value for key, value in properties.items() if key.endswith("replication.factor")}
            self.assertEqual(set(copies.values()), {"3"})
            self.assertEqual({value for key, value in properties.items() if key.endswith(("min.isr", "insync.replicas"))}, {"2"})
            pod = kinds(objects, "Deployment")[name]["spec"]["template"]
            self.assertEqual(services[name]["spec"]["selector"].items() & pod["metadata"]["labels"].items(), services[name]["spec"]["selector"].items())
            self.assertTrue(services[name]["spec"]["publishNotReadyAddresses"])
            self.assertEqual([port["port"] for port in services[name]["spec"]["ports"]], [9093, 9092])
            self.assertIn(name, volumes)
        self.fails("replicas", "development.kafka.replicas=2", values=["tests/chart/golden/brokers.yaml"])

    def test_settings_become_variables(self):
        objects = render(*SERVERS, "defaults.settings.commit-interval=200ms", "services.anomaly-detector.settings.threads=2")
        variables = environment(detector(objects)["spec"]["template"]["spec"]["containers"][0])
        self.assertEqual(variables["BEAMLINE_COMMIT_INTERVAL"], "200ms")
        self.assertEqual(variables["BEAMLINE_THREADS"], "2")

    def test_credentials_are_files_and_never_variables(self):
        objects = render(values=["k8s/values-production.yaml"])
        for one, pod in pods(objects):
            for container in containers(pod):
                self.assertNotIn("secretKeyRef", json.dumps(container), one["metadata"]["name"])
        container = detector(objects)["spec"]["template"]["spec"]["containers"][0]
        self.assertEqual(environment(container)["BEAMLINE_KAFKA_PASSWORD_FILE"], "/etc/beamline/credentials/kafka/password")
        self.assertIn("/etc/beamline/credentials/kafka", [one["mountPath"] for one in container["volumeMounts"]])

    def test_network_policy_opens_what_is_used(self):
        policies = kinds(render(values=["k8s/values-production.yaml"]), "NetworkPolicy")
        ports = [one["port"] for rule in policies["t-beamline"]["spec"]["egress"] for one in rule["ports"]]
        self.assertEqual(ports, [53, 53, 9093, 443, 9042, 4318])

    def test_network_policy_lets_those_reach_kubernetes_who_ask_it(self):
        def asking(*sets):
            policy = kinds(render(*SERVERS, "networkPolicy.enabled=true", *sets), "NetworkPolicy").get("t-beamline-api")
            if policy is None:
                return set()
            selector = policy["spec"]["podSelector"]
            self.assertEqual(selector["matchLabels"]["app.kubernetes.io/instance"], "t")
            self.assertEqual([port["port"] for port in policy["spec"]["egress"][0]["ports"]], [443, 6443])
            self.assertEqual("to" in policy["spec"]["egress"][0], any("apiTo" in one for one in sets))
            return set(selector["matchExpressions"][0]["values"])

        self.assertEqual(asking("scaling.mode=builtin"), OURS | {"tokens"})
        self.assertEqual(asking("networkPolicy.apiTo[0].ipBlock.cidr=10.96.0.1/32"), OURS - {"autoscaler"} | {"tokens"})
        self.assertEqual(asking("podEvents=false"), {"tokens"})
        self.assertEqual(asking("podEvents=false", "dashboard.existingSecret=page"), set())

    def test_every_alert_has_a_runbook(self):
        rules = kinds(render(values=["k8s/values-production.yaml"]), "PrometheusRule")["t-beamline"]
        alerts = [rule for group in rules["spec"]["groups"] for rule in group["rules"]]
        self.assertTrue(alerts)
        for alert in alerts:
            page = alert["annotations"]["runbook_url"].rsplit("/", 1)[1]
            self.assertTrue((ROOT / "docs/runbooks" / page).exists(), page)

    def test_alerts_and_dashboards_name_metrics_that_exist(self):
        names = (ROOT / "crates/measure/src/names.rs").read_text(encoding="utf-8")
        import re
        for file in ("rules.yaml", "dashboard.json"):
            for name in set(re.findall(r"beamline_[a-z_]+", (CHART / "files" / file).read_text(encoding="utf-8"))):
                self.assertIn(f'"{name.removesuffix("_bucket")}"', names, file)

    def test_every_value_is_documented(self):
        schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
        values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))

        def walk(values, schema, path):
            schema = {**schema, **(schema.get("allOf") or [{}])[0]}
            if "$ref" in schema:
                schema = {**schema, **ROOT_SCHEMA["definitions"][schema["$ref"].rsplit("/", 1)[1]]}
            for key, value in values.items():
                if "properties" not in schema:
                    return
                self.assertIn(key, schema["properties"], path)
                self.assertTrue(schema["properties"][key].get("description"), f"{path}.{key}")
                if isinstance(value, dict):
                    walk(value, schema["properties"][key], f"{path}.{key}")

        global ROOT_SCHEMA
        ROOT_SCHEMA = schema
        walk(values, schema, "values")

    def test_extra_manifests_are_templates(self):
        objects = render(*SERVERS, "extraManifests[0].kind=ConfigMap", "extraManifests[0].metadata.name=\\{\\{ .Release.Name \\}\\}-x")
        self.assertIn("t-x", kinds(objects, "ConfigMap"))

    def test_bad_values_fail_with_a_sentence(self):
        self.fails("kafka.bootstrap is empty", *SERVERS[1:])
        self.fails("registry.url is empty", SERVERS[0], SERVERS[2])
        self.fails("has spec.store.cql, but cql.nodes is empty", *SERVERS[:2])
        self.fails("but only 8 partitions", *SERVERS, "services.enricher.replicas=9")
        self.fails("kafka.security=sasl-tls needs kafka.username", *SERVERS, "kafka.security=sasl-tls")
        self.fails("do nothing with kafka.security=plaintext", *SERVERS, "kafka.username=ann")
        self.fails("needs kafka.existingSecret", *SERVERS, "kafka.secretKeys.ca=ca.crt")
        self.fails("scaling.minReplicas=9 is more than the 8", *SERVERS, "scaling.mode=hpa", "scaling.minReplicas=9")
        self.fails("both must be the same", *SERVERS, "streams.other.definition=metadata: {name: else}")
        self.fails("is not YAML", *SERVERS, "streams.other.definition=[")
        self.fails("there is no such service", *SERVERS, "streams.particle-events.services.enrichr.replicas=1")
        self.fails("test.stream=nothing is none of streams", *SERVERS, "test.stream=nothing")

    def test_bad_shapes_are_refused_by_the_schema(self):
        self.fails("scaling/mode", *SERVERS, "scaling.mode=both")
        self.fails("additional properties 'replica'", *SERVERS, "services.enricher.replica=2")
        self.fails("additional properties 'kafak'", *SERVERS, "kafak.bootstrap=x:1")
        self.fails("scaling/services/0", *SERVERS, "scaling.mode=hpa", "scaling.services={generator}")
        self.fails("lagHigh", *SERVERS, "scaling.builtin.lagHigh=soon")


if __name__ == "__main__":
    unittest.main()
