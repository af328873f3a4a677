//! What a person sees while a stream runs: a live line on a terminal, a log line now and then otherwise.

use std::{
    io::{IsTerminal, stderr},
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use local::Counts;

/// How often the live line changes.
const LINE_INTERVAL: Duration = Duration::from_millis(250);
/// How often a log line is written where there is no terminal.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// The thread that shows a run's counts, until it is told to end.
pub(crate) struct Shown {
    end: Sender<()>,
    thread: JoinHandle<()>,
}

impl Shown {
    pub(crate) fn end(self) {
        drop(self.end);
        // The thread only prints: if it failed, there is nothing to lose.
        let _ = self.thread.join();
    }
}

/// Shows what `counts` says on standard error.
pub(crate) fn show(counts: impl Fn() -> Counts + Send + 'static) -> Shown {
    let (end, ended) = channel::<()>();
    let terminal = stderr().is_terminal() && tracing::enabled!(tracing::Level::INFO);
    let interval = if terminal { LINE_INTERVAL } else { LOG_INTERVAL };
    let thread = thread::spawn(move || {
        let bar = terminal.then(bar);
        let mut last = (Instant::now(), counts());
        while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(interval) {
            let now = (Instant::now(), counts());
            let rate = (now.1.records - last.1.records) as f64 / (now.0 - last.0).as_secs_f64();
            match &bar {
                Some(bar) => bar.set_message(line(&now.1, rate)),
                None => log(&now.1, rate),
            }
            last = now;
        }
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
    });
    Shown { end, thread }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed_precise} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(LINE_INTERVAL);
    bar
}

fn line(counts: &Counts, rate: f64) -> String {
    let mut line = format!(
        "{} events  {}/s  {} anomalies  {} filtered  {} dead letters  {} committed",
        HumanCount(counts.records),
        HumanCount(rate.round() as u64),
        HumanCount(counts.anomalies),
        HumanCount(counts.filtered),
        HumanCount(counts.dead_lettered),
        HumanCount(counts.committed),
    );
    if counts.total > 0 {
        line.push_str(&format!("  {:.1} %", 100.0 * counts.done as f64 / counts.total as f64));
    }
    line
}

fn log(counts: &Counts, rate: f64) {
    tracing::info!(
        records = counts.records,
        rate = rate.round() as u64,
        out = counts.out,
        anomalies = counts.anomalies,
        filtered = counts.filtered,
        dead_letters = counts.dead_lettered,
        committed = counts.committed,
        "running"
    );
}
