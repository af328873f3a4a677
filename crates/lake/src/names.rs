//! What files are called: `TOPIC-PARTITION-POSITION-ATTEMPT.parquet`, or `.orc`, by the hour of their rows.
//!
//! The first version had no attempt, and a repeat replaced a file by its name. Topic, partition and the first position
//! are there for people; the log alone says what is stored.

use sink::Batch;

use crate::{Format, LakeError};

/// Random bytes of an attempt's name.
const BYTES: usize = 8;

/// A name for an attempt, which no other has.
pub(crate) fn attempt() -> Result<String, LakeError> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| LakeError::rows("attempt", error))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The path in the lake of the rows that one attempt has of a batch and an hour.
pub(crate) fn file(batch: &Batch, hour: Option<&str>, attempt: &str, format: Format) -> String {
    let (table, first) = (batch.table, batch.first());
    let name = format!("{}-{:05}-{first:020}-{attempt}.{}", batch.topic, batch.partition, format.name());
    match hour {
        Some(hour) => format!("{table}/hour={hour}/{name}"),
        None => format!("{table}/{name}"),
    }
}

/// The path in the lake of a file that others were merged into.
pub(crate) fn merged(folder: &str, number: usize, attempt: &str, format: Format) -> String {
    format!("{folder}/merged-{number:05}-{attempt}.{}", format.name())
}

/// A file's name without its ending, where it is one with rows.
pub(crate) fn stem(file: &str) -> Option<&str> {
    Format::ALL.iter().find_map(|format| file.strip_suffix(format.ending()))
}

/// The attempt in a file's name.
pub(crate) fn attempt_of(file: &str) -> Option<&str> {
    let (_, attempt) = stem(file)?.rsplit_once('-')?;
    (attempt.len() == 2 * BYTES).then_some(attempt)
}

/// Topic, partition and first position of a file of the first version; `None` for any other.
pub(crate) fn earlier(file: &str) -> Option<(String, u32, u64)> {
    let name = file.rsplit('/').next()?.strip_suffix(Format::Parquet.ending())?;
    let (rest, position) = name.rsplit_once('-')?;
    let (topic, partition) = rest.rsplit_once('-')?;
    let number = |text: &str, width: usize| -> Option<u64> {
        let digits = text.len() >= width && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok())?
    };
    Some((topic.to_owned(), u32::try_from(number(partition, 5)?).ok()?, number(position, 20)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_each_version_are_told_apart() {
        let old = "processed_data/hour=2025-01-31T13/my-stream.scored-00003-00000000000000000120.parquet";
        assert_eq!(earlier(old), Some(("my-stream.scored".to_owned(), 3, 120)));
        let id = attempt().unwrap();
        let new = format!("late/my-stream.late-00003-00000000000000000120-{id}.parquet");
        assert_eq!((earlier(&new), attempt_of(&new)), (None, Some(id.as_str())));
        assert_eq!((earlier(&merged("late", 7, &id, Format::Parquet)), attempt_of(old)), (None, None));
        assert_eq!(attempt_of(&merged("late", 7, &id, Format::Orc)), Some(id.as_str()));
        assert_eq!(stem("late/x.parquet.tmp.1"), None);
        assert_ne!(attempt().unwrap(), id);
    }
}
