//! The short name of a field's index, as rows of `keys` carry it.

use std::cell::RefCell;

use realnet_core::registry::FieldRef;
use sha2::{Digest as _, Sha256};

/// So many ids each thread remembers: one list asks for the same few several times.
const KNOWN: usize = 64;

thread_local! {
    static KNOWN_IDS: RefCell<Vec<(FieldRef, i64)>> = const { RefCell::new(Vec::new()) };
}

/// The first eight bytes of a hash over declaring type and name: the same on every replica without a look-up.
///
/// Who wants two fields to meet in one id must try some 2^32 names, and gains nothing: rows are kept apart by org too.
pub(crate) fn field_id(field: &FieldRef) -> i64 {
    KNOWN_IDS.with_borrow_mut(|known| {
        if let Some((_, id)) = known.iter().find(|(other, _)| other == field) {
            return *id;
        }
        if known.len() >= KNOWN {
            known.clear();
        }
        let id = hash(field);
        known.push((field.clone(), id));
        id
    })
}

fn hash(field: &FieldRef) -> i64 {
    let digest =
        Sha256::new().chain_update(field.declared_by.as_bytes()).chain_update(&*field.name).finalize();
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(bytes)
}
