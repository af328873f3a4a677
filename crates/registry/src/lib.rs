//! The schema registry: registered schemas, their ids, and what is compatible.
