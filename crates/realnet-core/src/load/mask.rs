//! Secrets of a load: what is compared, recorded and shown of them is a digest under the store's own key.
//!
//! A digest, and not the sealed value: two values are equal if their digests are, without anything being opened, records
//! stay as they are when the operator's keys change, and plans can show that a secret differs. Under a key of the store,
//! kept sealed: who has the records alone can not try values against them.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::flat::Flat;
use super::plan::applied;
use crate::change::SourceRecord;
use crate::registry::TypeInfo;
use crate::secret::Secrets;

/// The only key of what stands for a secret.
const SECRET: &str = "$secret";
/// Before the digests that have a key.
const KEYED: &str = "k:";

/// Replaces every secret of an item, or of a document about it, by what stands for it.
pub(super) fn masked(flat: &Flat, info: &TypeInfo, item: Uuid, secrets: &Secrets) -> Flat {
    let mut masked = flat.clone();
    for (path, plain) in plain_secrets(flat, info, item, secrets) {
        let digest = plain.map(|plain| keyed(&plain, secrets));
        masked.insert(path, json!({SECRET: digest}));
    }
    masked
}

/// What was recorded, with digests of before there was a key replaced where `now`, stored or in a document, tells of what.
pub(super) fn recorded(
    record: &SourceRecord,
    now: &Flat,
    info: &TypeInfo,
    item: Uuid,
    secrets: &Secrets,
) -> Flat {
    let mut applied = applied(record);
    for (path, plain) in plain_secrets(now, info, item, secrets) {
        if let (Some(known), Some(plain)) = (applied.get_mut(&path), plain)
            && *known == json!({SECRET: keyless(&plain)})
        {
            *known = json!({SECRET: keyed(&plain, secrets)});
        }
    }
    applied
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
