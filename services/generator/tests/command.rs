//! The command line: what is wrong is said at once, with exit code 64.

const SERVICE: &str = env!("CARGO_BIN_EXE_generator");

#[test]
fn says_all_that_is_missing_at_once() {
    fixtures::says_what_is_missing(SERVICE);
}

#[test]
fn explains_itself() {
    fixtures::explains_itself(SERVICE);
}
