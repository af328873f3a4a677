//! What the tests of the architecture need to read the code: its modules, and the circles that they form.

pub mod circles;
