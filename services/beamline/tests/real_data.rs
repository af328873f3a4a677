//! Real data through the definitions made for it, as it is and tampered with. The data is not in the repository:
//! `BEAMLINE_DATA` names the folder that has it (see `docs/real-data.md`), and without it these tests say so and pass.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    env,
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::Command,
};

use flate2::read::GzDecoder;

fn data(path: &str) -> Option<PathBuf> {
    let found = env::var_os("BEAMLINE_DATA").map(|folder| Path::new(&folder).join(path)).filter(|path| path.exists());
    if found.is_none() {
        println!("{path} is not there (BEAMLINE_DATA): nothing is tested with it");
    }
    found
}

fn beamline() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_beamline"));
    command.env_remove("BEAMLINE_OUT").env_remove("BEAMLINE_RESULTS");
    command
}

fn replay(stream: &str, files: &[PathBuf], results: &Path) {
    let stream = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../streams").join(stream);
    let status = beamline().arg("replay").arg(stream).args(files).arg("--out").arg(results).arg("-q").status().unwrap();
    assert!(status.success(), "{status}");
    assert!(beamline().arg("verify").arg(results).status().unwrap().success());
}

/// The one row of numbers that `sql` gives.
fn ask(results: &Path, sql: &str) -> Vec<f64> {
    let output = beamline().args(["query", "--format", "csv", sql, "--results"]).arg(results).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<f64> = text.lines().nth(1).unwrap().split(',').map(|cell| cell.parse().unwrap()).collect();
    println!("{sql}\n  {numbers:?}");
    numbers
}

/// A copy of a CSV file in which `tamper` may change the cells of each row; it is given the row's number from 0.
fn tampered(from: &Path, to: &Path, mut tamper: impl FnMut(usize, &[String], &mut Vec<String>)) {
    let file = File::open(from).unwrap();
    let reader: Box<dyn Read> = match from.extension().is_some_and(|ending| ending == "gz") {
        true => Box::new(GzDecoder::new(file)),
        false => Box::new(file),
    };
    let mut out = File::create(to).unwrap();
    let mut header = Vec::new();
    let mut text = String::new();
    for (line, row) in BufReader::new(reader).lines().enumerate() {
        let mut cells: Vec<String> = row.unwrap().trim_end().split(',').map(str::to_owned).collect();
        match line {
            0 => header = cells.clone(),
            line => tamper(line - 1, &header, &mut cells),
        }
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    out.write_all(text.as_bytes()).unwrap();
}

fn index(header: &[String], name: &str) -> usize {
    header.iter().position(|column| column == name).unwrap()
}

#[test]
fn the_z_stands_in_cms_dimuons() {
    let Some(file) = data("cms/Zmumu_Run2011A.csv") else { return };
    let folder = tempfile::tempdir().unwrap();
    replay("cms-dimuons.yaml", std::slice::from_ref(&file), &folder.path().join("as-it-is"));
    let found = ask(&folder.path().join("as-it-is"), "SELECT count(*), median(mass) FROM processed_data");
    assert_eq!(found[0], 10_583.0);
    assert!((found[1] - 90.28).abs() < 0.005, "worked out independently: 90.28 GeV");

    let copy = folder.path().join("tampered.csv");
    tampered(&file, &copy, |row, header, cells| {
        if row % 50 == 49 {
            for name in ["pt1", "pt2"] {
                let cell = &mut cells[index(header, name)];
                *cell = (cell.parse::<f64>().unwrap() * 1.15).to_string();
            }
        }
    });
    replay("cms-dimuons.yaml", &[copy], &folder.path().join("tampered"));
    let found = ask(
        &folder.path().join("tampered"),
        "SELECT avg(alarm) FILTER (WHERE bad), avg(alarm) FILTER (WHERE NOT bad) FROM (SELECT \
         CAST(split_part(event_id, '-', 3) AS BIGINT) % 50 = 49 AS bad, \
         CASE WHEN anomaly_reasons LIKE '%above_z_peak%' THEN 1.0 ELSE 0.0 END AS alarm FROM processed_data)",
    );
    assert!(found[0] > 0.6 && found[1] < 0.03, "an energy scale of 1.15 stands out as far as the Z's width lets it");
}

#[test]
fn the_mass_shell_holds_for_lhe_particles() {
    let Some(file) = data("lhe/z_mlm_particles.csv.gz") else { return };
    let folder = tempfile::tempdir().unwrap();
    replay("lhe-particles.yaml", std::slice::from_ref(&file), &folder.path().join("as-it-is"));
    let found = ask(
        &folder.path().join("as-it-is"),
        "SELECT count(*), max(abs(pull)), avg(CASE WHEN anomalous THEN 1.0 ELSE 0.0 END) FROM processed_data",
    );
    assert_eq!(found[0], 26_120.0, "particles of the final state");
    assert!(found[1] < 4.0 && found[2] < 0.01, "rounding is all that is wrong with them");

    let copy = folder.path().join("tampered.csv");
    let mut finals = 0;
    tampered(&file, &copy, |_, header, cells| {
        if cells[index(header, "status")] != "1" {
            return;
        }
        finals += 1;
        let energy = &mut cells[index(header, "energy")];
        match finals % 100 {
            0 => *energy = format!("{:.11E}", energy.parse::<f64>().unwrap() * 1.15),
            50 => cells[index(header, "mass")] = "0.5".into(),
            _ => {}
        }
    });
    replay("lhe-particles.yaml", &[copy], &folder.path().join("tampered"));
    let found = ask(
        &folder.path().join("tampered"),
        "SELECT count(*) FILTER (WHERE abs(pull) > 5), count(*) FILTER (WHERE abs(pull) > 5 AND anomalous), \
         count(*) FILTER (WHERE abs(pull) <= 5 AND anomalous) FROM processed_data",
    );
    assert_eq!(found[0], 522.0, "tampered rows");
    assert_eq!(found[1], 522.0, "all of them alarm");
    assert!(found[2] < 0.005 * 26_120.0, "and hardly any other");
}

#[test]
fn every_series_of_nab_runs() {
    let Some(folder) = data("nab") else { return };
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| fs::read_dir(entry.unwrap().path()).ok())
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "csv"))
        .collect();
    files.sort();
    let rows: usize = files.iter().map(|file| fs::read_to_string(file).unwrap().lines().count() - 1).sum();
    let results = tempfile::tempdir().unwrap();
    replay("nab.yaml", &files, results.path());
    let found = ask(
        results.path(),
        "SELECT count(*), count(DISTINCT series), avg(CASE WHEN anomalous THEN 1.0 ELSE 0.0 END) FROM processed_data",
    );
    assert_eq!((found[0], found[1]), (rows as f64, files.len() as f64));
}
