//! What can end a run.

use std::path::PathBuf;

/// What can end a run. What was committed before stays, and the same command goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Two runs want the same results.
    #[error("{} is in use by another run; stop it first, or name another folder with --out", path.display())]
    InUse {
        /// The checkpoint.
        path: PathBuf,
    },
    /// The folder holds the results of something else.
    #[error("{} holds results of {found}, but this run is of {wanted}; name another folder with --out, or start over with --fresh", path.display())]
    OtherRun {
        /// The results folder.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What this run would put there.
        wanted: String,
    },
    /// There is no run whose results these are.
    #[error("there are no results of a run in {}; run the stream first, or name its results with --results", path.display())]
    NoRun {
        /// The results folder.
        path: PathBuf,
    },
    /// Events are to be put back into the results of something else.
    #[error("{} holds results of {found}, and these events are of {wanted}; name other results with --results", path.display())]
    OtherStream {
        /// The results folder.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What the events are of.
        wanted: String,
    },
    /// The same events were put back before.
    #[error("{name} was put back before, with the same {events} events; --again puts them in once more")]
    Repeated {
        /// What the events are called.
        name: String,
        /// How many they are.
        events: u64,
    },
    /// There are no events to put back.
    #[error("{name} has no events")]
    NothingToRedrive {
        /// What should have held them.
        name: String,
    },
    /// More events than can be put back at a time.
    #[error("{name} has more than {max} events; put them back in several files")]
    TooManyEvents {
        /// What the events are called.
        name: String,
        /// How many there may be.
        max: u64,
    },
    /// Repaired events that the stream still cannot take.
    #[error(
        "{bad} of the {events} events of {name} cannot be put back yet, so none was; mend these and try again\n{}{}",
        reasons.join("\n"),
        if *bad > reasons.len() as u64 { format!("\n  and {} more", bad - reasons.len() as u64) } else { String::new() }
    )]
    Refused {
        /// What the events are called.
        name: String,
        /// How many cannot be put back.
        bad: u64,
        /// How many there are.
        events: u64,
        /// Where the first of them stand, and what is wrong with each.
        reasons: Vec<String>,
    },
    /// The checkpoint cannot be read.
    #[error("the checkpoint is damaged: {what}; start over with --fresh")]
    Damaged {
        /// What cannot be read.
        what: String,
    },
    /// The checkpoint's database failed.
    #[error("checkpoint: {0}")]
    Checkpoint(#[source] Box<redb::Error>),
    /// No room is left for the checkpoint.
    #[error(
        "no space is left on the disk of the checkpoint; free some and start again, nothing that was committed is lost"
    )]
    DiskFull,
    /// The source failed.
    #[error(transparent)]
    Source(#[from] source::SourceError),
    /// A stage failed.
    #[error(transparent)]
    Stage(#[from] stage::StageError),
    /// The results could not be written.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// A batch that cannot be put together.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// A thread ended before its time.
    #[error("the {0} thread ended before its time, which is a defect; what was committed is safe")]
    Lost(&'static str),
}

impl LocalError {
    /// An error of the checkpoint's database.
    pub(crate) fn checkpoint(error: impl Into<redb::Error>) -> Self {
        match error.into() {
            redb::Error::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => Self::DiskFull,
            error => Self::Checkpoint(Box::new(error)),
        }
    }
}

macro_rules! from_redb {
    ($($error:ty),*) => {
        $(impl From<$error> for LocalError {
            fn from(error: $error) -> Self {
                LocalError::checkpoint(error)
            }
        })*
    };
}

from_redb!(redb::TransactionError, redb::TableError, redb::StorageError, redb::CommitError, redb::SetDurabilityError);
