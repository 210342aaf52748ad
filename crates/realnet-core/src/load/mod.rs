//! Loading documents of types and items, and planning what they change.
//!
//! A document is read ([`parse_json`], or [`Document::from_value`] for other formats), what it touches is looked up
//! ([`needs`]), and [`plan`] makes one change set of it: a three-way merge of what was applied last time, what is
//! stored and what the documents say. Nothing here does I/O.

mod document;
mod drift;
mod flat;
mod gather;
mod hidden;
mod items;
mod leftovers;
mod mask;
mod merge;
mod needs;
mod nodes;
mod parse_items;
mod parse_types;
mod place;
mod plan;
mod position;
mod references;
mod resolve;
mod template;
mod topology;
mod types;
mod typos;

pub use document::{Document, Layer, parse_json};
pub use drift::{Drift, drift};
pub use parse_types::TYPE_KEYS;
pub use plan::{Action, FieldChange, Needs, Options, Plan, PlanEntry, State, Target, needs, plan};
pub use template::OrgTemplate;
pub use types::definitions;
pub use typos::misspelt;

#[cfg(test)]
mod hidden_tests;
#[cfg(test)]
mod mistake_tests;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
