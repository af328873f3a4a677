"""Whether one of the traces on standard input (Jaeger's answer) has a span of every service in WANTED; prints it.

Only traces count in which the detector has a span whose name begins with SPAN.

Spans of other traces count where a link leads to them: a batch is one span with a link to each event's own.
"""

import json
import os
import sys

wanted = ["beamline-" + service for service in os.environ["WANTED"].split()]
detector = "beamline-anomaly-detector"


def services(trace):
    return {process["serviceName"] for process in trace["processes"].values()}


def is_asked_for(trace):
    return any(
        trace["processes"][span["processID"]]["serviceName"] == detector
        and span["operationName"].startswith(os.environ["SPAN"])
        for span in trace["spans"]
    )


traces = [trace for trace in json.load(sys.stdin).get("data") or [] if is_asked_for(trace)]
for trace in traces:
    if set(wanted) <= services(trace):
        spans = sorted(trace["spans"], key=lambda span: span["startTime"])
        begin = spans[0]["startTime"]
        for span in spans[:12]:
            service = trace["processes"][span["processID"]]["serviceName"]
            links = sum(reference["refType"] == "FOLLOWS_FROM" for reference in span["references"])
            print(f"             {(span['startTime'] - begin) / 1000:8.1f} ms  {service:<17} {span['operationName']}  {links} links")
        sys.exit(0)
best = max((len(services(trace) & set(wanted)) for trace in traces), default=0)
print(f"             {len(traces)} traces, the fullest has {best} of {len(wanted)} services", file=sys.stderr)
sys.exit(1)
