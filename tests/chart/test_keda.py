#!/usr/bin/env python3
"""The chart's ScaledObjects against the schema of KEDA's own custom resource. `make e2e` is to run KEDA itself. Needs helm and PyYAML."""

import copy
import pathlib
import subprocess
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
# What the scaler `kafka` of v2.21.0 reads of a trigger (pkg/scalers/kafka_scaler.go) and the chart uses.
TRIGGER = {"bootstrapServers", "consumerGroup", "topic", "lagThreshold", "tls"}


def schema():
    crd = yaml.safe_load((ROOT / "tests/chart/keda/scaledobjects.yaml").read_text(encoding="utf-8"))
    version = next(one for one in crd["spec"]["versions"] if one["name"] == "v1alpha1")
    found = version["schema"]["openAPIV3Schema"]
    # Kubernetes knows these itself.
    found["properties"]["metadata"] = {"x-kubernetes-preserve-unknown-fields": True}
    return found


def mistakes(value, schema, path="ScaledObject"):
    """What Kubernetes would refuse, or drop because it does not know it."""
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return []
    if schema.get("x-kubernetes-int-or-string"):
        return [] if isinstance(value, (int, str)) else [f"{path} is {value!r}"]
    kind = TYPES.get(schema.get("type"))
    if kind and (not isinstance(value, kind) or kind is int and isinstance(value, bool)):
        return [f"{path} is {value!r}, no {schema['type']}"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{path} is {value!r}, none of {schema['enum']}")
    if isinstance(value, dict):
        found += [f"{path}.{name} is missing" for name in schema.get("required", []) if name not in value]
        for name, one in value.items():
            below = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            found += [f"{path}.{name} is not known"] if below is None else mistakes(one, below, f"{path}.{name}")
    if isinstance(value, list):
        for number, one in enumerate(value):
            found += mistakes(one, schema.get("items", {}), f"{path}[{number}]")
    return found


def rendered(*sets):
    command = ["helm", "template", "t", str(ROOT / "charts/beamline"), "-n", "space", "--kube-version", "1.34.0", "-s", "templates/scaling.yaml"]
    for file in ("k8s/values-stream.yaml", "charts/beamline/examples/keda/values.yaml"):
        command += ["-f", str(ROOT / file)]
    for one in sets:
        command += ["--set", one]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [one for one in yaml.safe_load_all(done.stdout) if one]


class Keda(unittest.TestCase):
    def test_kubernetes_would_take_every_scaled_object(self):
        secured = ("kafka.security=sasl-tls", "kafka.username=ann", "kafka.existingSecret=kafka", "kafka.secretKeys.password=password",
                   "scaling.keda.authenticationRef=ann")
        for sets in ((), secured):
            objects = rendered(*sets)
            self.assertEqual(len(objects), 2)
            for one in objects:
                self.assertEqual(mistakes(one, schema()), [])
                for trigger in one["spec"]["triggers"]:
                    self.assertLessEqual(set(trigger["metadata"]), TRIGGER)
                    self.assertEqual(trigger["metadata"].get("tls"), "enable" if sets else None)

    def test_mistakes_are_found(self):
        good = rendered()[0]
        for path, value, said in (
            (("spec", "maxReplicaCount"), "8", "no integer"),
            (("spec", "maxReplicas"), 8, "is not known"),
            (("spec", "triggers", 0, "metadata", "lagThreshold"), 5000, "no string"),
        ):
            bad = copy.deepcopy(good)
            at = bad
            for name in path[:-1]:
                at = at[name]
            at[path[-1]] = value
            self.assertIn(said, " ".join(mistakes(bad, schema())))
        del good["spec"]["scaleTargetRef"]["name"]
        self.assertEqual(mistakes(good, schema()), ["ScaledObject.spec.scaleTargetRef.name is missing"])


if __name__ == "__main__":
    unittest.main()
