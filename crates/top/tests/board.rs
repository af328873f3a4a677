//! What services and pages answer, summed up and drawn.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use ratatui::{Terminal, backend::TestBackend};
use top::{Answer, Board, draw, table};

/// An enricher's metrics after so many records, with `lag` records waiting in each of two partitions.
fn enricher(records: u64, lag: u64) -> String {
    format!(
        "# TYPE beamline_records_in_total counter\n\
         beamline_records_in_total{{stream=\"s\",stage=\"enricher\"}} {records}\n\
         beamline_records_out_total{{stream=\"s\",stage=\"enricher\"}} {}\n\
         beamline_dead_letters_total{{stream=\"s\",stage=\"enricher\"}} 3\n\
         beamline_consumer_lag_records{{stream=\"s\",stage=\"enricher\",partition=\"0\"}} {lag}\n\
         beamline_consumer_lag_records{{stream=\"s\",stage=\"enricher\",partition=\"1\"}} {lag}\n",
        records / 2
    )
}

fn detector(alarms: u64, fast: u64, slow: u64) -> String {
    let all = fast + slow;
    format!(
        "beamline_records_in_total{{stream=\"s\",stage=\"anomaly-detector\"}} 100\n\
         beamline_alarms_total{{stream=\"s\",stage=\"anomaly-detector\",layer=\"ewma\"}} {alarms}\n\
         beamline_end_to_end_latency_seconds_bucket{{stream=\"s\",stage=\"anomaly-detector\",le=\"0.1\"}} {fast}\n\
         beamline_end_to_end_latency_seconds_bucket{{stream=\"s\",stage=\"anomaly-detector\",le=\"2\"}} {all}\n\
         beamline_end_to_end_latency_seconds_bucket{{stream=\"s\",stage=\"anomaly-detector\",le=\"+Inf\"}} {all}\n"
    )
}

fn answers(texts: &[(&str, String)]) -> Vec<(String, Result<Answer, String>)> {
    texts.iter().map(|(source, text)| ((*source).to_owned(), Ok(Answer::metrics(text).unwrap()))).collect()
}

/// Two looks, two seconds apart, at two enrichers and a detector; a third enricher does not answer.
fn board() -> Board {
    let mut board = Board::default();
    let away = || ("c:1".to_owned(), Err("no answer".to_owned()));
    let mut first = answers(&[("a:1", enricher(1_000, 5)), ("b:1", enricher(500, 0)), ("d:1", detector(10, 100, 0))]);
    first.push(away());
    board.update(0, &first);
    let mut second = answers(&[("a:1", enricher(3_000, 7)), ("b:1", enricher(700, 0)), ("d:1", detector(14, 101, 99))]);
    second.push(away());
    board.update(2_000, &second);
    board
}

#[test]
fn processes_of_a_stage_are_summed_up_and_rates_are_since_the_last_look() {
    let board = board();
    let [enricher, detector] = board.rows() else { panic!("{:?}", board.rows()) };
    assert_eq!((enricher.stage.as_str(), enricher.processes), ("enricher", 2));
    assert_eq!((enricher.in_total, enricher.in_rate), (Some(3_700), Some(1_100.0)));
    assert_eq!((enricher.out_rate, enricher.lag, enricher.dead_letters), (Some(550.0), Some(14), Some(6)));
    assert_eq!((detector.stage.as_str(), detector.lag), ("anomaly-detector", None));
    // Of the hundred since the first look, one was fast: the hundred before it do not count.
    let p50 = detector.latency_p50.unwrap();
    assert!((1.0..1.1).contains(&p50), "{p50}");
    let [ewma] = board.alarms() else { panic!("{:?}", board.alarms()) };
    assert_eq!((ewma.layer.as_str(), ewma.total, ewma.per_minute), ("ewma", 14, Some(120.0)));
    assert_eq!(board.notes(), ["c:1: no answer"]);
}

#[test]
fn a_process_that_has_begun_again_or_is_new_makes_no_rate_of_its_past() {
    let mut board = Board::default();
    board.update(0, &answers(&[("a:1", enricher(1_000_000, 0))]));
    assert_eq!(board.rows()[0].in_rate, None);
    board.update(1_000, &answers(&[("a:1", enricher(50, 0)), ("b:1", enricher(900_000, 0))]));
    assert_eq!((board.rows()[0].in_total, board.rows()[0].in_rate), (Some(900_050), Some(50.0)));
}

const OVERVIEW: &str = r#"{"stream":"sensors","at_ms":1,"state":"running","level":"watch","sentence":"sensors is behind",
    "rate":{"now":512.4,"step_s":1,"start_s":0,"counts":[null,512]},"lag":{"seconds":2.5,"records":1200},
    "latency":{"from":"read","to":"scored","p50_ms":4.0,"p99_ms":1250.0,"events":9},
    "alarms":{"total":5,"last_hour":5,"open":5,"share":0.1,"layers":[{"name":"ewma","kind":"learned","alarms":4,
    "scored":50,"share":0.08,"asked":0.001,"over":true}]},"dead_letters":{"total":7,"open":7,"rules":[]},
    "ledger":{"records":100000,"out":99000,"filtered":993,"dead_lettered":7,"late":0,"balance":0,"balances":true,
    "unscored":0,"committed_ms":null},"stages":[{"name":"source","state":"ok","rate":512.4,"detail":""},
    {"name":"detect","state":"ok","rate":512.4,"detail":""},{"name":"aggregate","state":"off","rate":null,"detail":""},
    {"name":"store","state":"watch","rate":512.4,"detail":""}],"drawn":{},"source":{},"failure":null}"#;

#[test]
fn a_run_in_one_process_has_its_stages_in_their_order() {
    let mut board = Board::default();
    board.update(0, &[("page".to_owned(), Ok(Answer::overview(OVERVIEW).unwrap()))]);
    let stages: Vec<&str> = board.rows().iter().map(|row| row.stage.as_str()).collect();
    assert_eq!(stages, ["source", "detect", "store"]);
    assert_eq!((board.rows()[2].lag, board.rows()[2].state.as_str()), (Some(1_200), "watch"));
    assert_eq!(board.rows()[1].latency_p99, Some(1.25));
    assert_eq!(board.notes(), ["sensors is behind"]);
    assert!(Answer::overview("<html>").is_err());
}

#[test]
fn the_table_has_aligned_columns() {
    insta::assert_snapshot!(table(&board()), @r"
    stream  stage             state  processes     in   in/s    out  out/s  lag  dead    p50    p99
    s       enricher          ok             2  3,700  1,100  1,850    550   14     6      -      -
    s       anomaly-detector  ok             1    100      0      -      -    -     -  1.0 s  2.0 s

    stream  layer  alarms  a minute
    s       ewma       14       120

    c:1: no answer
    ");
}

/// What a terminal shows, line by line.
fn drawn(board: &Board, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, board, "beamline top, every 2s")).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |y: u16| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_terminal_shows_stages_alarms_and_notes() {
    insta::assert_snapshot!(drawn(&board(), 120, 12), @r"
    beamline top, every 2s
    ┌ stages ──────────────────────────────────────────────────────────────────────────────────────────────────────────────┐
    │stream  stage             state  processes     in   in/s    out  out/s  lag  dead    p50    p99                       │
    │s       enricher          ok             2  3,700  1,100  1,850    550   14     6      -      -                       │
    │s       anomaly-detector  ok             1    100      0      -      -    -     -  1.0 s  2.0 s                       │
    └──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
    ┌ alarms ──────────────────────────────────────────────────────────────────────────────────────────────────────────────┐
    │stream  layer  alarms  a minute                                                                                       │
    │s       ewma       14       120                                                                                       │
    │                                                                                                                      │
    └──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
    c:1: no answer
    ");
}

proptest! {
    /// However small the terminal, and however many stages.
    #[test]
    fn any_terminal_can_be_drawn_on(width in 1u16..200, height in 1u16..60, processes in 0usize..40) {
        let mut board = Board::default();
        let name = |index: usize| format!("host-{index}:9464");
        let text = |index: usize| enricher(index as u64, 1).replace("enricher", &format!("stage-{index}"));
        let all: Vec<_> = (0..processes).map(|index| (name(index), Answer::metrics(&text(index)).map_err(|e| e.to_string()))).collect();
        board.update(0, &all);
        prop_assert_eq!(board.rows().len(), processes);
        drawn(&board, width, height);
    }
}
