//! Definitions that are wrong, each with everything that is said about it.

use insta::assert_snapshot;

use crate::fixture::{Files, GOOD, errors, with};

#[test]
fn placeholder() {
    assert_snapshot!(errors(&with("rate: 1e3", "rte: 1e3")), @"");
    let _ = (Files::new(), GOOD);
}
