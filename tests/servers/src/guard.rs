//! Ends what must not outlive this process.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use crate::ServerError;

/// A shell that waits for this process to end, however it ends, and then runs a script.
///
/// It waits at a pipe that only this process holds open. Dropping the guard lets it go without running the script.
#[derive(Debug)]
pub(crate) struct Guard {
    shell: Child,
}

impl Guard {
    /// Run `script` with `argument` as `$1` when this process is gone.
    pub(crate) fn new(script: &str, argument: &str) -> Result<Self, ServerError> {
        let shell = Command::new("sh")
            .args(["-c", &format!("read -r line || {{ {script}; }}"), "guard", argument])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A Ctrl-C in the terminal must not end the guard before its work is done.
            .process_group(0)
            .spawn()
            .map_err(|source| ServerError::Start { program: "sh".to_owned(), source })?;
        Ok(Self { shell })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(mut stdin) = self.shell.stdin.take() {
            // A guard that is already gone needs no word.
            let _ = stdin.write_all(b"done\n");
        }
        let _ = self.shell.wait();
    }
}
