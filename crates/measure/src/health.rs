//! What a running part says of its health.

/// What a running part says of its health; whoever runs it decides what to make of that.
pub trait Health: Send + Sync {
    /// The part's loop has gone round. A part that has ever said so must go on saying so.
    fn beat(&self, part: &str);

    /// The part has ended as it should; no further beat is to be expected.
    fn done(&self, part: &str);

    /// The part can, or cannot, do its work now. A part counts from its first word on.
    fn ready(&self, part: &str, is: bool);

    /// The part cannot do its work now, and why: a sentence for whoever looks after it.
    fn unready(&self, part: &str, reason: &str) {
        let _ = reason;
        self.ready(part, false);
    }
}

/// Nobody listens.
impl Health for () {
    fn beat(&self, _part: &str) {}

    fn done(&self, _part: &str) {}

    fn ready(&self, _part: &str, _is: bool) {}
}
