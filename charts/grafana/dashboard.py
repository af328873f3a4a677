#!/usr/bin/env python3
"""Writes the chart's Grafana dashboard from the panels that are listed here: `make chart-dashboard`.

Each panel has a description, thresholds where a value can be bad, and a link to the page that says what to do. `LEFT_OUT`
names the metrics that are on no panel, with the reason; tests/chart/test_dashboard.py compares both with docs/metrics.md.
"""

import json
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent / "beamline/files/dashboard.json"

# Metrics that no panel shows, each with the reason.
LEFT_OUT = {}

PROMETHEUS = {"type": "prometheus", "uid": "${datasource}"}
# What every query of a stage selects. The regular expression also takes metrics without a namespace.
SELECTED = 'namespace=~"$namespace",stream=~"$stream"'
WIDTH = 24
GREEN, AMBER, RED = "green", "orange", "red"


def runbook(name):
    return f"RUNBOOKS/{name}.md"


def rate(metric, by="stream, stage", more=""):
    return f"sum by ({by}) (rate({metric}{{{SELECTED}{more}}}[$__rate_interval]))"


def or_zero(query, of, by="stream, stage"):
    """A counter that has not counted anything yet is not there: zero, for every stage that has `of`."""
    return f"({query}) or (0 * {rate(of, by)})"


def quantile(share, metric, by="stream, stage"):
    return f"histogram_quantile({share}, {rate(metric + '_bucket', f'{by}, le')})"


def lag_seconds(by="stream, stage"):
    lag = f"sum by ({by}) (beamline_consumer_lag_records{{{SELECTED}}})"
    return f"{lag} / clamp_min({rate('beamline_records_in_total', by)}, 0.001)"


class Panel:
    """A panel; `targets` are (query, legend) pairs, `steps` are (value, colour) pairs in ascending order."""

    def __init__(self, kind, title, description, targets, unit="short", steps=(), link=None, width=8, height=8, **more):
        self.kind, self.title, self.description, self.targets = kind, title, description, targets
        self.unit, self.steps, self.link, self.width, self.height, self.more = unit, steps, link, width, height, more

    def json(self, number, x, y):
        thresholds = [{"color": GREEN, "value": None}]
        thresholds += [{"color": colour, "value": value} for value, colour in self.steps]
        defaults = {"unit": self.unit, "thresholds": {"mode": "absolute", "steps": thresholds}}
        defaults |= self.more.get("defaults", {})
        if self.kind == "timeseries":
            style = "line" if self.steps else "off"
            defaults |= {"min": 0, "custom": {"lineWidth": 1, "fillOpacity": 8, "thresholdsStyle": {"mode": style}}}
        options = {
            "timeseries": {
                "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
                "tooltip": {"mode": "multi", "sort": "desc"},
            },
            "stat": {"colorMode": "background", "graphMode": "area", "reduceOptions": {"calcs": ["lastNotNull"]}},
            "heatmap": {"calculate": False, "yAxis": {"unit": self.unit}, "color": {"scheme": "Blues"}},
            "table": {"showHeader": True},
        }[self.kind]
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": PROMETHEUS,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "fieldConfig": {"defaults": defaults, "overrides": []},
            "options": options,
            "links": [{"title": "What to do", "url": self.link, "targetBlank": True}] if self.link else [],
            "targets": [
                {
                    "refId": chr(ord("A") + index),
                    "datasource": PROMETHEUS,
                    "expr": query,
                    "legendFormat": legend,
                    **({"format": "heatmap"} if self.kind == "heatmap" else {}),
                    **({"format": "table", "instant": True} if self.kind == "table" else {}),
                }
                for index, (query, legend) in enumerate(self.targets)
            ],
        }


STAGE = "{{stream}} {{stage}}"

ROWS = {
    "How things are": [
        Panel(
            "stat", "Alerts firing", "How many of Beamline's alerts are firing. Open the alert list for their runbooks.",
            [('count(ALERTS{alertname=~"Beamline.*",alertstate="firing",namespace=~"$namespace"}) or vector(0)', "alerts")],
            steps=[(1, RED)], link=runbook("README"), width=4, height=5,
        ),
        Panel(
            "stat", "Services up", "Processes that answer with their metrics. Compare it with the replicas that you asked for.",
            [('count(beamline_build_info{namespace=~"$namespace"})', "services")], link=runbook("stage-stands"),
            width=4, height=5, defaults={"color": {"mode": "thresholds"}},
        ),
        Panel(
            "stat", "Worst lag", "Seconds that the slowest stage needs for the records that wait, at the rate at which it works now.",
            [(f"max({lag_seconds()})", "seconds")], unit="s", steps=[(10, AMBER), (60, RED)],
            link=runbook("lag-grows"), width=4, height=5,
        ),
        Panel(
            "stat", "Latency, p99", "From an event's ingest to the commit of the last stage, for all but one in a hundred events.",
            [(f"max({quantile(0.99, 'beamline_end_to_end_latency_seconds')})", "p99")], unit="s",
            steps=[(1, AMBER), (5, RED)], link=runbook("latency-high"), width=4, height=5,
        ),
        Panel(
            "stat", "Ledger: records not accounted for",
            "Records read in the last ten minutes less those that came out, were filtered, came late or became dead letters, as "
            "a share. It moves around 0 while records are on their way; a lasting difference is a defect.",
            [(
                "abs("
                + " - ".join(
                    f'(sum(increase({metric}{{{SELECTED},stage=~"enricher|anomaly-detector"}}[10m])) or vector(0))'
                    for metric in (
                        "beamline_records_in_total", "beamline_records_out_total", "beamline_records_filtered_total",
                        "beamline_dead_letters_total", "beamline_late_records_total",
                    )
                )
                + f') / clamp_min(sum(increase(beamline_records_in_total{{{SELECTED},stage=~"enricher|anomaly-detector"}}[10m])), 1)',
                "share",
            )],
            unit="percentunit", steps=[(0.01, AMBER), (0.05, RED)], link=runbook("README"), width=4, height=5,
        ),
        Panel(
            "stat", "Event time behind the clock",
            "Wall-clock time less the latest event time that windows have seen. It grows where no events come, and is large in "
            "replays of old files.",
            [(f"max(beamline_watermark_delay_seconds{{{SELECTED}}}) or vector(0)", "delay")], unit="s",
            steps=[(60, AMBER), (600, RED)], link=runbook("stage-stands"), width=4, height=5,
        ),
    ],
    "Records": [
        Panel(
            "timeseries", "Records read", "Records a second that each stage reads.",
            [(rate("beamline_records_in_total"), STAGE)], unit="cps", link=runbook("stage-stands"),
        ),
        Panel(
            "timeseries", "Records out", "Records a second that each stage hands on, committed.",
            [(rate("beamline_records_out_total"), STAGE)], unit="cps", link=runbook("stage-stands"),
        ),
        Panel(
            "timeseries", "Sent by generators", "Events a second that generators have sent and brokers have acknowledged.",
            [(rate("beamline_generator_records_total", "stream"), "{{stream}}")], unit="cps", link=runbook("stage-stands"),
        ),
        Panel(
            "timeseries", "Filtered, late and dead",
            "Records a second that do not go on: left out by the filter, too late for their window, or dead letters.",
            [
                (or_zero(rate("beamline_records_filtered_total"), "beamline_records_in_total"), f"{STAGE} filtered"),
                (or_zero(rate("beamline_late_records_total"), "beamline_records_in_total"), f"{STAGE} late"),
                (or_zero(rate("beamline_dead_letters_total"), "beamline_records_in_total"), f"{STAGE} dead letters"),
            ],
            unit="cps", link=runbook("dead-letters"),
        ),
        Panel(
            "timeseries", "Rejected, by reason",
            "Records a second that became dead letters, by what was wrong: undecodable bytes, another schema, a quality rule, an "
            "expression that failed, or a size above the limit.",
            [(or_zero(rate("beamline_records_rejected_total", "stream, stage, reason"), "beamline_records_in_total"),
              f"{STAGE} {{{{reason}}}}")],
            unit="cps", steps=[(1, AMBER)], link=runbook("dead-letters"),
        ),
        Panel(
            "timeseries", "Generator waits for its queue, p99",
            "How long a batch of events waited for room in the generator's queue to the broker. Long waits mean that the brokers "
            "take less than the source gives.",
            [(f"{quantile(0.99, 'beamline_generator_backpressure_seconds', 'stream')} or (0 * {rate('beamline_generator_records_total', 'stream')})", "{{stream}}")],
            unit="s", steps=[(1, AMBER)], link=runbook("lag-grows"),
        ),
    ],
    "Lag and latency": [
        Panel(
            "heatmap", "Latency of the detector's results",
            "From an event's ingest to the commit of its score: how many events in each range of latency, over time.",
            [(f'sum by (le) (increase(beamline_end_to_end_latency_seconds_bucket{{{SELECTED},stage="anomaly-detector"}}[$__rate_interval]))', "{{le}}")],
            unit="s", link=runbook("latency-high"), width=12,
        ),
        Panel(
            "timeseries", "Latency by stage, p50 and p99",
            "From an event's ingest to the commit of each stage's result. Alerts fire above the chart's latencySeconds.",
            [
                (quantile(0.5, "beamline_end_to_end_latency_seconds"), f"{STAGE} p50"),
                (quantile(0.99, "beamline_end_to_end_latency_seconds"), f"{STAGE} p99"),
            ],
            unit="s", steps=[(5, RED)], link=runbook("latency-high"), width=12,
        ),
        Panel(
            "timeseries", "Lag in seconds", "Records that wait, divided by the rate at which the stage reads.",
            [(lag_seconds(), STAGE)], unit="s", steps=[(60, RED)], link=runbook("lag-grows"), width=6,
        ),
        Panel(
            "timeseries", "Lag by partition, the ten largest",
            "Records that wait. One partition far above the others is a hot key, or a worker that stands.",
            [(f"topk(10, sum by (stream, stage, partition) (beamline_consumer_lag_records{{{SELECTED}}}))", f"{STAGE} {{{{partition}}}}")],
            link=runbook("lag-grows"), width=6,
        ),
        Panel(
            "timeseries", "Hot keys",
            "The share of a partition's events that one key has, where that is far more than its part; zero where there is none. More workers "
            "do not help such a partition.",
            [(f"max by (stream, stage, partition, key) (beamline_hot_key_share{{{SELECTED}}}) or (0 * sum by (stream, stage) (beamline_consumer_lag_records{{{SELECTED}}}))",
              f"{STAGE} {{{{partition}}}} {{{{key}}}}")],
            unit="percentunit", link=runbook("lag-grows"), width=6,
        ),
        Panel(
            "timeseries", "Event time behind the clock",
            "Wall-clock time less the latest event time, of the partition that is furthest behind.",
            [(f"max by (stream, stage) (beamline_watermark_delay_seconds{{{SELECTED}}})", STAGE)], unit="s",
            link=runbook("stage-stands"), width=6,
        ),
    ],
    "Detection": [
        Panel(
            "timeseries", "Anomalies against the budget",
            "The share of scored events that are anomalous. The line is 1 in 1,000, the false-alarm rate that a definition asks for "
            "by default: far above it, something is wrong with the detector's settings or with the world.",
            [(f'{rate("beamline_anomalies_total", "stream")} / clamp_min({rate("beamline_records_out_total", "stream", ",stage=" + chr(34) + "anomaly-detector" + chr(34))}, 0.001)', "{{stream}}")],
            unit="percentunit", steps=[(0.001, AMBER)], link=runbook("README"),
        ),
        Panel(
            "timeseries", "Alarms by layer", "Alarms a second of each layer of the detector; an event may set off several.",
            [(rate("beamline_alarms_total", "stream, layer"), "{{stream}} {{layer}}")], unit="cps", link=runbook("README"),
        ),
        Panel(
            "timeseries", "Windows closed", "Windows of aggregates a second whose results became final.",
            [(or_zero(rate("beamline_windows_closed_total"), "beamline_records_in_total"), STAGE)], unit="cps",
            link=runbook("stage-stands"),
        ),
    ],
    "State and transactions": [
        Panel(
            "timeseries", "Keys with state", "Keys of the detector, or open windows and groups, over the assigned partitions.",
            [(f"sum by (stream, stage) (beamline_state_keys{{{SELECTED}}})", STAGE)], link=runbook("README"), width=6,
        ),
        Panel(
            "timeseries", "Memory of the state",
            "Bytes of the detector's state in memory, at most --state-mib of each pod, and what had to go to files beyond it.",
            [(f"sum by (stream, stage) (beamline_state_bytes{{{SELECTED}}})", STAGE),
             (f"sum by (stream, stage) (beamline_state_spilled_bytes{{{SELECTED}}})", f"{STAGE} in files")], unit="bytes",
            link=runbook("README"), width=6,
        ),
        Panel(
            "timeseries", "Snapshots written", "Bytes a second of state that commits write to the state topics.",
            [(or_zero(rate("beamline_snapshot_bytes_total"), "beamline_records_in_total"), STAGE)], unit="Bps",
            link=runbook("README"), width=6,
        ),
        Panel(
            "timeseries", "Time to restore a partition, p99",
            "From the assignment of a partition to its state being up to date: what a rebalance or restart costs.",
            [(f'{quantile(0.99, "beamline_restore_duration_seconds")} or (0 * {rate("beamline_records_in_total")})', STAGE)],
            unit="s", steps=[(5, AMBER)], link=runbook("rebalances"), width=6,
        ),
        Panel(
            "timeseries", "Time of a commit, p50 and p99", "From the last record of a transaction to the broker's answer.",
            [
                (quantile(0.5, "beamline_transaction_duration_seconds"), f"{STAGE} p50"),
                (quantile(0.99, "beamline_transaction_duration_seconds"), f"{STAGE} p99"),
            ],
            unit="s", steps=[(1, AMBER)], link=runbook("transaction-hangs"),
        ),
        Panel(
            "timeseries", "Transactions", "Transactions a second that each stage commits.",
            [(rate("beamline_transactions_committed_total"), STAGE)], unit="cps", link=runbook("transaction-hangs"),
        ),
        Panel(
            "timeseries", "Aborted transactions", "The share of transactions that were aborted and whose input was read again.",
            [(f'({or_zero(rate("beamline_transactions_aborted_total"), "beamline_transactions_committed_total")}) / clamp_min({rate("beamline_transactions_committed_total")}, 0.001)', STAGE)],
            unit="percentunit", steps=[(0.05, RED)], link=runbook("transactions-abort"),
        ),
        Panel(
            "timeseries", "Partitions assigned", "Partitions that each stage's processes hold together: fewer than the topic has means that some stand.",
            [(f"sum by (stream, stage) (beamline_partitions_assigned{{{SELECTED}}})", STAGE)], link=runbook("rebalances"), width=12,
        ),
        Panel(
            "timeseries", "Rebalances", "How often partitions have moved in the last five minutes.",
            [(f"sum by (stream, stage) (increase(beamline_rebalances_total{{{SELECTED}}}[5m]))", STAGE)],
            steps=[(20, RED)], link=runbook("rebalances"), width=12,
        ),
    ],
    "Stores": [
        Panel(
            "timeseries", "Rows stored", "Rows a second that each store has acknowledged.",
            [(rate("beamline_store_rows_total"), STAGE)], unit="cps", link=runbook("store-retries"),
        ),
        Panel(
            "timeseries", "Time of a write, p50 and p99", "From a write request to the store's acknowledgement, retries included.",
            [
                (quantile(0.5, "beamline_store_write_duration_seconds"), f"{STAGE} p50"),
                (quantile(0.99, "beamline_store_write_duration_seconds"), f"{STAGE} p99"),
            ],
            unit="s", steps=[(1, AMBER)], link=runbook("store-retries"),
        ),
        Panel(
            "timeseries", "Age of probes, p50 and p99",
            "From sending a probe until the store has the rows before it: how old a row is when it can be read there. By the clocks "
            "of the generator and the writer.",
            [
                (quantile(0.5, "beamline_probe_age_seconds"), f"{STAGE} p50"),
                (quantile(0.99, "beamline_probe_age_seconds"), f"{STAGE} p99"),
            ],
            unit="s", steps=[(30, RED)], link=runbook("probe-missing"),
        ),
        Panel(
            "timeseries", "Since the newest probe that came back",
            "Seconds between the newest probe that was sent and the newest that each store has, of the partition that is furthest behind; "
            "and probes sent a second.",
            [
                (f"max by (stream, stage) (max by (stream) (beamline_probe_sent_timestamp_seconds{{{SELECTED}}}) - on (stream) group_right "
                 f"max by (stream, stage, partition) (beamline_probe_stored_timestamp_seconds{{{SELECTED}}}))", STAGE),
                (rate("beamline_probes_sent_total", "stream"), "{{stream}} probes sent a second"),
            ],
            unit="s", steps=[(30, RED)], link=runbook("probe-missing"),
        ),
        Panel(
            "timeseries", "Writes that failed or were tried again", "Write requests a second that the store did not take at once.",
            [
                (or_zero(rate("beamline_store_writes_total", more=',result="failed"'), "beamline_store_rows_total"), f"{STAGE} failed"),
                (or_zero(rate("beamline_store_retries_total"), "beamline_store_rows_total"), f"{STAGE} tried again"),
            ],
            unit="cps", steps=[(0.1, RED)], link=runbook("store-retries"),
        ),
    ],
    "Around the stream": [
        Panel(
            "timeseries", "Schema registry", "Requests a second, by how they ended, and those that were made again.",
            [
                ('sum by (result) (rate(beamline_registry_requests_total{namespace=~"$namespace"}[$__rate_interval]))', "{{result}}"),
                ('sum(rate(beamline_registry_retries_total{namespace=~"$namespace"}[$__rate_interval])) or vector(0)', "tried again"),
            ],
            unit="cps", link=runbook("README"), width=6,
        ),
        Panel(
            "timeseries", "Spans", "Spans a second that the trace collector took, and those that were given up.",
            [
                ('sum(rate(beamline_spans_exported_total{namespace=~"$namespace"}[$__rate_interval])) or vector(0)', "exported"),
                ('sum by (reason) (rate(beamline_spans_dropped_total{namespace=~"$namespace"}[$__rate_interval])) or vector(0)', "dropped {{reason}}"),
            ],
            unit="cps", link=runbook("README"), width=6,
        ),
        Panel(
            "timeseries", "Autoscaler: wanted replicas and lag",
            "Replicas that the autoscaler wants of each Deployment, the records that wait for it, whether one of the autoscalers acts, "
            "and what it has decided.",
            [
                ('max by (deployment) (beamline_autoscaler_replicas{namespace=~"$namespace"})', "{{deployment}} wanted"),
                ('max by (deployment) (beamline_autoscaler_lag_records{namespace=~"$namespace"})', "{{deployment}} lag"),
                ('sum(beamline_autoscaler_leader{namespace=~"$namespace"})', "acting"),
                ('sum by (deployment, decision) (increase(beamline_autoscaler_decisions_total{namespace=~"$namespace"}[$__rate_interval]))', "{{deployment}} {{decision}}"),
            ],
            link=runbook("lag-grows"), width=6,
        ),
        Panel(
            "table", "What runs", "Each service's version and revision, and how many processes of it run.",
            [('count by (service, version, revision) (beamline_build_info{namespace=~"$namespace"})', "")],
            link=runbook("README"), width=6,
        ),
    ],
}


def variable(name, query):
    return {
        "name": name, "type": "query", "datasource": PROMETHEUS, "query": query, "includeAll": True, "multi": True,
        "allValue": ".*", "current": {"text": "All", "value": "$__all"}, "refresh": 2,
    }


def annotation(name, colour, query, text):
    return {
        "name": name, "enable": True, "iconColor": colour, "datasource": PROMETHEUS, "expr": query, "step": "60s",
        "titleFormat": name, "textFormat": text,
    }


def dashboard():
    panels, number, y = [], 0, 0
    for row, members in ROWS.items():
        number += 1
        panels.append({
            "id": number, "type": "row", "title": row, "collapsed": False, "panels": [],
            "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": y},
        })
        y += 1
        x, tallest = 0, 0
        for panel in members:
            if x + panel.width > WIDTH:
                x, y, tallest = 0, y + tallest, 0
            number += 1
            panels.append(panel.json(number, x, y))
            x, tallest = x + panel.width, max(tallest, panel.height)
        y += tallest
    return {
        "title": "Beamline",
        "uid": "beamline",
        "tags": ["beamline"],
        "timezone": "utc",
        "schemaVersion": 39,
        "refresh": "10s",
        "time": {"from": "now-30m", "to": "now"},
        "templating": {"list": [
            {"name": "datasource", "type": "datasource", "query": "prometheus"},
            variable("namespace", "label_values(beamline_build_info, namespace)"),
            variable("stream", "label_values(beamline_records_in_total, stream)"),
        ]},
        "annotations": {"list": [
            annotation("Another version", "blue",
                       'count by (service, version, revision) (beamline_build_info{namespace=~"$namespace"}) '
                       'unless count by (service, version, revision) (beamline_build_info{namespace=~"$namespace"} offset 2m)',
                       "{{service}} {{version}} {{revision}}"),
            annotation("Restart", "purple",
                       'count(beamline_build_info{namespace=~"$namespace"} unless beamline_build_info{namespace=~"$namespace"} offset 2m)',
                       "services that came"),
            annotation("Rebalance", "orange",
                       f"sum by (stream, stage) (increase(beamline_rebalances_total{{{SELECTED}}}[1m])) > 0", STAGE),
        ]},
        "links": [
            {"title": "Live page", "type": "link", "url": "PAGE_URL", "targetBlank": True},
            {"title": "Runbooks", "type": "link", "url": runbook("README"), "targetBlank": True},
        ],
        "panels": panels,
    }


if __name__ == "__main__":
    OUT.write_text(json.dumps(dashboard(), indent=2) + "\n", encoding="utf-8")
