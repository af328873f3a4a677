//! Rows a second of files and tables, beside Python's packages that write the same batches in turn with the sinks; and how long
//! Spark and a query of ours take for one grouped question over each. `make bench-store`.

use std::{
    collections::BTreeMap,
    fs::File,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use arrow::{
    array::AsArray,
    compute::concat_batches,
    datatypes::{Float64Type, Int64Type},
    ipc::writer::FileWriter,
};
use serde_json::Value;
use servers::{Hdfs, Spark};

use crate::{
    bench::{STEP, rows_a_second},
    rows::{PARTITIONS, batch, positions, stream},
    sinks::{LAKES, Store},
};

/// How often each form is written and each question asked: in turns, so that a busy moment of the machine hits all.
const TURNS: usize = 3;
/// One grouped question.
const GROUPED: &str = "SELECT detector_id, count(*), min(energy_gev), max(energy_gev), avg(energy_gev) FROM processed_data \
                       GROUP BY detector_id ORDER BY detector_id";

/// What each detector has: how many events, and the bits of the extremes.
type Groups = BTreeMap<String, (i64, u64, u64)>;

#[test]
#[ignore = "a measurement: make bench-store"]
fn bench_files_and_tables_beside_python() {
    let rows = std::env::var("BEAMLINE_BENCH_ROWS").map_or(400_000, |rows| rows.parse().unwrap());
    let (hdfs, folder) = (Hdfs::start().unwrap(), tempfile::tempdir().unwrap());
    let batches = folder.path().join("batches.arrow");
    write_batches(&batches, rows);
    let local = |name: String| folder.path().join(name).display().to_string();
    let mut stores = Vec::new();
    for (place, backend) in ["", " on HDFS"].into_iter().flat_map(|on| LAKES.map(|of| (on, of))) {
        let at = |whose: &str, turn: usize| match place {
            "" => local(format!("{whose}-{backend}-{turn}")),
            _ => hdfs.url(&format!("{whose}/{backend}-{turn}")),
        };
        // Neither pyarrow nor its ORC reach HDFS without a native library of Hadoop.
        let is_in_python = place.is_empty() || backend == "delta";
        let [mut ours, mut theirs] = [0.0_f64, 0.0];
        for turn in 0..TURNS {
            ours = ours.max(rows_a_second(Store::new(backend, at("ours", turn)).sink().as_mut(), rows));
            if is_in_python {
                theirs = theirs.max(python(&batches, &at("theirs", turn), backend));
            }
        }
        let form = format!("{backend}{place}");
        let name = if backend == "delta" { "deltalake" } else { "pyarrow" };
        let beside = match is_in_python {
            true => format!(", Python's {name} {theirs:.0} rows/s: {:.2} of it", ours / theirs),
            false => String::new(),
        };
        let sizes = [at("ours", 0), at("theirs", 0)].map(|at| bytes(Path::new(&at)) as f64 / rows as f64);
        let sizes =
            if place.is_empty() { format!("; {:.0} and {:.0} bytes a row", sizes[0], sizes[1]) } else { String::new() };
        println!("{form}: the writer {ours:.0} rows/s{beside}{sizes}");
        stores.push((form, Store::new(backend, at("ours", 0))));
    }
    ask_each(&stores, rows);
}

/// The batches that the sinks are given, as an Arrow file.
fn write_batches(path: &Path, rows: u64) {
    let stream = stream();
    let mut out = FileWriter::try_new(File::create(path).unwrap(), &stream.scored).unwrap();
    let end = positions(rows);
    for from in (0..end).step_by(STEP as usize) {
        let part = |partition| batch(&stream, partition, from, (from + STEP).min(end)).rows;
        let parts: Vec<_> = (0..PARTITIONS).map(part).collect();
        out.write(&concat_batches(&stream.scored, &parts).unwrap()).unwrap();
    }
    out.finish().unwrap();
}

/// What Python's packages write of the same batches, in rows a second.
fn python(batches: &Path, at: &str, form: &str) -> f64 {
    let python = servers::python().unwrap().expect("Python with venv");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stores/python/write.py");
    let output = Command::new(python).arg(script).arg(batches).args([at, form]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

/// Bytes of the files in a folder.
fn bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| if entry.path().is_dir() { bytes(&entry.path()) } else { entry.metadata().unwrap().len() })
        .sum()
}

/// Spark's time for the question over each store, and ours.
fn ask_each(stores: &[(String, Store)], rows: u64) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/spark/grouped.py");
    let turns = TURNS.to_string();
    let places = stores.iter().flat_map(|(_, store)| [store.backend.as_str(), store.at.as_str()]);
    let arguments: Vec<&str> = [turns.as_str(), GROUPED].into_iter().chain(places).collect();
    let printed = Spark::get().unwrap().submit(script, &arguments).unwrap();
    let answers: Vec<Value> = printed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert_eq!(answers.len(), stores.len(), "{printed}");
    for ((form, store), answer) in stores.iter().zip(&answers) {
        let (spent, ours) = ask(store);
        assert_eq!(ours.values().map(|(count, ..)| *count as u64).sum::<u64>(), rows, "{form}");
        assert_eq!(theirs(answer), ours, "{form}: as Spark has it");
        let (spark, spent) = (answer["millis"].as_f64().unwrap(), spent.as_secs_f64() * 1e3);
        println!("{form}: {} groups of {rows} rows: Spark {spark:.0} ms, `beamline query` {spent:.0} ms", ours.len());
    }
}

/// The groups in Spark's answer.
fn theirs(answer: &Value) -> Groups {
    let text = |cell: &Value| cell.as_str().unwrap().to_owned();
    let bits = |cell: &Value| u64::from_str_radix(&text(cell), 16).unwrap();
    let groups = answer["rows"].as_array().unwrap().iter();
    groups.map(|row| (text(&row[0]), (text(&row[1]).parse().unwrap(), bits(&row[2]), bits(&row[3])))).collect()
}

/// The best of some times that the question takes from opening the store on, and the answer.
fn ask(store: &Store) -> (Duration, Groups) {
    let asked = store::query::block_on(async {
        let (mut best, mut groups) = (Duration::MAX, Groups::new());
        for _ in 0..=TURNS {
            let begun = Instant::now();
            let session = ask::open(&store.source(), &store::QueryOptions::default()).await.unwrap();
            let mut answer = session.sql(GROUPED).await.unwrap();
            groups.clear();
            while let Some(rows) = answer.next().await.unwrap() {
                let keys = arrow::compute::cast(rows.column(0), &arrow::datatypes::DataType::Utf8).unwrap();
                let counts = rows.column(1).as_primitive::<Int64Type>();
                let [least, greatest] = [2, 3].map(|at| rows.column(at).as_primitive::<Float64Type>().clone());
                for row in 0..rows.num_rows() {
                    let group = (counts.value(row), least.value(row).to_bits(), greatest.value(row).to_bits());
                    groups.insert(keys.as_string::<i32>().value(row).to_owned(), group);
                }
            }
            best = best.min(begun.elapsed());
        }
        (best, groups)
    });
    asked.unwrap()
}
