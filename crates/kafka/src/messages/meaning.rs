//! What the ids in messages mean, whatever the registry says by now.
//!
//! A message names its schema by a number of the registry. A registry that has lost its schemas knows none of the numbers, and
//! one that they were registered in again, in another order, has others for them: then a number that it knows may be that of
//! another schema, and events would be read wrongly without a word. So the first of the rows that are sent together says in a
//! header which schema it was written with, by a digest of that. That holds for its id until another message says
//! otherwise, and a step notes it with its offset.

use std::mem;

use rdkafka::message::{Header, Headers, Message, OwnedHeaders};

use crate::messages::{digest::LETTERS, framing::schema_id};

/// The header that says which schema a message was written with.
const HEADER: &str = "beamline-schema";
/// Ids of a partition whose meanings are remembered, the latest: a topic has one schema, and for a while two where the
/// definition has changed.
const IDS_MAX: usize = 4;

/// Headers of a message that says which schema it was written with.
pub(crate) fn tell(headers: Option<OwnedHeaders>, digest: &str) -> OwnedHeaders {
    let headers = headers.unwrap_or_else(|| OwnedHeaders::new_with_capacity(1));
    headers.insert(Header { key: HEADER, value: Some(digest) })
}

/// The id of a message that says what it means, and that.
fn told<M: Message>(message: &M) -> Option<(u32, &str)> {
    let headers = message.headers()?;
    let value = headers.iter().find(|header| header.key == HEADER)?.value?;
    let digest = str::from_utf8(value).ok().filter(|digest| {
        digest.len() == LETTERS && digest.bytes().all(|letter| matches!(letter, b'0'..=b'9' | b'a'..=b'f'))
    })?;
    Some((schema_id(message.payload()?)?, digest))
}

/// What ids mean in a partition, as its messages have said so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Meanings(Vec<(u32, String)>);

impl Meanings {
    /// Those that were noted.
    pub(crate) fn noted(meanings: Vec<(u32, String)>) -> Self {
        Self(meanings)
    }

    /// What to note.
    pub(crate) fn to_note(&self) -> Vec<(u32, String)> {
        self.0.clone()
    }

    /// Takes note of what messages say, which come behind those seen before, up to the first by which an id has another meaning
    /// than until then: gives how many those are, one at least where there is any.
    pub(crate) fn see<M: Message>(&mut self, messages: &[&M]) -> usize {
        for (index, message) in messages.iter().enumerate() {
            let Some((id, digest)) = told(*message) else { continue };
            match self.0.iter_mut().find(|(known, _)| *known == id) {
                Some((_, meaning)) if meaning == digest => {}
                Some(_) if index > 0 => return index,
                Some((_, meaning)) => drop(mem::replace(meaning, digest.to_owned())),
                None => {
                    let surplus = (self.0.len() + 1).saturating_sub(IDS_MAX);
                    self.0.drain(..surplus);
                    self.0.push((id, digest.to_owned()));
                }
            }
        }
        messages.len()
    }

    /// The ids, and what each means.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        self.0.iter().map(|(id, digest)| (*id, digest.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::{Timestamp, message::OwnedMessage};

    use super::*;

    fn message(id: u32, digest: Option<&str>) -> OwnedMessage {
        let payload = [&[0], &id.to_be_bytes()[..], b"row"].concat();
        let headers = digest.map(|digest| tell(None, digest));
        OwnedMessage::new(Some(payload), None, "events".into(), Timestamp::CreateTime(0), 0, 0, headers)
    }

    fn see(meanings: &mut Meanings, messages: &[OwnedMessage]) -> usize {
        meanings.see(&messages.iter().collect::<Vec<_>>())
    }

    #[test]
    fn an_id_means_what_was_said_until_something_else_is() {
        let (old, new) = ("0123456789abcdef", "fedcba9876543210");
        let mut meanings = Meanings::default();
        let messages = [message(2, None), message(2, Some(old)), message(2, None), message(2, Some(new))];
        assert_eq!(see(&mut meanings, &messages), 3, "up to the first that means something else");
        assert_eq!(meanings.iter().collect::<Vec<_>>(), [(2, old)]);
        assert_eq!(see(&mut meanings, &messages[3..]), 1);
        assert_eq!(meanings.iter().collect::<Vec<_>>(), [(2, new)]);
        assert_eq!(Meanings::noted(meanings.to_note()), meanings);
    }

    #[test]
    fn what_says_nothing_that_is_ours_is_passed_over_and_few_ids_are_remembered() {
        let mut meanings = Meanings::default();
        let odd = ["", "0123", "0123456789ABCDEF", "0123456789abcdeg"].map(|digest| message(1, Some(digest)));
        assert_eq!((see(&mut meanings, &odd), meanings.iter().count()), (4, 0));
        let many: Vec<OwnedMessage> = (0..9).map(|id| message(id, Some("0123456789abcdef"))).collect();
        assert_eq!(see(&mut meanings, &many), 9);
        assert_eq!(meanings.iter().map(|(id, _)| id).collect::<Vec<_>>(), [5, 6, 7, 8]);
    }
}
