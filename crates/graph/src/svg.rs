//! The pipeline as a picture in SVG: steps as boxes one below the other, the tables that they fill to their right.

use std::fmt::Write;

use crate::{Graph, Step, Table};

/// Pixels of a line of text, and of a letter in the monospaced font.
const LINE: usize = 18;
const LETTER: f64 = 7.3;
/// Letters of a line; a longer one ends in an ellipsis.
const STEP_LETTERS_MAX: usize = 76;
const TABLE_LETTERS_MAX: usize = 44;
/// Pixels between a box and its text, between boxes, and around all of them.
const PADDING: usize = 10;
const GAP: usize = 28;
const MARGIN: usize = 16;

const STYLE: &str = "\
text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1c1e21}\
.name{font-weight:bold}.box{fill:#f4f6f8;stroke:#5b6b7b}.table{fill:#fff;stroke:#8a6d1f}\
.line{fill:none;stroke:#5b6b7b}.head{fill:#5b6b7b}\
@media(prefers-color-scheme:dark){text{fill:#e6e8ea}.box{fill:#20262c;stroke:#90a0b0}.table{fill:#14181c;stroke:#d0a93a}\
.line{stroke:#90a0b0}.head{fill:#90a0b0}}";

/// A box of text.
struct Boxed<'g> {
    class: &'static str,
    name: &'g str,
    lines: Vec<String>,
    x: usize,
    y: usize,
    width: usize,
}

impl Boxed<'_> {
    fn height(&self) -> usize {
        (self.lines.len() + 1) * LINE + 2 * PADDING - LINE / 3
    }

    fn draw(&self, out: &mut String) {
        let Self { class, x, y, width, .. } = self;
        let height = self.height();
        // Writing to a string cannot fail.
        let _ = writeln!(out, r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>"#);
        let mut text = |class: &str, row: usize, text: &str| {
            let (x, y) = (x + PADDING, y + PADDING + row * LINE + 10);
            let _ = writeln!(out, r#"<text{class} x="{x}" y="{y}" xml:space="preserve">{}</text>"#, escaped(text));
        };
        text(r#" class="name""#, 0, self.name);
        for (row, line) in self.lines.iter().enumerate() {
            text("", row + 1, line);
        }
    }
}

pub(crate) fn draw(graph: &Graph) -> String {
    let step_lines = |step: &Step| step.lines.iter().map(|line| cut(line, STEP_LETTERS_MAX)).collect::<Vec<_>>();
    let table_lines = |table: &Table| vec![cut(&table.why, TABLE_LETTERS_MAX)];
    let width = |lines: &mut dyn Iterator<Item = usize>| {
        (lines.max().unwrap_or_default() as f64 * LETTER).ceil() as usize + 2 * PADDING
    };
    let letters = |lines: Vec<String>| lines.iter().map(|line| line.chars().count()).max().unwrap_or_default();
    let steps_width = width(&mut graph.steps.iter().map(|step| letters(step_lines(step))));
    let tables = graph.steps.iter().flat_map(|step| &step.tables);
    let tables_width = width(&mut tables.map(|table| letters(table_lines(table)).max(table.name.chars().count() + 1)));
    let tables_x = MARGIN + steps_width + 2 * GAP;
    let mut body = String::new();
    let mut y = MARGIN;
    let middle = MARGIN + steps_width / 2;
    let mut previous_end = None;
    for step in &graph.steps {
        let boxed = Boxed { class: "box", name: step.name, lines: step_lines(step), x: MARGIN, y, width: steps_width };
        boxed.draw(&mut body);
        if let Some(end) = previous_end {
            arrow(&mut body, [(middle, end), (middle, y)]);
        }
        previous_end = Some(y + boxed.height());
        let from = (MARGIN + steps_width, y + boxed.height() / 2);
        let mut table_y = y;
        for table in &step.tables {
            let lines = table_lines(table);
            let boxed =
                Boxed { class: "table", name: &table.name, lines, x: tables_x, y: table_y, width: tables_width };
            boxed.draw(&mut body);
            arrow(&mut body, [from, (tables_x, table_y + boxed.height() / 2)]);
            table_y += boxed.height() + PADDING;
        }
        y = (y + boxed.height()).max(table_y.saturating_sub(PADDING)) + GAP;
    }
    let (width, height) = (tables_x + tables_width + MARGIN, y - GAP + MARGIN);
    let name = escaped(&graph.name);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-label=\"pipeline of {name}\">\n<title>{name}</title>\n<style>{STYLE}</style>\n{body}</svg>\n"
    )
}

/// A curve with a head, downwards or to the right.
fn arrow(out: &mut String, [from, to]: [(usize, usize); 2]) {
    let ((x, y), (to_x, to_y)) = (from, to);
    let _ = if x == to_x {
        writeln!(
            out,
            r#"<path class="line" d="M{x} {y}V{}"/><path class="head" d="M{} {}h8l-4 7z"/>"#,
            to_y - 7,
            to_x - 4,
            to_y - 7
        )
    } else {
        let half = (x + to_x) / 2;
        writeln!(
            out,
            r#"<path class="line" d="M{x} {y}C{half} {y} {half} {to_y} {} {to_y}"/><path class="head" d="M{} {}v8l7 -4z"/>"#,
            to_x - 7,
            to_x - 7,
            to_y - 4
        )
    };
}

fn cut(line: &str, letters_max: usize) -> String {
    match line.char_indices().nth(letters_max) {
        Some((end, _)) if line[end..].chars().count() > 1 => format!("{}…", &line[..end]),
        _ => line.to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_and_table_of_the_examples_is_in_the_picture() {
        for example in examples::Example::all() {
            let graph = Graph::of(&example.load().unwrap());
            let svg = draw(&graph);
            let tables: usize = graph.steps.iter().map(|step| step.tables.len()).sum();
            assert_eq!(svg.matches("<rect ").count(), graph.steps.len() + tables, "{}", example.name);
            assert_eq!(svg.matches("class=\"head\"").count(), graph.steps.len() - 1 + tables, "{}", example.name);
            for name in graph.steps.iter().flat_map(|step| &step.tables).map(|table| &table.name) {
                assert!(svg.contains(&format!(">{name}</text>")), "{}: {name}", example.name);
            }
        }
    }

    #[test]
    fn signs_with_a_meaning_are_written_as_entities_and_long_lines_are_cut() {
        let lines = vec!["a < b & \"c\"".to_owned(), "x".repeat(200)];
        let svg = draw(&Graph { name: "a".into(), steps: vec![Step { name: "source", lines, tables: Vec::new() }] });
        assert!(svg.contains(">a &lt; b &amp; &quot;c&quot;</text>"), "{svg}");
        assert!(svg.contains(&format!(">{}…</text>", "x".repeat(STEP_LETTERS_MAX))), "{svg}");
    }
}
