//! The page of alerts, out of the rules of the chart.

use std::fs;

use saphyr::{LoadableYamlNode, Yaml};

use crate::docs;

const HEAD: &str = "\
# Alerts

After reading this page you know what each alert of the chart means, when it fires, and which runbook to open.

The chart installs these rules where `monitoring.prometheusRule.enabled` is set. Without Kubernetes, take the expressions into rules of your
own. `make docs-pages` writes this page from `charts/beamline/files/rules.yaml`. `LAG_SECONDS` and `LATENCY_SECONDS` are values
of the chart (60 and 5 by default), `NAMESPACE` is that of the release.

| alert | severity | when | for | what to do |
|---|---|---|---|---|
";

/// The page as the rules have it.
pub(crate) fn page() -> String {
    let rules = fs::read_to_string(docs().join("../charts/beamline/files/rules.yaml")).unwrap();
    let rules = Yaml::load_from_str(&rules).unwrap();
    let (mut table, mut expressions) = (String::new(), String::new());
    for rule in rules[0].as_sequence().unwrap() {
        let text = |node: &Yaml<'_>| node.as_str().unwrap().to_owned();
        let (name, annotations) = (text(&rule["alert"]), &rule["annotations"]);
        let runbook = text(&annotations["runbook_url"]).replace("RUNBOOKS/", "runbooks/");
        assert!(docs().join(&runbook).is_file(), "{name} names {runbook}, which is not there");
        // What Prometheus fills in.
        let summary = text(&annotations["summary"]).replace("{{ $labels.stage }}", "the stage");
        let summary = summary.replace("{{ $labels.stream }}", "the stream");
        let (severity, lasting) = (text(&rule["labels"]["severity"]), text(&rule["for"]));
        table += &format!("| `{name}` | {severity} | {summary} | {lasting} | [runbook]({runbook}) |\n");
        expressions += &format!("\n## {name}\n\n```promql\n{}\n```\n", text(&rule["expr"]).trim_end());
    }
    format!("{HEAD}{table}{expressions}")
}
