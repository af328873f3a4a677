#!/usr/bin/env python3
"""Draws docs/z-peak.svg from the results of `beamline replay streams/cms-dimuons.yaml Zmumu_Run2011A.csv`.

    beamline query --results beamline-results/cms-dimuons --format csv \\
        "SELECT floor(mass) AS gev, count(*) AS events, count(*) FILTER (WHERE anomalous) AS anomalies
         FROM processed_data GROUP BY 1 ORDER BY 1" | python3 docs/z-peak.py > docs/z-peak.svg
"""
import csv
import sys

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 760, 300, 60, 40, 34
rows = [(float(r["gev"]), int(r["events"]), int(r["anomalies"])) for r in csv.DictReader(sys.stdin)]
most = max(events for _, events, _ in rows)
low, high = rows[0][0], rows[-1][0] + 1


def x(gev):
    return LEFT + (gev - low) / (high - low) * (WIDTH - LEFT - 16)


def y(events):
    return HEIGHT - BOTTOM - events / most * (HEIGHT - BOTTOM - TOP)


out = [
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
    f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    f'<text x="{LEFT}" y="20" font-size="14">{sum(r[1] for r in rows):,} pairs of muons by invariant mass '
    "(CMS open data 2011), and those called anomalous</text>",
]
for gev, events, anomalies in rows:
    for count, colour in ((events, "#7aa6c2"), (anomalies, "#c0392b")):
        out.append(
            f'<rect x="{x(gev) + 0.5:.1f}" y="{y(count):.1f}" width="{x(gev + 1) - x(gev) - 1:.1f}" '
            f'height="{HEIGHT - BOTTOM - y(count):.1f}" fill="{colour}"/>'
        )
for gev in range(int(low), int(high) + 1, 10):
    out.append(f'<text x="{x(gev):.1f}" y="{HEIGHT - 22}" text-anchor="middle">{gev}</text>')
for events in range(0, most, 500):
    out.append(f'<text x="{LEFT - 8}" y="{y(events) + 4:.1f}" text-anchor="end">{events}</text>')
out.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 6}" text-anchor="middle">invariant mass in GeV, a bar a GeV</text>')
out.append("</svg>")
print("\n".join(out))
