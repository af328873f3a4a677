//! What an answer can be that cannot be read.

/// Why an answer cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TopError {
    /// Not the text that Prometheus reads.
    #[error("line {line} is not a metric: {text}")]
    Exposition {
        /// Which line, from 1.
        line: usize,
        /// How it begins.
        text: String,
    },
    /// Not what the page's API answers.
    #[error("not the overview of a stream: {0}")]
    Overview(#[from] serde_json::Error),
    /// More than a service has.
    #[error("more than {0} metrics")]
    TooMany(usize),
}
