//! How a call of a producer, a member or a reader goes wrong.

use fixtures::Random;

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The producer's queue is full for a moment.
    QueueFull,
    /// The client takes no record, since the transaction cannot be committed any more.
    SendRefused,
    /// Acknowledgements do not come.
    Unacknowledged,
    /// The group's coordinator does not take the offsets.
    OffsetsRefused,
    /// It does not answer; it may have taken them.
    OffsetsUnknown { taken: bool },
    /// The transaction cannot be committed.
    EndRefused,
    /// Nobody knows whether it was committed: it was, it was not, or it will be.
    EndUnknown(Fate),
    /// The end of an abort is not heard of; it may have come about.
    AbortUnknown { done: bool },
    /// The cluster does not answer a question.
    Unanswered,
    /// The right to read the input is taken away for a moment, which the client says once.
    ReadingDenied,
    /// The client cannot read for a moment, and goes on by itself.
    ReadingFails,
}

/// What became of a commit that nobody has heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Done,
    Lost,
    Late(u64),
}

impl Trouble {
    /// One that is drawn.
    pub(crate) fn drawn(random: &mut Random) -> Self {
        match random.below(14) {
            0 => Trouble::QueueFull,
            10..=11 => Trouble::SendRefused,
            1 => Trouble::Unacknowledged,
            2 => Trouble::OffsetsRefused,
            3 => Trouble::OffsetsUnknown { taken: random.one_in(2) },
            4 => Trouble::EndRefused,
            5 => Trouble::EndUnknown(Fate::Done),
            6 => Trouble::EndUnknown(Fate::Lost),
            7 => Trouble::EndUnknown(Fate::Late(random.below(8_000_000))),
            12 => Trouble::ReadingDenied,
            13 => Trouble::ReadingFails,
            8 => Trouble::AbortUnknown { done: random.one_in(2) },
            _ => Trouble::Unanswered,
        }
    }
}
