#!/usr/bin/env python3
"""docker/compose.yaml with one broker, with three, and with Spark: who finds whom, and how often everything is kept. Needs PyYAML."""

import json
import pathlib
import re
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"


def loaded(variables):
    """The file with its variables filled in, as Compose does it for `${NAME:-default}`."""
    text = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
    known = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: variables.get(found[1]) or found[2], text)
    assert "$" not in re.sub(r"#.*", "", known), "a variable that this test does not know how to fill in"
    return yaml.safe_load(known)


def compose(variables, profiles=()):
    """The services that start with these profiles."""
    services = loaded(variables)["services"]
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

    def test_volumes_are_declared(self):
        file = loaded({})
        mounted = {place.split(":")[0] for one in file["services"].values() for place in one.get("volumes", [])}
        named = {name for name in mounted if not name.startswith(".")}
        self.assertEqual(named, set(file["volumes"]))
        self.assertEqual([path for path in mounted - named if not (DOCKER / path).is_dir()], [])

    def test_spark(self):
        for variables, profiles in [({}, ["spark"]), (cluster_variables(), ["spark", "cluster"])]:
            services = compose(variables, profiles)
            self.assertEqual(set(services) - set(compose(variables, profiles[1:])), {"lake-writer", "spark"})
            self.spark_job(services)
            writer, job = services["lake-writer"], services["spark"]
            self.assertEqual(writer["command"], ["--backend", "delta", "--lake", "/lake/stream"])
            self.assertEqual(writer["environment"], services["writer"]["environment"])
            self.assertTrue(set(services["writer"]["volumes"]) < set(writer["volumes"]), "the definition is there")
            for one in (writer, job):
                self.assertIn("lake:/lake", one["volumes"])
                self.assertEqual(one["depends_on"], services["enricher"]["depends_on"], "topics and schemas are there")

    def spark_job(self, services):
        """The command is one that the job takes, with the addresses of the services and the versions of `make spark`."""
        job = services["spark"]
        command = job["command"]
        at = next(index for index, word in enumerate(command) if word.endswith(".py"))
        submit, options = (dict(word.removeprefix("--").split("=", 1) for word in words) for words in (command[1:at], command[at + 1 :]))
        self.assertIn("../examples/spark:/jobs:ro", job["volumes"])
        source = (ROOT / "examples/spark" / command[at].removeprefix("/jobs/")).read_text(encoding="utf-8")
        known = re.findall(r'add_argument\("--(\w+)"(.*)\)', source)
        self.assertEqual([name for name in options if name not in dict(known)], [])
        self.assertEqual([name for name, how in known if "required=True" in how and name not in options], [])
        environment = services["enricher"]["environment"]
        self.assertEqual(options["bootstrap"], environment["BEAMLINE_KAFKA_BOOTSTRAP"])
        self.assertEqual(options["registry"], environment["BEAMLINE_REGISTRY_URL"])
        stream = yaml.safe_load((ROOT / environment["BEAMLINE_STREAM"].replace("/etc/beamline/", "")).read_text(encoding="utf-8"))
        self.assertEqual(options["topic"], f"{stream['metadata']['name']}.scored")
        schema = json.loads((ROOT / "streams" / stream["spec"]["schema"]).read_text(encoding="utf-8"))
        columns = {field["name"] for field in schema["fields"]}
        chosen = {re.search(r'default="(\w+)"', how)[1] for name, how in known if name in ("time", "key", "value")}
        self.assertLessEqual(chosen, columns)
        # One version of Spark everywhere.
        tested = (ROOT / "tests/servers/src/spark.rs").read_text(encoding="utf-8")
        [version] = re.findall(r'"pyspark==([\d.]+)"', tested)
        self.assertTrue(job["image"].startswith(f"apache/spark:{version}-scala2.13-"), job["image"])
        for package in submit["packages"].split(","):
            group, artifact, wanted = package.split(":")
            self.assertIn(f"<groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{wanted}</version>", tested)
        self.assertIn(submit["packages"], source, "as the job's own page says")


if __name__ == "__main__":
    unittest.main()
