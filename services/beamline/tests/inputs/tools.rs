//! Files that real tools write (pandas, Polars, DuckDB, pyarrow, fastavro, astropy, jq, and the forms of Excel, LibreOffice
//! and R) through `init`, a replay and a query: every value is what the tool itself reads in its file.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Outcome, beamline, text};

/// Files at a time.
const THREADS: usize = 3;

/// How many files there must be: a tool that writes none would go unseen.
const FILES_MIN: usize = 520;

/// Digits that a double holds, and with which it is written.
const DIGITS: usize = 17;

/// What JSON has no numbers for.
const ODD: [&str; 3] = ["NaN", "inf", "-inf"];

/// A file and what its tool reads in it, as `tools/write.py` says it.
#[derive(Debug, Deserialize)]
struct Case {
    tool: String,
    file: String,
    columns: Map<String, Value>,
    says: Vec<String>,
    /// The column that orders the rows.
    order: String,
}

#[test]
fn what_real_tools_write_is_read_as_they_read_it() {
    let Some(python) = servers::python_of_inputs().unwrap() else {
        println!("skipped: there is no Python with venv");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs/tools/write.py");
    let written = Command::new(python).args(["-B", "-W", "ignore"]).arg(script).arg(folder.path()).output().unwrap();
    assert!(written.status.success(), "{}", text(&written.stderr));
    let cases: Vec<Case> = serde_json::from_slice(&fs::read(folder.path().join("expected.json")).unwrap()).unwrap();
    assert!(cases.len() >= FILES_MIN, "{} files were written", cases.len());
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = run(folder.path(), case);
                    outcomes.lock().unwrap().push((case, outcome));
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap();
    let mut table: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (case, outcome) in &outcomes {
        let counts = table.entry(&case.tool).or_default();
        match outcome {
            Outcome::Read => counts[0] += 1,
            Outcome::Refused => counts[1] += 1,
            Outcome::Wrong(why) => {
                counts[2] += 1;
                wrong.push(format!("{}: {why}", case.file));
            }
        }
    }
    println!("{:14} {:>6} {:>8} {:>6}", "written by", "read", "refused", "wrong");
    for (tool, [read, refused, wrong]) in &table {
        println!("{tool:14} {read:>6} {refused:>8} {wrong:>6}");
    }
    println!("{:14} {:>6} {:>8} {:>6}", "all", outcomes.len() - wrong.len(), 0, wrong.len());
    wrong.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Runs one file through `init`, a replay and a query.
fn run(written: &Path, case: &Case) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::copy(written.join(&case.file), folder.join(&case.file)).unwrap();
    let done = beamline(folder, &["init", &case.file, "--name", "tools"]);
    if !done.status.success() {
        return Outcome::Wrong(format!("init: {}", text(&done.stderr)));
    }
    let definition = fs::read_to_string(folder.join("tools.yaml")).unwrap();
    let said = text(&done.stdout);
    if let Some(missing) = case.says.iter().find(|words| !definition.contains(*words) && !said.contains(*words)) {
        return Outcome::Wrong(format!("nothing says {missing:?}:\n{said}\n{definition}"));
    }
    let done = beamline(folder, &["replay", "tools.yaml", "--out", "out"]);
    if !done.status.success() {
        return Outcome::Wrong(format!("replay: {}{}\n{definition}", text(&done.stdout), text(&done.stderr)));
    }
    let done = beamline(folder, &["query", "--results", "out", "--limit", "0", "--format", "json", &sql(case)]);
    let found: Result<Vec<Value>, _> = text(&done.stdout).lines().map(serde_json::from_str).collect();
    let difference = match found {
        Ok(rows) if done.status.success() => difference(case, &rows),
        _ => Some(text(&done.stderr)),
    };
    match difference {
        None => Outcome::Read,
        Some(difference) => Outcome::Wrong(format!("{difference}\n{said}\n{definition}")),
    }
}

/// All columns. What JSON has no numbers for, or none with so many digits, is asked for as text.
fn sql(case: &Case) -> String {
    let is_odd = |text: &str| ODD.contains(&text) || text.len() > DIGITS && text.parse::<f64>().is_ok();
    let column = |(name, values): (&String, &Value)| {
        let as_text = values.as_array().unwrap().iter().any(|value| value.as_str().is_some_and(is_odd));
        if as_text { format!("CAST(\"{name}\" AS VARCHAR) AS \"{name}\"") } else { format!("\"{name}\"") }
    };
    let columns: Vec<String> = case.columns.iter().map(column).collect();
    format!("SELECT {} FROM processed_data ORDER BY \"{}\"", columns.join(", "), case.order)
}

/// The first value that is another one.
fn difference(case: &Case, rows: &[Value]) -> Option<String> {
    for (name, wanted) in &case.columns {
        let wanted = wanted.as_array().unwrap();
        if wanted.len() != rows.len() {
            return Some(format!("{} rows were read of {}", rows.len(), wanted.len()));
        }
        for (row, (wanted, found)) in wanted.iter().zip(rows).enumerate() {
            if !is_same(wanted, &found[name]) {
                return Some(format!("`{name}` of row {row} is {}, and not {wanted}", found[name]));
            }
        }
    }
    None
}

fn is_same(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, value)| b.get(name).is_some_and(|found| is_same(value, found)))
        }
        (Value::String(a), Value::String(b)) if moment(a) == moment(b) => true,
        (Value::Null | Value::Bool(_), _) | (_, Value::Null | Value::Bool(_)) => wanted == found,
        _ => wanted == found || number(wanted).is_some_and(|wanted| number(found) == Some(wanted)),
    }
}

/// A time without the zeros at the end of its fraction; a date is its midnight.
fn moment(text: &str) -> String {
    let text = text.strip_suffix('Z').unwrap_or(text);
    if text.len() == "2025-01-01".len() && text.matches('-').count() == 2 {
        return format!("{text}T00:00:00");
    }
    match text.split_once('.') {
        Some((whole, fraction)) if text.contains(':') => {
            format!("{whole}.{fraction}").trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => text.to_owned(),
    }
}

/// A number, also one that is written as text; to compare, not to reckon with.
fn number(value: &Value) -> Option<String> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let digits = text.trim_start_matches('-').bytes().filter(u8::is_ascii_digit).count();
    let number = text.parse::<f64>().ok()?;
    // Decimals with more digits than a double holds are compared as they are written.
    let is_long = digits > DIGITS && !text.contains(['e', 'E']) && number.is_finite();
    Some(if is_long { text.trim_end_matches('0').to_owned() } else { format!("{number:?}") })
}
