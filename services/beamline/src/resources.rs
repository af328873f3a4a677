//! What this process has used: wall time, processor time, memory.

use std::{fs, time::Instant};

/// Clock ticks a second in `/proc`, the same on every Linux platform that Rust runs on (USER_HZ).
const TICKS_A_SECOND: f64 = 100.0;

/// What this process had used at a moment.
pub(crate) struct Usage {
    time: Instant,
    processor: Option<f64>,
}

/// What it used since.
pub(crate) struct Used {
    seconds: f64,
    processor_seconds: Option<f64>,
}

impl Usage {
    pub(crate) fn now() -> Self {
        Self { time: Instant::now(), processor: processor_seconds() }
    }

    pub(crate) fn since(&self) -> Used {
        let processor_seconds = self.processor.zip(processor_seconds()).map(|(before, now)| now - before);
        Used { seconds: self.time.elapsed().as_secs_f64(), processor_seconds }
    }
}

impl Used {
    /// Events a second, and events a second of processor time where the system tells.
    pub(crate) fn per_row(&self, rows: u64) -> String {
        let rate = |seconds: f64| (rows as f64 / seconds / 1000.0).round() as u64;
        let mut text = format!("{:.1} s, {},000 events/s", self.seconds, rate(self.seconds));
        if let Some(seconds) = self.processor_seconds {
            text.push_str(&format!(", {},000 a CPU second", rate(seconds)));
        }
        text
    }

    /// The most memory that was resident at once since the process began, in bytes.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib << 10)
    }
}

/// User and system time of this process (fields 14 and 15 of `/proc/self/stat`).
fn processor_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name in brackets may hold spaces; what follows it does not.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS_A_SECOND)
}
