//! Secrets of a load: what is compared and recorded of them is a mark, a digest under the store's own key and who gave it.
//!
//! A digest, and not the sealed value: two values are equal if their digests are, without anything being opened, and records
//! stay as they are when the operator's keys change. Under a key of the store, kept sealed: who has the records alone can not
//! try values against them. With who gave it: a plan confirms a secret only to whoever wrote it.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::flat::Flat;
use super::plan::applied;
use crate::acl::Caller;
use crate::change::SourceRecord;
use crate::registry::TypeInfo;
use crate::secret::Secrets;

/// The digest in what stands for a secret.
const SECRET: &str = "$secret";
/// The account that gave it; null for the system.
const BY: &str = "by";
/// Before the digests that have a key.
const KEYED: &str = "k:";

/// Replaces every secret of a document about an item by what stands for it, given by `caller`.
pub(super) fn masked(flat: &Flat, info: &TypeInfo, item: Uuid, secrets: &Secrets, caller: &Caller) -> Flat {
    let mut masked = flat.clone();
    for (path, plain) in plain_secrets(flat, info, item, secrets) {
        let digest = plain.map(|plain| keyed(&plain, secrets));
        masked.insert(path, mark(digest.as_deref(), caller));
    }
    masked
}

/// What was recorded. Marks of before they said who gave them, or had a key, are the system's if its document, `said`, has the
/// same value: an upgrade then finds nothing to change. Nobody else is told that they are equal.
pub(super) fn recorded(
    record: &SourceRecord,
    said: &Flat,
    info: &TypeInfo,
    item: Uuid,
    secrets: &Secrets,
    caller: &Caller,
) -> Flat {
    let mut applied = applied(record);
    if caller.account.is_some() {
        return applied;
    }
    for (path, plain) in plain_secrets(said, info, item, secrets) {
        if let (Some(known), Some(plain)) = (applied.get_mut(&path), plain) {
            let digest = keyed(&plain, secrets);
            if *known == json!({SECRET: digest}) || *known == json!({SECRET: keyless(&plain)}) {
                *known = mark(Some(&digest), caller);
            }
        }
    }
    applied
}

/// Whether this is the mark of a secret that `caller` gave.
pub(super) fn is_marked_by(value: &Value, caller: &Caller) -> bool {
    value.get(SECRET).is_some() && value.get(BY) == Some(&json!(caller.account))
}

fn mark(digest: Option<&str>, caller: &Caller) -> Value {
    json!({SECRET: digest, BY: caller.account})
}

/// The paths of secrets, each with its value unless that can not be opened.
fn plain_secrets(
    flat: &Flat,
    info: &TypeInfo,
    item: Uuid,
    secrets: &Secrets,
) -> Vec<(String, Option<Value>)> {
    let found = info.secrets().filter_map(|field| {
        let name = &field.field.name;
        let path = format!("attributes/{name}");
        let plain = secrets.open_value(item, name, flat.get(&path)?).ok();
        Some((path, plain))
    });
    found.collect()
}

fn keyed(plain: &Value, secrets: &Secrets) -> String {
    let digest = secrets.digest("applied", plain.to_string().as_bytes());
    format!("{KEYED}{}", hexadecimal(&digest))
}

/// The digest of versions that had no key.
fn keyless(plain: &Value) -> String {
    hexadecimal(&Sha256::digest(plain.to_string().as_bytes()))
}

/// The first 128 bits, which are enough to tell values apart.
fn hexadecimal(digest: &[u8]) -> String {
    let number = digest.iter().take(16).fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
    format!("{number:032x}")
}
