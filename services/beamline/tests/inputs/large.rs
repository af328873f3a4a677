//! `init` of large files: it looks at a part from the beginning, the middle and the end, says so, and takes no more memory
//! than for a small one.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
    process::Command,
};

use crate::{beamline, text};

/// Bytes of the large file.
const LARGE_BYTES: usize = 400 << 20;

/// What `init` may take in memory, whatever the file's size, in KiB.
const MEMORY_KIB_MAX: u64 = 400 << 10;

/// How much more of it a large file may take than one of 10 MiB.
const MORE_KIB_MAX: u64 = 64 << 10;

/// Writes rows of CSV; only in the middle is a value missing, and only at the end does a whole number have a fraction.
fn write(path: &Path, bytes: usize) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    let line = |row: usize, note: &str, count: &str| {
        format!("{row},2025-03-01T{:02}:{:02}:{:02}Z,{note},{count}\n", row / 3600 % 24, row / 60 % 60, row % 60)
    };
    writeln!(out, "id,timestamp,flux,count").unwrap();
    let (mut written, mut row) = (0, 0);
    while written < bytes {
        let is_middle = (bytes * 49 / 100..bytes * 51 / 100 + (1 << 20)).contains(&written);
        let is_last = written > bytes - (1 << 19);
        let text = line(row, if is_middle { "NA" } else { "1.5" }, if is_last { "3.25" } else { "3" });
        out.write_all(text.as_bytes()).unwrap();
        written += text.len();
        row += 1;
    }
    out.flush().unwrap();
}

/// The most memory that `init` of a file took, in KiB, and what it said.
fn init(folder: &Path, file: &str, name: &str) -> (u64, String) {
    let measured = "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]); \
                    print('KiB', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)";
    let run = Command::new("python3")
        .args(["-c", measured, env!("CARGO_BIN_EXE_beamline"), "init", file, "--name", name])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", text(&run.stderr));
    let said = text(&run.stdout);
    let kib = said.lines().find_map(|line| line.strip_prefix("KiB ")).unwrap().parse().unwrap();
    (kib, said)
}

#[test]
fn a_large_file_is_looked_at_in_parts_and_memory_stays_flat() {
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: there is no Python");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(&folder.join("small.csv"), 10 << 20);
    write(&folder.join("large.csv"), LARGE_BYTES);
    let (small, _) = init(folder, "small.csv", "small");
    let (large, said) = init(folder, "large.csv", "large");
    println!("init of 10 MiB: {small} KiB, of {} MiB: {large} KiB", LARGE_BYTES >> 20);
    assert!(large < MEMORY_KIB_MAX && large < small + MORE_KIB_MAX, "{small} KiB, {large} KiB");
    assert!(
        said.contains("only 8 MiB of the file were looked at, from its beginning, its middle and its end"),
        "{said}"
    );
    let definition = fs::read_to_string(folder.join("large.yaml")).unwrap();
    assert!(definition.contains("missing: [\"NA\"]"), "the middle was looked at:\n{definition}");
    let schema = fs::read_to_string(folder.join("large.avsc")).unwrap();
    let count = schema.lines().find(|line| line.contains("\"count\"")).unwrap();
    assert!(count.contains("double"), "the end was looked at: {count}");
    assert!(definition.contains("\n  id: id\n"), "no row was looked at twice:\n{definition}");
}

#[test]
fn the_summary_names_each_figure_for_what_it_counts() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // A row a second; the 100th is stamped five years ahead, and the 200th is five minutes late.
    let time = |row: i64| match row {
        100 => "2024-03-01T00:01:40Z".to_owned(),
        200 => "2019-02-28T23:55:00Z".to_owned(),
        _ => format!("2019-03-01T00:{:02}:{:02}Z", row / 60, row % 60),
    };
    let rows: String = (0..300).map(|row| format!("{row},{},s,{row}.5\n", time(row))).collect();
    fs::write(folder.join("rows.csv"), format!("id,timestamp,sensor,value\n{rows}")).unwrap();
    assert!(beamline(folder, &["init", "rows.csv"]).status.success());
    let aggregate = "\n  aggregate: [{ name: rates, window: 1m, lateness: 10s, group_by: [sensor], select: { n: \"count(*)\" } }]\n";
    let definition = fs::read_to_string(folder.join("rows.yaml")).unwrap();
    fs::write(folder.join("rows.yaml"), definition + aggregate).unwrap();
    let replayed = text(&beamline(folder, &["replay", "rows.yaml", "--out", "out"]).stdout);
    for line in [
        "  in                        300 (the ledger balances)",
        "  = out                     299 (in processed_data, and in their windows)",
        "  + late                      1 (in processed_data, and too late for a window)",
        "  ahead                       1 (of out and late, with a time far ahead of the others: it closed no window by itself)",
    ] {
        assert!(replayed.lines().any(|found| found == line), "{line:?} is not in\n{replayed}");
    }
    let counted =
        beamline(folder, &["query", "--results", "out", "--format", "csv", "SELECT count(*) AS n FROM processed_data"]);
    assert_eq!(text(&counted.stdout).trim(), "n\n300");
}

#[test]
fn the_aggregates_of_a_definition_work_in_a_query() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let rows: String = (0..600)
        .map(|row| format!("{row},2025-03-01T00:{:02}:{:02}Z,s{},{}\n", row / 60, row % 60, row % 7 % 3, row % 40))
        .collect();
    fs::write(folder.join("rows.csv"), format!("id,timestamp,sensor,value\n{rows}")).unwrap();
    assert!(beamline(folder, &["init", "rows.csv"]).status.success());
    let select = "h: \"histogram(value, 10, 30, 4)\", t: \"top_k(sensor, 2)\", v: \"variance(value)\"";
    let aggregate = format!("\n  aggregate: [{{ name: all_of_it, select: {{ {select} }} }}]\n");
    let definition = fs::read_to_string(folder.join("rows.yaml")).unwrap();
    fs::write(folder.join("rows.yaml"), definition + &aggregate).unwrap();
    let replayed = beamline(folder, &["replay", "rows.yaml", "--out", "out"]);
    assert!(replayed.status.success(), "{}", text(&replayed.stderr));
    let query = |sql: &str| {
        let done = beamline(folder, &["query", "--results", "out", "--format", "json", sql]);
        assert!(done.status.success(), "{}", text(&done.stderr));
        text(&done.stdout)
    };
    let windows = query("SELECT h, t FROM all_of_it");
    let asked = query("SELECT histogram(value, 10, 30, 4) AS h, top_k(sensor, 2) AS t FROM processed_data");
    assert_eq!(asked, windows);
    assert_eq!(
        asked.trim(),
        r#"{"h":[150,75,75,75,75,150],"t":[{"value":"s0","count":257},{"value":"s1","count":172}]}"#
    );
    let grouped = query(
        "SELECT sensor, histogram(value, -5, 100, 1) AS h, first(id ORDER BY timestamp) AS f, last(id ORDER BY timestamp) AS l, \
         round(variance(value), 3) AS v FROM processed_data GROUP BY sensor ORDER BY sensor",
    );
    assert!(grouped.starts_with(r#"{"sensor":"s0","h":[0,257,0],"f":0,"l":598"#), "{grouped}");
    let wrong =
        beamline(folder, &["query", "--results", "out", "SELECT histogram(value, 30, 10, 4) FROM processed_data"]);
    assert!(text(&wrong.stderr).contains("low < high"), "{}", text(&wrong.stderr));
    let wrong = beamline(folder, &["query", "--results", "out", "SELECT sum(sensor) FROM processed_data"]);
    let said = text(&wrong.stderr);
    assert!(said.contains("no function takes these types: sum(Utf8)") && said.contains("CAST("), "{said}");
}
