//! Items that say who may do what: accounts, roles, ways to sign in and the like. An export may come from somebody else, so they are
//! imported only by who names their types, and told apart from all others.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::cli::Failure;
use crate::exchange::catalog::DIRECTORY;
use crate::exchange::document::attributes;
use crate::exchange::report::NAMED;
use crate::exchange::scan::Listing;
use crate::exchange::types::Types;

/// Whether items of a type say who may do what.
pub(super) fn is_directory(types: &Types, type_name: &str) -> bool {
    types.chain(type_name).iter().any(|name| DIRECTORY.contains(&name.as_str()))
}

/// Refuses such items, unless their types or bases of these are named.
pub(super) fn check(listing: &Listing, types: &Types, named: &[String]) -> Result<(), Failure> {
    let mut found: BTreeMap<&str, (u64, String)> = BTreeMap::new();
    for entry in &listing.entries {
        if let Some((count, _)) = found.get_mut(&*entry.type_name) {
            *count += 1;
        } else if is_directory(types, &entry.type_name) {
            let chain = types.chain(&entry.type_name);
            if !named.iter().any(|name| chain.contains(&name.to_lowercase())) {
                found.insert(&*entry.type_name, (1, entry.path()));
            }
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    let told: Vec<String> = found
        .iter()
        .take(NAMED)
        .map(|(name, (count, path))| format!("{count} of {name}, such as {path}"))
        .collect();
    let flags: Vec<String> = found.keys().map(|name| format!("--with {}", name.to_lowercase())).collect();
    Err(format!(
        "{}: nothing was imported: it holds what says who may do what here:\n  {}\n  who trusts where it comes from imports that as well, by {}",
        listing.root.display(),
        told.join("\n  "),
        flags.join(" ")
    )
    .into())
}

/// What such an item is called when they are counted.
pub(super) fn words(type_name: &str, document: &Map<String, Value>) -> String {
    match attributes(document).and_then(|own| own.get("role")?.as_str()) {
        // Another one is the id of a role.
        Some(role) if !role.contains('-') => format!("{type_name} with the role {}", role.escape_debug()),
        _ => type_name.to_owned(),
    }
}
