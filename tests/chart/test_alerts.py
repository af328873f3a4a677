#!/usr/bin/env python3
"""The alerts as the chart renders them, held by promtool against series of samples. Needs helm, PyYAML and promtool."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = ROOT / "tests/chart/alerts.yaml"


def rules(*sets):
    command = ["helm", "template", "t", str(ROOT / "charts/beamline"), "-n", "beamline", "--kube-version", "1.34.0"]
    command += ["-f", str(ROOT / "k8s/values-stream.yaml"), "-f", str(ROOT / "k8s/values-production.yaml"), "-s", "templates/monitoring.yaml"]
    for one in sets:
        command += ["--set", one]
    objects = yaml.safe_load_all(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return next(one["spec"] for one in objects if one and one["kind"] == "PrometheusRule")


def promtool(*arguments, folder):
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, cwd=folder)
    return done.returncode, done.stdout + done.stderr


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

    def test_a_value_shortens_all_durations(self):
        self.assertEqual({rule["for"] for group in rules("monitoring.prometheusRule.for=5s")["groups"] for rule in group["rules"]}, {"5s"})


if __name__ == "__main__":
    unittest.main()
