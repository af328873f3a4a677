//! What a store is to whoever fills it: the tables, batches with their positions, and the trait [`Sink`].
//!
//! Pure. The side that reads (Kafka, a file, a test) and the side that stores (CQL, Parquet, Delta Lake) know each
//! other by these types alone.

mod batch;
mod error;
mod positions;
mod probe;
mod stored_probe;
mod table;

pub use self::{
    batch::Batch, error::SinkError, positions::Positions, probe::Probe, stored_probe::StoredProbe, table::Table,
};

/// A partition of a topic: its topic and number.
pub type TopicPartition = (String, u32);

/// A store that is filled batch by batch.
///
/// The interface blocks: whoever reads does so on a thread of its own. A sink that needs an asynchronous runtime
/// brings it along.
pub trait Sink: Send {
    /// Where reading goes on, as the store has it at this moment. Every sink keeps its positions together with its rows,
    /// so that a reader whose consumer group knows nothing any more loses its place in no store.
    ///
    /// # Errors
    /// Where the store cannot be asked.
    fn positions(&mut self) -> Result<Positions, SinkError>;

    /// Stores rows, and with them the position behind each batch and the newest probe of each partition; comes back when both are durable as the store
    /// understands it. The same rows once more, in any cut and by any writer, change nothing, so that after an error
    /// everything since the last success is written again, and a writer that was taken over from can do no harm.
    ///
    /// # Errors
    /// [`SinkError::is_temporary`] tells whether the same write may succeed later.
    fn write(&mut self, batches: Vec<Batch>) -> Result<(), SinkError>;

    /// Makes sure, before there are rows, that the store answers and has what they are written into. A store that makes
    /// that itself has nothing to do here.
    ///
    /// # Errors
    /// As `write`.
    fn reach(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// What the sink is called in logs and metrics.
    fn name(&self) -> &str;
}
