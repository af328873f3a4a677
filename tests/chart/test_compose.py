#!/usr/bin/env python3
"""docker/compose.yaml with one broker and with three: who finds whom, and how often everything is kept. Needs PyYAML."""

import pathlib
import re
import unittest

import yaml

DOCKER = pathlib.Path(__file__).resolve().parents[2] / "docker"


def compose(variables, profiles=()):
    """The services of the file with its variables filled in, as Compose does it for `${NAME:-default}`."""
    text = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
    known = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: variables.get(found[1]) or found[2], text)
    assert "$" not in re.sub(r"#.*", "", known), "a variable that this test does not know how to fill in"
    services = yaml.safe_load(known)["services"]
    return {name: one for name, one in services.items() if not one.get("profiles") or set(one["profiles"]) & set(profiles)}


def cluster_variables():
    lines = (DOCKER / "cluster.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


class Compose(unittest.TestCase):
    def brokers(self, services):
        return {name: one["environment"] for name, one in services.items() if name.startswith("kafka")}

    def consistent(self, services, count):
        brokers = self.brokers(services)
        self.assertEqual(len(brokers), count)
        in_sync = 1 if count == 1 else 2
        voters = ",".join(f"{one['KAFKA_NODE_ID']}@{name}:9093" for name, one in brokers.items())
        addresses = ",".join(f"{name}:19092" for name in brokers)
        for name, one in brokers.items():
            self.assertEqual(one["KAFKA_CONTROLLER_QUORUM_VOTERS"], voters)
            copies = [one[key] for key in one if key.endswith("REPLICATION_FACTOR")]
            self.assertEqual(copies, [count] * 3)
            self.assertEqual([one[key] for key in one if key.endswith(("MIN_ISR", "INSYNC_REPLICAS"))], [in_sync] * 2)
            # What it tells clients is where it listens, on this machine and among the containers.
            advertised = dict(text.split("://") for text in one["KAFKA_ADVERTISED_LISTENERS"].split(","))
            listening = dict(text.split("://") for text in one["KAFKA_LISTENERS"].split(","))
            self.assertEqual(advertised["INNER"], f"{name}:19092")
            port = advertised["HOST"].removeprefix("localhost:")
            self.assertEqual(listening["HOST"], f":{port}")
            self.assertEqual(services[name]["ports"], [f"127.0.0.1:{port}:{port}"])
        for service in ("generator", "enricher", "anomaly-detector", "aggregator", "writer", "dashboard", "topics"):
            self.assertEqual(services[service]["environment"]["BEAMLINE_KAFKA_BOOTSTRAP"], addresses)
        waited_for = {name for name, how in services["topics"]["depends_on"].items() if how.get("required", True) or name in services}
        self.assertEqual(waited_for, set(brokers))

    def test_one_broker(self):
        self.consistent(compose({}), 1)

    def test_three_brokers(self):
        self.consistent(compose(cluster_variables(), ["cluster"]), 3)


if __name__ == "__main__":
    unittest.main()
