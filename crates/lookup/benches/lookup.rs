//! What a lookup costs a row: `cargo bench --profile dev -p lookup` (the profile that the pipeline is built with).

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use divan::{Bencher, counter::ItemsCount};
use lookup::{Lookup, read_table};

const ROWS: usize = 4096;

fn main() {
    divan::main();
}

/// Two columns of a small table by a text; the item rate is rows a second.
#[divan::bench]
fn two_columns(bencher: Bencher) {
    let table = read_table(
        "particles.csv",
        b"particle_type,mass_gev,charge\nelectron,0.000511,-1\nmuon,0.105658,-1\npion,0.13957,1\nkaon,0.493677,1\n",
    )
    .unwrap();
    let columns = ["mass_gev".to_owned(), "charge".to_owned()];
    let lookup = Lookup::new(&table, "particle_type", "particle_type", &columns).unwrap();
    let kinds = ["electron", "muon", "pion", "kaon", "proton"];
    let kinds: ArrayRef = Arc::new(StringArray::from_iter_values((0..ROWS).map(|row| kinds[row * 7 % 5])));
    let batch = RecordBatch::try_from_iter([("particle_type", kinds)]).unwrap();
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| lookup.columns(&batch).unwrap());
}
