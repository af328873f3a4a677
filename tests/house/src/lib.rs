//! Nothing but tests: they hold what `ARCHITECTURE.md` promises about the code itself.
