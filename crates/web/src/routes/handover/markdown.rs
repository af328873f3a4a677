//! A hand-over as Markdown, for a logbook.

use std::fmt::Write;

use super::Handover;
use crate::notes::NoteView;

/// The hand-over as a text that no data can turn into markup.
pub(super) fn markdown(handover: &Handover) -> String {
    let mut text = format!(
        "# Hand-over of {}\n\n{} to {} (UTC, by event time)\n\n## Open\n\n",
        safe(&handover.stream),
        handover.from,
        handover.to
    );
    list(&mut text, handover.open.iter().map(|line| safe(line)), "Nothing.");
    text.push_str("\n## Alarms\n\n");
    if !handover.episodes.is_empty() {
        text.push_str("| key | first | last | alarms | by | worst | acknowledged |\n|---|---|---|---|---|---|---|\n");
    }
    for episode in &handover.episodes {
        let reasons = episode.reasons.join(", ");
        // Writing to memory does not fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {:.2} | {} |",
            safe(&episode.key),
            episode.first,
            episode.last,
            episode.count,
            safe(&reasons),
            episode.worst,
            episode.acknowledged
        );
    }
    let none = if handover.episodes.is_empty() { "None.\n" } else { "" };
    text.push_str(if handover.truncated { "\nThere were more than are listed.\n" } else { none });
    text.push_str("\n## Notes\n\n");
    let line = |note: &NoteView| {
        let about = match note.anomalies.len() {
            0 => String::new(),
            count => format!(" (about {count} alarms)"),
        };
        format!("{} {}{about}: {}", note.at, safe(&note.author), safe(&note.text))
    };
    list(&mut text, handover.notes.iter().map(line), "None.");
    let _ = write!(
        text,
        "\n## Data\n\n- dead letters: {} in all, {} not repaired\n- commits are {:.1} s behind\n",
        handover.dead_letters.total, handover.dead_letters.open, handover.lag.seconds
    );
    text
}

fn list(text: &mut String, lines: impl Iterator<Item = String>, none: &str) {
    let before = text.len();
    lines.for_each(|line| {
        let _ = writeln!(text, "- {line}");
    });
    if text.len() == before {
        let _ = writeln!(text, "{none}");
    }
}

/// A text that cannot become markup: on one line, and with what Markdown and HTML give a meaning escaped.
fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '\n' | '\r' | '\t' => safe.push(' '),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '#' | '|' | '!' | '~' => safe.extend(['\\', sign]),
            sign if sign.is_control() => safe.push('\u{fffd}'),
            sign => safe.push(sign),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        assert_eq!(
            safe("<img src=x>\n# a | [b](javascript:x)"),
            "&lt;img src=x&gt; \\# a \\| \\[b\\]\\(javascript:x\\)"
        );
    }
}
