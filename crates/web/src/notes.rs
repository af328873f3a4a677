//! What people wrote, and which anomalies they have acknowledged.

use std::collections::HashMap;

use live::{Acknowledged, Anomaly, cells};
use serde::{Deserialize, Serialize};
use store::{NoteKind, NoteLog};
use utoipa::ToSchema;

use crate::NotKept;

/// Where notes are kept.
pub trait Notes: Send + Sync + 'static {
    /// All of them, oldest first.
    fn list(&self) -> Vec<store::Note>;

    /// Makes one durable, and gives it with its id.
    ///
    /// # Errors
    /// Where it could not be made durable.
    fn append(&self, note: store::Note) -> Result<store::Note, NotKept>;
}

impl Notes for NoteLog {
    fn list(&self) -> Vec<store::Note> {
        NoteLog::list(self)
    }

    fn append(&self, note: store::Note) -> Result<store::Note, NotKept> {
        NoteLog::append(self, note).map_err(|error| NotKept(error.to_string()))
    }
}

/// What somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct NoteView {
    /// Its number.
    pub(crate) id: String,
    pub(crate) kind: NoteKindView,
    /// Who wrote it, as they call themselves.
    pub(crate) author: String,
    /// What they were allowed to do.
    pub(crate) role: String,
    /// When, ISO 8601 in UTC.
    pub(crate) at: String,
    /// What they wrote.
    pub(crate) text: String,
    /// The ids of the anomalies that it is about.
    pub(crate) anomalies: Vec<String>,
    /// The dead letters that it is about: each `position` as the list of dead letters has it.
    pub(crate) dead_letters: Vec<String>,
}

/// What a note is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NoteKindView {
    /// Somebody has seen the anomalies.
    Acknowledgement,
    /// Something that the next shift should know.
    Note,
    /// Dead letters were repaired; only redriving writes such a note.
    Redrive,
}

impl From<NoteKindView> for NoteKind {
    fn from(kind: NoteKindView) -> Self {
        match kind {
            NoteKindView::Acknowledgement => Self::Acknowledgement,
            NoteKindView::Note => Self::Note,
            NoteKindView::Redrive => Self::Redrive,
        }
    }
}

impl From<&store::Note> for NoteView {
    fn from(note: &store::Note) -> Self {
        Self {
            id: note.id.clone(),
            kind: match note.kind {
                NoteKind::Acknowledgement => NoteKindView::Acknowledgement,
                NoteKind::Note => NoteKindView::Note,
                NoteKind::Redrive => NoteKindView::Redrive,
            },
            author: note.author.clone(),
            role: note.role.clone(),
            at: cells::iso(note.at),
            text: note.text.clone(),
            anomalies: note.anomalies.clone(),
            dead_letters: note.dead_letters.clone(),
        }
    }
}

/// Which anomalies are acknowledged, by whom: the first acknowledgement of each counts.
#[derive(Debug, Default)]
pub(crate) struct AcknowledgedIds(HashMap<String, Acknowledged>);

impl AcknowledgedIds {
    pub(crate) fn add(&mut self, note: &store::Note) {
        if note.kind != NoteKind::Acknowledgement {
            return;
        }
        let acknowledged =
            Acknowledged { author: note.author.clone(), at: cells::iso(note.at), text: note.text.clone() };
        for id in &note.anomalies {
            self.0.entry(id.clone()).or_insert_with(|| acknowledged.clone());
        }
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Says in each anomaly who acknowledged it.
    pub(crate) fn mark<'a>(&self, anomalies: impl IntoIterator<Item = &'a mut Anomaly>) {
        for anomaly in anomalies {
            anomaly.acknowledged = self.0.get(&anomaly.id).cloned();
        }
    }
}
