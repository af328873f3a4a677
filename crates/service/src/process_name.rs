//! What a process is called where nobody says.

use std::fs;

/// The host's name, which in a cluster is the pod's.
pub(crate) fn host() -> String {
    let named = std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty());
    let kernel = || fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned());
    named.or_else(kernel).unwrap_or_else(|| "unknown".to_owned())
}
