//! Differences as a person reads them: what is expected in red, what came instead in green.

use std::io::{IsTerminal, Write, stdout};

use cases::Difference;
use serde_json::Value as Json;

use crate::cli::Colour;

const RED: &str = "31";
const GREEN: &str = "32";
const BOLD: &str = "1";

/// How differences are shown.
pub(super) struct Show {
    colour: bool,
}

impl Show {
    pub(super) fn new(colour: Colour) -> Self {
        let colour = match colour {
            // https://no-color.org
            Colour::Auto => stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            Colour::Always => true,
            Colour::Never => false,
        };
        Self { colour }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// One case and in what it disagrees.
    pub(super) fn case(&self, out: &mut impl Write, name: &str, differences: &[Difference]) -> std::io::Result<()> {
        if differences.is_empty() {
            return writeln!(out, "  {} {name}", self.paint(GREEN, "ok  "));
        }
        writeln!(out, "  {} {}", self.paint(RED, "FAIL"), self.paint(BOLD, name))?;
        for difference in differences {
            self.difference(out, difference)?;
        }
        Ok(())
    }

    fn difference(&self, out: &mut impl Write, difference: &Difference) -> std::io::Result<()> {
        match difference {
            Difference::Changed { table, number, columns } => {
                writeln!(out, "       {table}, number {number}:")?;
                for (column, expected, actual) in columns {
                    self.pair(out, &format!("{column}: {expected}"), &format!("{column}: {actual}"))?;
                }
                Ok(())
            }
            Difference::Missing { table, number, expected } => {
                writeln!(out, "       {table}, number {number}: did not come")?;
                writeln!(out, "{}", self.paint(RED, &format!("         - {}", row(expected))))
            }
            Difference::Unexpected { table, actual } => {
                writeln!(out, "       {table}: came, and is not expected")?;
                writeln!(out, "{}", self.paint(GREEN, &format!("         + {}", row(actual))))
            }
            Difference::Filtered { expected, actual } => {
                writeln!(out, "       filtered:")?;
                self.pair(out, &expected.to_string(), &actual.to_string())
            }
        }
    }

    fn pair(&self, out: &mut impl Write, expected: &str, actual: &str) -> std::io::Result<()> {
        writeln!(out, "{}", self.paint(RED, &format!("         - {expected}")))?;
        writeln!(out, "{}", self.paint(GREEN, &format!("         + {actual}")))
    }
}

/// A row as YAML has it in one line, nulls left out.
fn row(row: &cases::Row) -> String {
    let fields = row.iter().filter(|(_, value)| !value.is_null());
    let fields: Vec<String> = fields.map(|(name, value): (&String, &Json)| format!("{name}: {value}")).collect();
    format!("{{ {} }}", fields.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_says_what_is_expected_and_what_came() {
        let columns = vec![("dew_point".to_owned(), json!(9.27), json!(9.26))];
        let differences = [
            Difference::Changed { table: "rows".into(), number: 2, columns },
            Difference::Filtered { expected: 1, actual: 0 },
        ];
        let text = |colour: Colour| {
            let mut out = Vec::new();
            Show::new(colour).case(&mut out, "a reading", &differences).unwrap();
            String::from_utf8(out).unwrap()
        };
        let plain = "  FAIL a reading\n       rows, number 2:\n         - dew_point: 9.27\n         + dew_point: 9.26\n       \
                     filtered:\n         - 1\n         + 0\n";
        assert_eq!(text(Colour::Never), plain);
        assert!(text(Colour::Always).contains("\x1b[31m         - dew_point: 9.27\x1b[0m\n"));
    }
}
