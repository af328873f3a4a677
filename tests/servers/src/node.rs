//! One process of a server, to be hurt and mended by a test.

use std::{
    path::PathBuf,
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{ServerError, process::Process};

/// How long a server may take to get ready. Generous: the machine may be busy with other servers.
const START_LIMIT: Duration = Duration::from_secs(120);

/// How long a server may take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// How to start a server, time and again.
#[derive(Debug)]
pub(crate) struct Recipe {
    pub(crate) name: String,
    pub(crate) program: String,
    pub(crate) args: Vec<String>,
    pub(crate) envs: Vec<(String, String)>,
    pub(crate) log: PathBuf,
    /// All of these, one after the other.
    pub(crate) ready: Vec<Ready>,
}

/// When a server is ready.
#[derive(Debug)]
pub(crate) enum Ready {
    /// When its log says so.
    Line(&'static str),
    /// When this URL answers.
    Http(String),
    /// When this port accepts connections.
    Port(u16),
}

/// One process of a server. All its methods may be called from any thread.
#[derive(Debug)]
pub struct Node {
    recipe: Recipe,
    process: Mutex<Option<Process>>,
}

impl Node {
    pub(crate) fn new(recipe: Recipe) -> Self {
        Self { recipe, process: Mutex::new(None) }
    }

    /// Start it, with the data it had, and wait until it is ready. A running one stays as it is.
    pub fn start(&self) -> Result<(), ServerError> {
        self.launch()?;
        self.await_ready()
    }

    /// Start it and do not wait: several that need each other have to start together.
    pub(crate) fn launch(&self) -> Result<(), ServerError> {
        let mut process = self.lock();
        if let Some(running) = process.as_mut()
            && running.wait(Duration::ZERO).is_none()
        {
            return Ok(());
        }
        let mut command = Command::new(&self.recipe.program);
        command.args(&self.recipe.args).envs(self.recipe.envs.iter().map(|(name, value)| (name, value)));
        *process = Some(Process::spawn(&self.recipe.name, &mut command, &self.recipe.log)?);
        Ok(())
    }

    pub(crate) fn await_ready(&self) -> Result<(), ServerError> {
        let mut process = self.lock();
        let process = process.as_mut().ok_or_else(|| self.not_running())?;
        self.recipe.ready.iter().try_for_each(|ready| match ready {
            Ready::Line(line) => process.wait_for_line(line, START_LIMIT),
            Ready::Http(url) => process.wait_for_http(url, START_LIMIT),
            Ready::Port(port) => process.wait_for_port(*port, START_LIMIT),
        })
    }

    /// End it at once, as a crash does (SIGKILL).
    pub fn kill(&self) {
        // Dropping a process kills it.
        *self.lock() = None;
    }

    /// End it in an orderly way (SIGTERM), and wait for it.
    pub fn stop(&self) -> Result<(), ServerError> {
        let mut slot = self.lock();
        let process = slot.as_mut().ok_or_else(|| self.not_running())?;
        process.signal("TERM")?;
        if process.wait(STOP_LIMIT).is_none() {
            return Err(process.slow("stopped", STOP_LIMIT));
        }
        *slot = None;
        Ok(())
    }

    /// Kill it and start it again with the data it had.
    pub fn restart(&self) -> Result<(), ServerError> {
        self.kill();
        self.start()
    }

    /// Let it hang: its connections stay, and nothing is answered (SIGSTOP).
    pub fn pause(&self) -> Result<(), ServerError> {
        self.signal("STOP")
    }

    /// Let it go on after [`Node::pause`] (SIGCONT).
    pub fn resume(&self) -> Result<(), ServerError> {
        self.signal("CONT")
    }

    /// Its process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.lock().as_ref().map(Process::pid)
    }

    /// What it has printed since its last start.
    pub fn log(&self) -> String {
        self.lock().as_ref().map(Process::log).unwrap_or_default()
    }

    /// Make sure that it has not ended on its own.
    pub fn check(&self) -> Result<(), ServerError> {
        self.lock().as_mut().ok_or_else(|| self.not_running())?.check()
    }

    fn signal(&self, name: &str) -> Result<(), ServerError> {
        self.lock().as_ref().ok_or_else(|| self.not_running())?.signal(name)
    }

    fn not_running(&self) -> ServerError {
        ServerError::NotRunning { name: self.recipe.name.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Process>> {
        // A test that panicked while it held the lock leaves a process that can still be stopped.
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
