//! The advisory locks of a database: names for what only one may do at a time.
//!
//! They are numbers; ours begin with the letters of the project so that they meet no others.

const BASE: i64 = 0x7265_616c_6e65_7400;

/// Changing the schema.
pub(super) const MIGRATION: i64 = BASE + 1;
/// Shared by writers, exclusive for who changes types; `check_types` of the schema takes it too.
pub(super) const TYPES: i64 = BASE + 2;
/// Giving revisions to changes.
pub(super) const SEQUENCER: i64 = BASE + 3;
/// Moving an item below another parent.
pub(super) const MOVES: i64 = BASE + 4;
