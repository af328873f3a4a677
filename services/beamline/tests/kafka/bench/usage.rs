//! What a process has used, as Linux counts it.

use std::fs;

/// Ticks of a second in which Linux counts processor time for user space.
const TICKS: f64 = 100.0;

/// Processor time of a process so far, in seconds.
pub(super) fn cpu_seconds(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name in parentheses may hold spaces; user and system time are the 14th and 15th field of all.
    let fields: Vec<&str> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = |field: &str| field.parse::<f64>().unwrap();
    (ticks(fields[11]) + ticks(fields[12])) / TICKS
}

/// Memory of a process that is in use now, in mebibytes.
pub(super) fn resident_mebibytes(pid: u32) -> f64 {
    mebibytes(pid, "VmRSS:")
}

/// Memory of a process at its peak, in mebibytes.
pub(super) fn peak_mebibytes(pid: u32) -> f64 {
    mebibytes(pid, "VmHWM:")
}

fn mebibytes(pid: u32, name: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
}
