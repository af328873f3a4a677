//! Standard input, which cannot be read twice: killed and given again, every event is there once.

use std::{
    io::Write,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::place::{HEADER, Place, csv, garbage, jsonl, position, row, says};

const ROWS: usize = 40_000;

fn start(place: &Place, format: &str) -> Child {
    let mut command = place.command(&["run", "readings.yaml", "--stdin", format, "--out", "out"]);
    command.env("BEAMLINE_COMMIT_INTERVAL", "100ms");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Gives the same input three times: killed once something is committed, killed soon, and to the end.
fn killed_and_given_again(format: &str, input: &str) {
    let place = Place::new();
    let name = format!("in.{format}");
    place.write(&name, input);
    place.ok(&["replay", "readings.yaml", &name, "--out", "quiet"]);

    // The first input breaks off within a line.
    let half = input.len() / 2 + 7;
    let mut first = start(&place, format);
    let mut pipe = first.stdin.take().unwrap();
    pipe.write_all(&input.as_bytes()[..half]).unwrap();
    let begun = Instant::now();
    while position(&place.path("out")) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is committed");
        thread::sleep(Duration::from_millis(5));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    drop(pipe);

    let mut second = start(&place, format);
    let mut pipe = second.stdin.take().unwrap();
    // It may be dead before it has read everything.
    let text = input.to_owned();
    let feeder = thread::spawn(move || drop(pipe.write_all(text.as_bytes())));
    thread::sleep(Duration::from_millis(150));
    second.kill().unwrap();
    second.wait().unwrap();
    feeder.join().unwrap();

    for _ in 0..2 {
        let mut last = start(&place, format);
        last.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        assert!(last.wait().unwrap().success());
        place.ok(&["verify", "out", "quiet"]);
        assert_eq!(place.number("out", "count(*)"), ROWS as u64);
    }
}

#[test]
fn json_lines_killed_and_given_again() {
    killed_and_given_again("jsonl", &jsonl(ROWS));
}

#[test]
fn csv_killed_and_given_again() {
    killed_and_given_again("csv", &csv(ROWS));
}

#[test]
fn a_longer_and_another_input_are_taken_in() {
    let place = Place::new();
    let give = |input: &str| {
        let mut run = start(&place, "jsonl");
        run.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        assert!(run.wait().unwrap().success());
        place.verify("out");
        place.number("out", "count(*)")
    };
    assert_eq!(give(&jsonl(100)), 100);
    assert_eq!(give(&jsonl(250)), 250, "what is new behind what is known");
    assert_eq!(give(&jsonl(250).replace("\"r", "\"other")), 500, "another input in whole");
}

#[test]
fn bad_standard_input() {
    let place = Place::new();
    let give = |format: &str, out: &str, input: &[u8]| {
        let mut command = place.command(&["run", "readings.yaml", "--stdin", format, "--out", out]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        // It may refuse before it has read everything.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = give("csv", "empty", b"");
    assert_eq!(code, 64);
    says(&said, &["standard input is empty", "header line"]);
    let (code, said) = give("csv", "missing", b"id,sensor\na,b\n");
    assert_eq!(code, 64);
    says(&said, &["standard input has no column `time`", "`id`, `sensor`"]);
    assert_eq!(give("csv", "garbage", &garbage(10_000)).0, 64);

    assert_eq!(give("jsonl", "none", b"").0, 0);
    let mixed = format!("{HEADER}\n{}\nb,s1,nonsense,1,1\n{}", row("a"), row("c"));
    assert_eq!(give("csv", "mixed", mixed.as_bytes()).0, 0);
    place.verify("mixed");
    assert_eq!((place.ids("mixed"), place.letters("mixed").len()), (vec!["a".to_owned(), "c".to_owned()], 1));
    let (code, said) = give("csv", "mixed", b"time,id,sensor,value\n");
    assert_eq!(code, 64);
    says(&said, &["standard input has the header", "another folder"]);
}
