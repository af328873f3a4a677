#!/usr/bin/env python3
"""What Grafana's dashboard shows: every metric is on a panel or listed as left out, and every panel says what it means."""

import importlib.util
import json
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("dashboard", ROOT / "charts/grafana/dashboard.py")
source = importlib.util.module_from_spec(spec)
spec.loader.exec_module(source)
SHIPPED = json.loads((ROOT / "charts/beamline/files/dashboard.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in SHIPPED["panels"] if panel["type"] != "row"]


def metrics(text):
    return {re.sub("_(bucket|sum|count)$", "", name) for name in re.findall(r"beamline_[a-z_]+", text)}


class Dashboard(unittest.TestCase):
    def test_the_shipped_file_is_what_the_panels_give(self):
        self.assertEqual(SHIPPED, source.dashboard(), "write it again with make chart-dashboard")

    def test_every_metric_is_on_a_panel_or_left_out_with_a_reason(self):
        documented = set(re.findall(r"^\| `(beamline_\w+)` \|", (ROOT / "docs/metrics.md").read_text(encoding="utf-8"), re.M))
        shown = metrics(" ".join(target["expr"] for panel in PANELS for target in panel["targets"]))
        self.assertGreater(len(documented), 30)
        self.assertEqual(documented - shown, set(source.LEFT_OUT), "neither shown nor left out, or both")
        self.assertEqual(shown - documented, set(), "no such metric")

    def test_every_panel_says_what_it_means_and_what_to_do(self):
        for panel in PANELS:
            self.assertGreater(len(panel["description"]), 30, panel["title"])
            page = panel["links"][0]["url"].removeprefix("RUNBOOKS/")
            self.assertTrue((ROOT / "docs/runbooks" / page).exists(), panel["title"])

    def test_panels_do_not_overlap(self):
        cells = {}
        for panel in SHIPPED["panels"]:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], source.WIDTH, panel["title"])
            for cell in ((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])):
                self.assertNotIn(cell, cells, f"{panel['title']} over {cells.get(cell)}")
                cells[cell] = panel["title"]


if __name__ == "__main__":
    unittest.main()
