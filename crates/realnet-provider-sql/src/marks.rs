//! Marks: one bit for each of an item's indexed values, copied into all its rows of `keys`.
//!
//! A list that walks along the index of one field and filters by another would have to look each item up in the other
//! index. The marks tell most of those that do not match without leaving the row; the look-up still decides on the rest,
//! since several values share a bit.

use realnet_core::index::{KeyEntry, is_number_key};

use crate::field_id::field_id;

/// So many different bits: as many as SQLite stores in six bytes.
const BITS: u64 = 47;

/// The bit of a value; none for numbers, which change often and are seldom asked for one by one: each change of the marks
/// is a change of all rows.
///
/// Rows that are stored depend on this function, as do queries: it can only change together with all rows.
pub(crate) fn mark(field: i64, value: &[u8]) -> Option<i64> {
    if is_number_key(value) {
        return None;
    }
    // FNV-1a.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in field.to_be_bytes().iter().chain(value) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    // The low bits of the product are the weaker ones.
    Some(1 << ((hash >> 32) % BITS))
}

/// The marks of an item with these rows. Values that are unique together (`a+b`) are never asked for.
pub(crate) fn marks(keys: &[KeyEntry]) -> i64 {
    let fields = keys.iter().filter(|key| !key.field.name.contains('+'));
    fields.filter_map(|key| mark(field_id(&key.field), &key.value)).fold(0, |all, bit| all | bit)
}

#[cfg(test)]
mod tests {
    use realnet_core::Uuid;
    use realnet_core::index::sort_key;
    use realnet_core::model::FieldKind;
    use realnet_core::registry::FieldRef;
    use serde_json::json;

    use super::*;

    #[test]
    fn all_values_but_numbers_have_a_bit_and_bits_are_spread() {
        let field = FieldRef { declared_by: Uuid::from_u128(1), name: "state".into() };
        let bit = |text: &str| mark(field_id(&field), &sort_key(&json!(text), FieldKind::Enum));
        let bits: std::collections::BTreeSet<_> = (0..200).map(|n| bit(&n.to_string()).unwrap()).collect();
        assert!(bits.len() > 40, "{}", bits.len());
        assert!(bits.iter().all(|bit| bit.count_ones() == 1 && *bit < 1 << BITS));
        assert_eq!(mark(1, &sort_key(&json!(7), FieldKind::Integer)), None);
        assert_eq!(mark(1, &sort_key(&json!("7.5"), FieldKind::Decimal)), None);
        assert!(mark(1, &sort_key(&json!(true), FieldKind::Boolean)).is_some());
        let entry = |text: &str| KeyEntry {
            field: field.clone(),
            value: sort_key(&json!(text), FieldKind::Enum),
            unique: false,
        };
        assert_eq!(marks(&[entry("a"), entry("b")]), bit("a").unwrap() | bit("b").unwrap());
    }
}
