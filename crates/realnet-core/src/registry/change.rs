//! What a change of types may not do: take the name of a fixed route; an org takes no name that the system has, and does not
//! grow beyond its bounds; no field shows what a protected one of its name has left in items.
//!
//! Looked at where types change, not where they are loaded. An upgrade may bring a type whose name an org has given to one of
//! its own before: that org's type keeps the name within the org, with its items, its endpoint and all that refers to it,
//! and hides the new one there until it is deleted. So no org can stand in the way of an upgrade.

use super::problems::Problems;
use super::{TypeInfo, TypeRegistry};
use crate::error::Result;

/// What the API has at its root besides endpoints and names of types. Such a call wins over a type, which could not be reached
/// under that name.
pub const FIXED_ROUTES: [&str; 12] = [
    "apply",
    "audit",
    "auth",
    "batch",
    "drift",
    "explain",
    "info",
    "keys",
    "openapi.json",
    "plan",
    "types",
    "uploads",
];

impl TypeRegistry {
    /// Refuses a change from `previous` to these types for what types may not become.
    pub fn check_change(&self, previous: &Self) -> Result<()> {
        let mut problems = Problems::default();
        for info in &self.types {
            let before = previous.by_id(info.id());
            if before.is_none_or(|before| names(before) != names(info)) {
                check_route(info, &mut problems);
                if info.org().is_some() {
                    self.check_names(info, &mut problems);
                }
            }
        }
        self.check_retired(previous, &mut problems)?;
        problems.into_result()?;
        self.check_growth(previous)
    }

    /// The names of the system are taken: as names and as endpoints.
    fn check_names(&self, info: &TypeInfo, problems: &mut Problems) {
        let (name, endpoint) = names(info);
        if self.system(&name).is_some() {
            problems
                .of_type(info.name(), "has the name of a type of the system, which an org can not redefine");
        }
        for taken in std::iter::once(&name).chain(&endpoint) {
            if let Some(other) = self.by_endpoint.get(&(None, taken.clone())) {
                let other = self.types[*other].name();
                problems.of_type(
                    info.name(),
                    format!("would take the endpoint {taken} of the type {other} of the system"),
                );
            }
        }
        if let Some(other) = endpoint.as_ref().and_then(|endpoint| self.system(endpoint)) {
            let (endpoint, other) = (endpoint.unwrap_or_default(), other.name());
            problems.of_type(
                info.name(),
                format!("has the endpoint {endpoint}, which is the name of type {other} of the system"),
            );
        }
    }

    /// The orgs in which a type of their own hides the type of the system of this name.
    pub fn hidden_in(&self, name: &str) -> Vec<uuid::Uuid> {
        let name = name.to_lowercase();
        let orgs = self.layers.keys().filter_map(|layer| *layer);
        let mut orgs: Vec<uuid::Uuid> =
            orgs.filter(|org| self.by_name.contains_key(&(Some(*org), name.clone()))).collect();
        orgs.sort_unstable();
        orgs
    }
}

/// A type is reached by its endpoint, or else by its name: not by that of a call of the API.
fn check_route(info: &TypeInfo, problems: &mut Problems) {
    let (name, endpoint) = names(info);
    let (reached, what) = match &endpoint {
        Some(endpoint) => (endpoint, "has the endpoint"),
        None => (&name, "would be reached at"),
    };
    if FIXED_ROUTES.contains(&reached.as_str()) {
        let detail = format!("{what} {reached}, which is a call of the API: give it another endpoint");
        problems.of_type(info.name(), detail);
    }
}

/// Name and endpoint, in lower case.
fn names(info: &TypeInfo) -> (String, Option<String>) {
    let endpoint = info.definition().attributes.get("endpoint").and_then(|value| value.as_str());
    (info.name().to_lowercase(), endpoint.map(str::to_lowercase))
}
