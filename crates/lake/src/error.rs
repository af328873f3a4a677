//! What can go wrong with a lake.

/// What can go wrong with a lake.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// An address that cannot be used.
    #[error("{url:?} cannot be used as a lake: {message}")]
    Location {
        /// The address.
        url: String,
        /// Why, and what to write.
        message: String,
    },
    /// There is no lake.
    #[error("there is no lake in {path}: nothing of a stream has been written there")]
    Missing {
        /// The folder.
        path: String,
    },
    /// The object store.
    #[error("{context}: {source}")]
    Store {
        /// What was to be done.
        context: String,
        /// What the store says.
        source: object_store::Error,
    },
    /// A Delta table.
    #[error("{context}: {message}")]
    Delta {
        /// What was to be done.
        context: String,
        /// What is wrong.
        message: String,
        /// Whether the same may succeed later.
        temporary: bool,
    },
    /// Too many writers of one lake at once.
    #[error(
        "others were first with each of {attempts} commits; run fewer writers, or let each hold its rows for longer"
    )]
    Busy {
        /// How many commits were tried.
        attempts: usize,
    },
    /// Rows that do not fit the table, or a file that does not.
    #[error("{table}: {message}")]
    Rows {
        /// The table or file.
        table: String,
        /// Why.
        message: String,
    },
    /// The threads of the object store's client cannot be started.
    #[error("cannot start the threads of the object store's client: {0}")]
    Threads(#[source] std::io::Error),
}

impl LakeError {
    /// Whether the same again may succeed later.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Store { source, .. } => matches!(source, object_store::Error::Generic { .. }),
            Self::Delta { temporary, .. } => *temporary,
            Self::Busy { .. } => true,
            _ => false,
        }
    }

    pub(crate) fn store(context: impl Into<String>) -> impl FnOnce(object_store::Error) -> Self {
        let context = context.into();
        move |source| Self::Store { context, source }
    }

    pub(crate) fn rows(table: impl Into<String>, error: impl ToString) -> Self {
        Self::Rows { table: table.into(), message: error.to_string() }
    }
}
