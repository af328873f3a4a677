//! What a runtime says of a stream that it runs or watches.

use live::Facts;

/// What a runtime says of a stream.
pub trait Watched: Send + Sync + 'static {
    /// What is known exactly now. It is asked twice a second and may not wait.
    fn facts(&self) -> Facts;

    /// What SQL over the stream asks.
    fn tables(&self) -> ask::Source;

    /// What has the results of windows: not every store has them.
    fn windows(&self) -> ask::Source {
        self.tables()
    }

    /// How the stream runs.
    fn mode(&self) -> Mode {
        Mode::OneProcess
    }

    /// How its dead letters are identified.
    fn dead_letters(&self) -> DeadLetterIds {
        DeadLetterIds { id: "CAST(position AS VARCHAR)".to_owned(), order: "position".to_owned() }
    }

    /// The bytes of a dead letter as text that a person can read, where they are an event in another form. It may wait.
    fn readable(&self, payload: &[u8]) -> Option<Vec<u8>> {
        let _ = payload;
        None
    }

    /// Makes sure that a repaired event, a JSON object, would come through the stages; else says why not.
    ///
    /// # Errors
    /// Why it would become a dead letter again.
    fn check_repaired(&self, event: &[u8]) -> Result<(), String>;

    /// Makes repaired events durable, one JSON object a line, so that they are put back once; gives a name for them.
    ///
    /// # Errors
    /// Why nothing was kept.
    fn put_back(&self, events: &[u8]) -> Result<String, String>;

    /// Whether the events of this name are still to be put back.
    fn is_waiting(&self, name: &str) -> bool;

    /// How the stream's results are asked on the command line: `--results FOLDER`.
    fn query_arguments(&self) -> String;
}

/// How a stream runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All stages in one process; what is put back waits for its next start.
    OneProcess,
    /// As services on Kafka; what is put back goes to the stream's topic at once.
    Kafka,
}

impl Mode {
    /// Its name in the API.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OneProcess => "one-process",
            Self::Kafka => "kafka",
        }
    }
}

/// How dead letters are identified, as SQL over the table `dead_letters`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterIds {
    /// A text that no two dead letters share.
    pub id: String,
    /// A whole number that grows from one dead letter to the next of a partition.
    pub order: String,
}
