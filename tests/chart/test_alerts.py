#!/usr/bin/env python3
"""The alerts as the chart renders them, held by promtool against series of samples. Needs helm, PyYAML and promtool."""

import importlib.util
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = ROOT / "tests/chart/alerts.yaml"


def objects(*sets):
    command = ["helm", "template", "t", str(ROOT / "charts/beamline"), "-n", "beamline", "--kube-version", "1.34.0"]
    command += ["-f", str(ROOT / "k8s/values-stream.yaml"), "-f", str(ROOT / "k8s/values-production.yaml"), "-s", "templates/monitoring.yaml"]
    for one in sets:
        command += ["--set", one]
    made = yaml.safe_load_all(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return [one for one in made if one]


def rules(*sets):
    return next(one["spec"] for one in objects(*sets) if one["kind"] == "PrometheusRule")


def promtool(*arguments, folder):
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, cwd=folder)
    return done.returncode, done.stdout + done.stderr


def cluster_helper():
    spec = importlib.util.spec_from_file_location("prometheus", ROOT / "tests/e2e/prometheus.py")
    helper = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(helper)
    return helper


class Alerts(unittest.TestCase):
    def test_every_alert_fires_when_what_it_is_about_has_lasted(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "rules.yaml").write_text(yaml.safe_dump(rules()), encoding="utf-8")
            shutil.copy(CASES, folder)
            self.assertEqual(promtool("check", "rules", "rules.yaml", folder=folder)[0], 0)
            code, said = promtool("test", "rules", "alerts.yaml", folder=folder)
            self.assertEqual(code, 0, said)
            # With other durations the cases fail: they are about those that are shipped.
            pathlib.Path(folder, "rules.yaml").write_text(yaml.safe_dump(rules("monitoring.prometheusRule.for=20m")), encoding="utf-8")
            said = promtool("test", "rules", "alerts.yaml", folder=folder)[1]
            self.assertEqual(said.count("got: nil"), len(yaml.safe_load(CASES.read_text(encoding="utf-8"))["tests"]), said)

    def test_every_alert_has_a_case_that_fires_and_one_that_does_not(self):
        names = {rule["alert"] for group in rules()["groups"] for rule in group["rules"]}
        found = {True: set(), False: set()}
        for case in yaml.safe_load(CASES.read_text(encoding="utf-8"))["tests"]:
            for one in case["promql_expr_test"]:
                found[bool(one["exp_samples"])].add(re.search('alertname="([^"]*)"', one["expr"])[1])
        self.assertEqual(found, {True: names, False: names})

    def test_prometheus_takes_what_the_cluster_tests_make_of_the_monitor(self):
        helper = cluster_helper()
        with tempfile.TemporaryDirectory() as folder:
            for name, text in helper.files(objects()).items():
                pathlib.Path(folder, name).write_text(text, encoding="utf-8")
            code, said = promtool("check", "config", "prometheus.yaml", folder=folder)
        self.assertEqual(code, 0, said)
        self.assertIn("9 rules found", said)

    def test_a_monitor_finds_pods_by_labels_and_port_and_nothing_by_wrong_ones(self):
        monitor = next(one for one in objects() if one["kind"] == "ServiceMonitor")
        endpoint = monitor["spec"]["endpoints"][0]
        labels = {"app.kubernetes.io/name": "beamline", "app.kubernetes.io/instance": "t", "more": "is no matter"}
        services = [{"metadata": {"name": name, "labels": found}} for name, found in (("ours", labels), ("theirs", {}))]
        address = {"ip": "10.0.0.1", "targetRef": {"name": "a-pod"}}
        ports = [{"name": "http", "port": 8080}, {"name": "metrics", "port": 9464}]
        endpoints = [{"metadata": {"name": name, "namespace": "beamline"}, "subsets": [{"notReadyAddresses": [address], "ports": ports}]}
                     for name in ("ours", "theirs")]
        found = list(cluster_helper().targets(monitor, endpoint, services, endpoints, "127.0.0.1:1"))
        self.assertEqual([one["labels"]["__metrics_path__"] for one in found], ["/api/v1/namespaces/beamline/pods/a-pod:9464/proxy/metrics"])
        self.assertEqual(found[0]["labels"]["service"], "ours")
        self.assertEqual(list(cluster_helper().targets(monitor, {**endpoint, "port": "metric"}, services, endpoints, "")), [])
        monitor["spec"]["selector"]["matchLabels"]["app.kubernetes.io/instance"] = "another"
        self.assertEqual(list(cluster_helper().targets(monitor, endpoint, services, endpoints, "")), [])

    def test_a_value_shortens_all_durations(self):
        self.assertEqual({rule["for"] for group in rules("monitoring.prometheusRule.for=5s")["groups"] for rule in group["rules"]}, {"5s"})

    def test_a_value_shortens_the_window_of_rates(self):
        texts = lambda *sets: [rule["expr"] for group in rules(*sets)["groups"] for rule in group["rules"]]
        self.assertEqual([text.replace("[5m]", "[90s]") for text in texts()], texts("monitoring.prometheusRule.window=90s"))
        self.assertTrue(any("[90s]" in text for text in texts("monitoring.prometheusRule.window=90s")))


if __name__ == "__main__":
    unittest.main()
