//! One running process: its signals, its log, its end.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    net::TcpStream,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{ServerError, guard::Guard, http_get};

/// How often to look whether something has happened.
const POLL: Duration = Duration::from_millis(20);

/// How much of a log an error shows.
const TAIL_BYTES: usize = 4_000;

/// One running process. It is killed when the value is dropped and when this process ends.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    guard: Option<Guard>,
    log: PathBuf,
    /// Where this run begins in the log.
    log_start: u64,
}

impl Process {
    /// Start a command; what it prints is added to `log`.
    pub(crate) fn spawn(name: &str, command: &mut Command, log: &Path) -> Result<Self, ServerError> {
        let out = File::options().create(true).append(true).open(log).map_err(ServerError::file(log))?;
        let log_start = out.metadata().map_err(ServerError::file(log))?.len();
        let err = out.try_clone().map_err(ServerError::file(log))?;
        let child =
            command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0).spawn().map_err(|source| {
                ServerError::Start { program: command.get_program().to_string_lossy().into(), source }
            })?;
        let mut process = Self { name: name.to_owned(), child, guard: None, log: log.to_owned(), log_start };
        process.guard = Some(Guard::new("kill -9 \"$1\"", &process.pid().to_string())?);
        Ok(process)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Send a signal by its short name.
    pub(crate) fn signal(&self, name: &str) -> Result<(), ServerError> {
        let output = Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .output()
            .map_err(|source| ServerError::Start { program: "kill".to_owned(), source })?;
        if output.status.success() {
            return Ok(());
        }
        Err(ServerError::Failed {
            program: format!("kill -{name}"),
            status: output.status,
            output: String::from_utf8_lossy(&output.stderr).into(),
        })
    }

    /// End it at once.
    pub(crate) fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.guard = None;
    }

    /// How it ended, if it does within the limit.
    pub(crate) fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.guard = None;
                return Some(status);
            }
            if start.elapsed() >= limit {
                return None;
            }
            sleep(POLL);
        }
    }

    /// Wait until the log of this run holds `line`.
    pub(crate) fn wait_for_line(&mut self, line: &str, limit: Duration) -> Result<(), ServerError> {
        self.wait_until(limit, |process| process.log().contains(line))
    }

    /// Wait until a URL answers with a status below 300.
    pub(crate) fn wait_for_http(&mut self, url: &str, limit: Duration) -> Result<(), ServerError> {
        self.wait_until(limit, |_| http_get(url).is_ok_and(|(status, _)| status < 300))
    }

    /// Wait until a port accepts connections.
    pub(crate) fn wait_for_port(&mut self, port: u16, limit: Duration) -> Result<(), ServerError> {
        self.wait_until(limit, |_| TcpStream::connect(("127.0.0.1", port)).is_ok())
    }

    fn wait_until(&mut self, limit: Duration, ready: impl Fn(&Self) -> bool) -> Result<(), ServerError> {
        let start = Instant::now();
        while !ready(self) {
            self.check()?;
            if start.elapsed() >= limit {
                return Err(self.slow("ready", limit));
            }
            sleep(POLL);
        }
        Ok(())
    }

    /// An error if it has ended.
    pub(crate) fn check(&mut self) -> Result<(), ServerError> {
        match self.wait(Duration::ZERO) {
            Some(status) => Err(ServerError::Ended { name: self.name.clone(), status, log: self.tail() }),
            None => Ok(()),
        }
    }

    pub(crate) fn slow(&self, wanted: &'static str, limit: Duration) -> ServerError {
        ServerError::Slow { name: self.name.clone(), wanted, limit, log: self.tail() }
    }

    /// What this run has printed.
    pub(crate) fn log(&self) -> String {
        let mut bytes = Vec::new();
        if let Ok(mut file) = File::open(&self.log)
            && file.seek(SeekFrom::Start(self.log_start)).is_ok()
        {
            // A log that cannot be read shows in the message that misses it.
            let _ = file.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn tail(&self) -> String {
        tail(&self.log())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Run a command to its end; an error shows the end of what it printed.
pub(crate) fn run(command: &mut Command) -> Result<String, ServerError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| ServerError::Start { program: program.clone(), source })?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let printed = stdout + &String::from_utf8_lossy(&output.stderr);
    Err(ServerError::Failed { program, status: output.status, output: tail(&printed) })
}

fn tail(text: &str) -> String {
    let mut start = text.len().saturating_sub(TAIL_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text[start..].trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_ends_early_shows_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such luck; exit 3"]);
        let mut process = Process::spawn("oracle", &mut command, &folder.path().join("log")).unwrap();
        let error = process.wait_for_line("ready", Duration::from_secs(10)).unwrap_err().to_string();
        assert!(error.contains("oracle ended by itself") && error.ends_with("no such luck"), "{error}");
    }

    #[test]
    fn the_end_of_a_text_begins_at_a_letter() {
        let text = format!("é{}", "x".repeat(TAIL_BYTES - 1));
        assert_eq!(tail(&text).len(), TAIL_BYTES - 1);
    }
}
