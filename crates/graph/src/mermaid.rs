//! The pipeline as a Mermaid flowchart.

use std::fmt::Write;

use crate::Graph;

pub(crate) fn draw(graph: &Graph) -> String {
    let mut text = "flowchart TB\n".to_owned();
    let mut tables = 0;
    for (index, step) in graph.steps.iter().enumerate() {
        let lines: Vec<String> = step.lines.iter().map(|line| escaped(line)).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {0}[\"<b>{0}</b><br/>{1}\"]", step.name, lines.join("<br/>"));
        if index > 0 {
            let _ = writeln!(text, "  {} --> {}", graph.steps[index - 1].name, step.name);
        }
        for table in &step.tables {
            tables += 1;
            let (name, why) = (escaped(&table.name), escaped(&table.why));
            let _ = writeln!(text, "  {} --> table{tables}[(\"<b>{name}</b><br/>{why}\")]", step.name);
        }
    }
    text
}

/// Text within a label: Mermaid has its own entities, whose names begin with `#`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '#' => escaped.push_str("#35;"),
            '"' => escaped.push_str("#quot;"),
            '<' => escaped.push_str("#lt;"),
            '>' => escaped.push_str("#gt;"),
            '&' => escaped.push_str("#amp;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Step, Table};

    #[test]
    fn signs_with_a_meaning_are_written_as_entities() {
        let table = Table { name: "high".into(), why: "\"x\" <> '#1'".into() };
        let steps = vec![
            Step { name: "source", lines: vec!["files: a & b".into()], tables: Vec::new() },
            Step { name: "quality", lines: vec!["x > 0".into()], tables: vec![table] },
        ];
        let expected = "\
flowchart TB
  source[\"<b>source</b><br/>files: a #amp; b\"]
  quality[\"<b>quality</b><br/>x #gt; 0\"]
  source --> quality
  quality --> table1[(\"<b>high</b><br/>#quot;x#quot; #lt;#gt; '#35;1'\")]
";
        assert_eq!(draw(&Graph { name: "a".into(), steps }), expected);
    }
}
