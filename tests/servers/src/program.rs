//! One of our own programs, run by a test.

use std::{
    path::Path,
    process::{Command, ExitStatus},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{ServerError, process::Process, scratch::Scratch};

/// One of our own programs, run by a test. It is killed when the value is dropped.
#[derive(Debug)]
pub struct Program {
    process: Mutex<Process>,
    // After the process: its folder goes last.
    _scratch: Scratch,
}

impl Program {
    /// Start the program at `path`. What it prints is kept for [`Program::log`].
    pub fn start(path: impl AsRef<Path>, args: &[&str], envs: &[(&str, &str)]) -> Result<Self, ServerError> {
        let path = path.as_ref();
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let scratch = Scratch::new(&name)?;
        let mut command = Command::new(path);
        command.args(args).envs(envs.iter().copied());
        let process = Process::spawn(&name, &mut command, &scratch.path().join("log"))?;
        Ok(Self { process: Mutex::new(process), _scratch: scratch })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.lock().pid()
    }

    /// Send a signal by its short name: TERM, KILL, STOP, CONT.
    pub fn signal(&self, name: &str) -> Result<(), ServerError> {
        self.lock().signal(name)
    }

    /// How it ended, if it does within the limit.
    pub fn wait(&self, limit: Duration) -> Option<ExitStatus> {
        self.lock().wait(limit)
    }

    /// What it has printed.
    pub fn log(&self) -> String {
        self.lock().log()
    }

    /// Wait until a URL answers with a status below 300.
    pub fn wait_for_http(&self, url: &str, limit: Duration) -> Result<(), ServerError> {
        self.lock().wait_for_http(url, limit)
    }

    /// Wait until it has printed `line`.
    pub fn wait_for_line(&self, line: &str, limit: Duration) -> Result<(), ServerError> {
        self.lock().wait_for_line(line, limit)
    }

    fn lock(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[test]
    fn a_program_is_signalled_and_its_output_kept() {
        let script = "trap 'echo bye; exit 7' TERM; echo $WHAT; while :; do sleep 0.05; done";
        let program = Program::start("/bin/sh", &["-c", script], &[("WHAT", "hello")]).unwrap();
        program.wait_for_line("hello", LIMIT).unwrap();
        assert_eq!(program.wait(Duration::ZERO), None);
        program.signal("TERM").unwrap();
        assert_eq!(program.wait(LIMIT).and_then(|status| status.code()), Some(7));
        assert_eq!(program.log(), "hello\nbye\n");
    }

    #[test]
    fn a_missing_program_is_an_error_that_names_it() {
        let error = Program::start("/no/such/program", &["x"], &[]).unwrap_err();
        assert!(error.to_string().starts_with("cannot start /no/such/program: "), "{error}");
    }
}
