//! Bad input of every kind, given to the program as a person or a script would: what it says, how it ends, what becomes
//! of the bad rows, and that the good ones around them are kept.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod cells;
mod containers;
mod damage;
mod definitions;
mod folders;
mod http;
mod place;
mod stdin;
