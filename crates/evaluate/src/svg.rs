//! The figures as a picture: scores over the events with labels and alarms, the ROC curve, precision over recall.

use std::fmt::Write;

use crate::{Events, Judge, Ranking};

/// Width and height of the picture in pixels.
const SIZE: (f64, f64) = (960.0, 640.0);

/// Places along the axis of events: of the events at one place the highest score is drawn.
const PLACES: usize = 900;

/// Points of a curve.
const POINTS_MAX: usize = 400;

/// Judges that are told apart by colour (Okabe and Ito, which colour-blind people can tell apart too).
const COLOURS: [&str; 7] = ["#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/// A rectangle of the picture that something is drawn in.
#[derive(Clone, Copy)]
struct Panel {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl Panel {
    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.x + x * self.width, self.y + (1.0 - y) * self.height)
    }

    fn frame(&self, svg: &mut String, title: &str, across: &str, up: &str) {
        let Self { x, y, width, height } = *self;
        let _ = write!(
            svg,
            r##"<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="none" stroke="#999"/>
<text x="{x}" y="{:.1}" font-weight="bold">{title}</text>
<text x="{:.1}" y="{:.1}" text-anchor="end">{across}</text>
<text transform="translate({:.1} {:.1}) rotate(-90)" text-anchor="end">{up}</text>
"##,
            y - 6.0,
            x + width,
            y + height + 16.0,
            x - 8.0,
            y,
        );
    }

    fn line(&self, svg: &mut String, points: &[(f64, f64)], colour: &str) {
        let mut path = String::new();
        for point in points {
            let (x, y) = self.at(*point);
            let _ = write!(path, "{x:.1},{y:.1} ");
        }
        let _ = writeln!(svg, r#"<polyline points="{}" fill="none" stroke="{colour}"/>"#, path.trim_end());
    }
}

/// A picture of `events` as SVG; `title` stands above it.
#[must_use]
pub fn draw(title: &str, events: &Events) -> String {
    let (width, height) = SIZE;
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">
<rect width="{width}" height="{height}" fill="#fff"/>
<text x="40" y="22" font-size="15" font-weight="bold">{}</text>
"##,
        escape(title)
    );
    if let Some(judge) = events.judges.first() {
        over_time(&mut svg, Panel { x: 40.0, y: 54.0, width: 900.0, height: 200.0 }, events, judge);
    }
    let roc = Panel { x: 40.0, y: 310.0, width: 300.0, height: 290.0 };
    let precision = Panel { x: 400.0, y: 310.0, width: 300.0, height: 290.0 };
    roc.frame(&mut svg, "ROC", "ordinary events above", "anomalies above");
    precision.frame(&mut svg, "precision and recall", "recall", "precision");
    let ranked = events.judges.iter().filter_map(|judge| Some((judge, judge.scores.as_ref()?)));
    for (index, ((judge, scores), colour)) in ranked.zip(COLOURS).enumerate() {
        let ranking = Ranking::new(scores.iter().copied().zip(events.kinds.iter().map(|kind| *kind > 0)));
        roc.line(&mut svg, &ranking.roc(POINTS_MAX), colour);
        precision.line(&mut svg, &ranking.precision_recall(POINTS_MAX), colour);
        let y = 324.0 + 18.0 * index as f64;
        let area = ranking.auc().map_or_else(|| "-".to_owned(), |area| format!("{area:.3}"));
        let _ = writeln!(svg, r#"<text x="724" y="{y}" fill="{colour}">{} (AUC {area})</text>"#, escape(&judge.name));
    }
    svg.push_str("</svg>\n");
    svg
}

/// The highest score of each place, labels as bands behind it, alarms as dots: ordinary events red, anomalies green.
fn over_time(svg: &mut String, panel: Panel, events: &Events, judge: &Judge) {
    panel.frame(
        svg,
        &format!(
            "{}: score by event; grey: labelled; green dots: alarms on anomalies, red: false ones",
            escape(&judge.name)
        ),
        "events",
        "score",
    );
    let count = events.kinds.len().max(1);
    let places = PLACES.min(count);
    let (mut highest, mut labelled) = (vec![f64::NAN; places], vec![false; places]);
    let (mut good, mut bad) = (vec![false; places], vec![false; places]);
    for (row, kind) in events.kinds.iter().enumerate() {
        let place = row * places / count;
        let score = judge.scores.as_ref().map_or(f64::NAN, |scores| scores[row]);
        highest[place] = highest[place].max(score);
        labelled[place] |= *kind > 0;
        good[place] |= judge.alarms[row] && *kind > 0;
        bad[place] |= judge.alarms[row] && *kind == 0;
    }
    let top = highest.iter().copied().filter(|score| score.is_finite()).fold(1e-9, f64::max);
    let across = |place: usize| (place as f64 + 0.5) / places as f64;
    for place in (0..places).filter(|place| labelled[*place]) {
        let (x, y) = panel.at((place as f64 / places as f64, 1.0));
        let wide = panel.width / places as f64;
        let _ =
            writeln!(svg, r##"<rect x="{x:.1}" y="{y:.1}" width="{wide:.2}" height="{}" fill="#ddd"/>"##, panel.height);
    }
    let scored = highest.iter().enumerate().filter(|(_, score)| score.is_finite());
    let points: Vec<_> = scored.map(|(place, score)| (across(place), (score / top).max(0.0))).collect();
    panel.line(svg, &points, "#444");
    for (alarms, colour) in [(&bad, "#c00"), (&good, "#080")] {
        for place in (0..places).filter(|place| alarms[*place]) {
            let height = if highest[place].is_finite() { (highest[place] / top).max(0.0) } else { 0.0 };
            let (x, y) = panel.at((across(place), height));
            let _ = writeln!(svg, r#"<circle cx="{x:.1}" cy="{y:.1}" r="2.5" fill="{colour}"/>"#);
        }
    }
    let (x, y) = panel.at((0.0, 1.0));
    let _ = writeln!(svg, r#"<text x="{:.1}" y="{:.1}" font-size="10">{top:.4}</text>"#, x + 3.0, y + 11.0);
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::tests::events;

    #[test]
    fn labels_alarms_and_curves_are_drawn() {
        let svg = draw("a < b", &events());
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n") && svg.contains("a &lt; b"));
        assert_eq!(svg.matches("fill=\"#ddd\"").count(), 3);
        assert_eq!((svg.matches("fill=\"#c00\"").count(), svg.matches("fill=\"#080\"").count()), (1, 2));
        // Scores over events, and two curves of the one judge that scores.
        assert_eq!(svg.matches("<polyline").count(), 3);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}
