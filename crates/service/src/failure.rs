//! How a process fails: a message for the person, and an exit code for the script.

use std::{
    fmt::{self, Display},
    io::Write,
    process::ExitCode,
};

/// Why a process ends with another code than 0.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// Exit code: something that ran went wrong.
    pub const RUN_TIME: u8 = 1;
    /// Exit code: the command line or a definition must be mended (EX_USAGE of sysexits.h).
    pub const CONFIGURATION: u8 = 64;

    /// Something that ran went wrong.
    pub fn run_time(error: impl Display) -> Self {
        Self { code: Self::RUN_TIME, message: error.to_string() }
    }

    /// The command line or a definition must be mended.
    pub fn configuration(error: impl Display) -> Self {
        Self { code: Self::CONFIGURATION, message: error.to_string() }
    }

    /// All of them as one, or none.
    ///
    /// # Errors
    /// Where there is any.
    pub fn all(failures: Vec<Failure>) -> Result<(), Failure> {
        let Some(code) = failures.iter().map(|failure| failure.code).max() else { return Ok(()) };
        let messages: Vec<String> = failures.into_iter().map(|failure| failure.message.trim_end().to_owned()).collect();
        Err(Self { code, message: messages.join("\n") })
    }

    /// What the process ends with.
    pub fn code(&self) -> u8 {
        self.code
    }

    /// Says why on standard error.
    pub fn report(&self) -> ExitCode {
        let message = self.message.trim_end();
        let prefix = if message.contains('\n') { "error:\n" } else { "error: " };
        // Where standard error is closed there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "{prefix}{message}");
        ExitCode::from(self.code)
    }
}

impl Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message.trim_end())
    }
}
