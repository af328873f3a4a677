#!/usr/bin/env python3
"""Does for a Prometheus on this machine what its operator does in a cluster with the ServiceMonitors and PrometheusRules on
standard input: finds the endpoints that they select, again and again. So a selector or the name of a port that is wrong in
the chart finds nothing. (Debian's Prometheus cannot ask Kubernetes by itself.)

    helm template ... | prometheus.py FOLDER PROXY     writes prometheus.yaml, rules.yaml and lists of targets; PROXY is where
                                                       `kubectl proxy` listens, host:port
"""

import json
import os
import pathlib
import sys
import time
import urllib.request

import yaml


def settings(monitors):
    """One scrape configuration for each endpoint of a ServiceMonitor."""
    jobs = []
    for monitor in monitors:
        for number, endpoint in enumerate(monitor["spec"]["endpoints"]):
            name = f"{monitor['metadata']['namespace']}-{monitor['metadata']['name']}-{number}"
            files = [{"files": [f"{name}.json"], "refresh_interval": "1s"}]
            jobs.append({"job_name": name, "scrape_interval": endpoint["interval"], "scrape_timeout": endpoint["interval"], "file_sd_configs": files})
    return {
        "global": {"evaluation_interval": monitors[0]["spec"]["endpoints"][0]["interval"]},
        "rule_files": ["rules.yaml"],
        "scrape_configs": jobs,
    }


def files(objects):
    monitors = [one for one in objects if one["kind"] == "ServiceMonitor"]
    groups = [group for one in objects if one["kind"] == "PrometheusRule" for group in one["spec"]["groups"]]
    return {"prometheus.yaml": yaml.safe_dump(settings(monitors)), "rules.yaml": yaml.safe_dump({"groups": groups})}


def targets(monitor, endpoint, services, endpoints, proxy):
    """The pods behind the services that a ServiceMonitor selects, ready or not, with the labels that the operator gives."""
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    selected = {one["metadata"]["name"] for one in services if wanted <= one["metadata"].get("labels", {}).items()}
    for one in endpoints:
        service, namespace = one["metadata"]["name"], one["metadata"]["namespace"]
        for subset in one.get("subsets", []) if service in selected else []:
            for port in subset.get("ports", []):
                if port.get("name") != endpoint["port"]:
                    continue
                for address in subset.get("addresses", []) + subset.get("notReadyAddresses", []):
                    pod = address["targetRef"]["name"]
                    path = f"/api/v1/namespaces/{namespace}/pods/{pod}:{port['port']}/proxy{endpoint.get('path', '/metrics')}"
                    labels = {"namespace": namespace, "service": service, "pod": pod, "job": service, "endpoint": port["name"]}
                    yield {"targets": [proxy], "labels": {**labels, "instance": f"{address['ip']}:{port['port']}", "__metrics_path__": path}}


def listed(kind, namespace, proxy):
    with urllib.request.urlopen(f"http://{proxy}/api/v1/namespaces/{namespace}/{kind}") as answer:
        return json.load(answer)["items"]


def watch(folder, monitors, proxy):
    while True:
        for monitor in monitors:
            namespace = monitor["metadata"]["namespace"]
            services, endpoints = listed("services", namespace, proxy), listed("endpoints", namespace, proxy)
            for number, endpoint in enumerate(monitor["spec"]["endpoints"]):
                found = list(targets(monitor, endpoint, services, endpoints, proxy))
                name = f"{namespace}-{monitor['metadata']['name']}-{number}.json"
                (folder / f"{name}.new").write_text(json.dumps(found), encoding="utf-8")
                os.replace(folder / f"{name}.new", folder / name)
        time.sleep(1)


if __name__ == "__main__":
    place, rendered = pathlib.Path(sys.argv[1]), [one for one in yaml.safe_load_all(sys.stdin) if one]
    for name, text in files(rendered).items():
        (place / name).write_text(text, encoding="utf-8")
    watch(place, [one for one in rendered if one["kind"] == "ServiceMonitor"], sys.argv[2])
