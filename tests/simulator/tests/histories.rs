//! A thousand histories in each run of the tests, and a seed that repeats one.

#![allow(clippy::unwrap_used)]

use simulator::Simulator;

#[test]
fn a_thousand_histories_commit_every_input_once() {
    let simulator = Simulator::new().unwrap();
    match simulator.histories(1, 1000) {
        Ok(tally) => assert!(tally.histories == 1000 && tally.workers > 2000, "{tally:?}"),
        Err(failure) => panic!("{failure}"),
    }
}

#[test]
fn a_seed_repeats_its_history() {
    let simulator = Simulator::new().unwrap();
    for seed in 0..100 {
        let (first, second) = (simulator.steps(seed), simulator.steps(seed));
        assert!(first.len() > 50, "seed {seed}: {first:?}");
        let differs = first.iter().zip(&second).find(|(first, second)| first != second);
        assert!(differs.is_none() && first.len() == second.len(), "seed {seed}: {differs:?}");
    }
}
