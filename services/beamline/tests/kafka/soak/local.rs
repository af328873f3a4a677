//! The run in one process beside the one on Kafka: killed, stopped and paused in its first part, and left alive from then on, so
//! that what it holds in memory shows.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use arrow::{array::AsArray, datatypes::Int64Type};
use stage::Ledger;
use store::{QueryOptions, Results, query as sql};

use crate::{
    fleet::Running,
    soak::{fingerprints::Fingerprints, times::Times},
};

pub(crate) const NAME: &str = "one process";
/// What befalls it in its first part, in turn, three times each.
const EARLY: [(Fault, &str); 3] =
    [(Fault::Kill, "one process: kill -9"), (Fault::Stop, "one process: stopped and started"), (Fault::Pause, PAUSED)];
/// What befalls it later: how often each.
const LATE: [(Fault, &str); 2] = [(Fault::Query, "one process: query held open"), (Fault::Pause, PAUSED)];
const PAUSED: &str = "one process: paused";
const TIMES: usize = 3;
const PAUSE: Duration = Duration::from_secs(5);
/// How long a query stays open over what is merged meanwhile.
const HELD: Duration = Duration::from_secs(10);
/// How often it is looked whether something was committed.
const LOOK: Duration = Duration::from_millis(10);
const STOP_MAX: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy)]
enum Fault {
    Kill,
    Stop,
    Pause,
    Query,
}

/// What is run, and for how long.
pub(crate) struct Plan {
    pub(crate) program: PathBuf,
    pub(crate) definition: PathBuf,
    pub(crate) results: PathBuf,
    pub(crate) events: u64,
    /// A part of the time, and how many there are.
    pub(crate) part: Duration,
    pub(crate) parts: usize,
    pub(crate) running: Running,
}

/// What came of it.
pub(crate) struct Done {
    pub(crate) faults: Vec<&'static str>,
    /// From one commit to the next, in each part of the time.
    pub(crate) commits: Vec<Times>,
}

struct Run {
    plan: Plan,
    child: Child,
}

impl Run {
    fn start(plan: &Plan) -> Child {
        let child = Command::new(&plan.program)
            .arg("run")
            .arg(&plan.definition)
            .args(["--quiet", "--no-page", "--commit-interval", "250ms", "--state-mib", "1"])
            .args(["--events", &plan.events.to_string(), "--out"])
            .arg(&plan.results)
            .env_remove("BEAMLINE_PAGE")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        plan.running.add(child.id(), NAME, String::new());
        child
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Begins again once it has ended.
    fn again(&mut self) {
        self.plan.running.remove(self.child.id());
        self.child = Self::start(&self.plan);
    }

    fn befall(&mut self, fault: Fault) {
        match fault {
            Fault::Kill => {
                self.child.kill().unwrap();
                self.child.wait().unwrap();
                self.again();
            }
            Fault::Stop => {
                self.signal("TERM");
                let begun = Instant::now();
                while self.child.try_wait().unwrap().is_none() {
                    assert!(begun.elapsed() < STOP_MAX, "the run does not end");
                    thread::sleep(LOOK);
                }
                self.again();
            }
            Fault::Pause => {
                self.signal("STOP");
                thread::sleep(PAUSE);
                self.signal("CONT");
            }
            Fault::Query => hold(&self.plan.results),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // It has ended, unless something failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A query sees what there was when it was opened, however long it stays so.
fn hold(results: &Path) {
    sql::block_on(async {
        let session = sql::open(&[results.to_owned()], &QueryOptions::default()).await.unwrap();
        let first = count(&session).await;
        thread::sleep(HELD);
        assert_eq!(first, count(&session).await, "a query sees one commit");
    })
    .unwrap();
}

async fn count(session: &store::Session) -> i64 {
    let mut answer = session.sql("SELECT count(*) FROM processed_data").await.unwrap();
    let rows = answer.next().await.unwrap().unwrap();
    rows.column(0).as_primitive::<Int64Type>().value(0)
}

/// Begins it; it ends when its source does.
pub(crate) fn begin(plan: Plan) -> JoinHandle<Done> {
    thread::spawn(move || {
        let child = Run::start(&plan);
        follow(Run { plan, child })
    })
}

/// When, from the begin, what comes.
fn schedule(part: Duration, parts: usize) -> Vec<(Duration, Fault, &'static str)> {
    let early = EARLY.len() * TIMES;
    let mut all: Vec<_> = (0..early)
        .map(|number| {
            let (fault, name) = EARLY[number % EARLY.len()];
            (part.mul_f64((number + 1) as f64 / (early + 1) as f64), fault, name)
        })
        .collect();
    let (late, rest) = (LATE.len() * TIMES, part * (parts as u32 - 1));
    all.extend((0..late).map(|number| {
        let (fault, name) = LATE[number % LATE.len()];
        (part + rest.mul_f64((number + 1) as f64 / (late + 1) as f64), fault, name)
    }));
    all
}

fn follow(mut run: Run) -> Done {
    let begun = Instant::now();
    let results = Results::new(&run.plan.results);
    let mut commits = vec![Times::default(); run.plan.parts];
    let mut faults = Vec::new();
    let mut due = schedule(run.plan.part, run.plan.parts).into_iter().peekable();
    let mut last: Option<(SystemTime, Instant)> = None;
    let status = loop {
        if let Some(status) = run.child.try_wait().unwrap() {
            break status;
        }
        if let Some((_, fault, name)) = due.next_if(|(at, ..)| *at <= begun.elapsed()) {
            run.befall(fault);
            faults.push(name);
            last = None;
        }
        if let Some(written) = results.written().filter(|written| last.is_none_or(|(last, _)| *written != last)) {
            let part = (begun.elapsed().as_secs_f64() / run.plan.part.as_secs_f64()) as usize;
            if let Some((_, before)) = last {
                commits[part.min(run.plan.parts - 1)].see(before.elapsed().as_secs_f64());
            }
            last = Some((written, Instant::now()));
        }
        thread::sleep(LOOK);
    };
    assert!(status.success(), "the run in one process ended with {status}");
    run.plan.running.remove(run.child.id());
    Done { faults, commits }
}

/// What is in its results, and whether its account balances.
pub(crate) fn found(results: &Path, events: u64) -> (Fingerprints, bool) {
    let manifest = Results::new(results).manifest().unwrap().unwrap();
    let mut found = Fingerprints::of(events);
    sql::block_on(async {
        let session = sql::open(&[results.to_owned()], &QueryOptions::default()).await.unwrap();
        let mut answer = session.sql(&Fingerprints::question()).await.unwrap();
        while let Some(rows) = answer.next().await.unwrap() {
            found.add(&rows);
        }
    })
    .unwrap();
    let ledger: Ledger = serde_json::from_value(manifest.ledger).unwrap();
    let all = manifest.position == events && ledger.records == events;
    let whole = all && ledger.balances() && ledger.out == found.seen();
    (found, whole)
}
