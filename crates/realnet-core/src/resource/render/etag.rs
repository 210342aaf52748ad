//! Entity tags: the version of an item, and a hash of all else that its representation depends on.

use crate::change::Version;
use crate::clock::Timestamp;
use crate::model::Item;
use crate::resource::{Projection, Rendered};

impl Rendered<Item> {
    /// The strong entity tag of this representation, with quotes: `"VERSION-HASH-CREATED"`. The hash covers the registry's revision
    /// (effective attributes), the projection, expanded items and the fields that this caller is not shown. The moment of creation is
    /// there because an id may come back after a deletion; it stands apart, as whoever reads the item is told it anyway.
    pub fn etag(&self) -> String {
        let mut hash = Fnv::new();
        hash.add(&self.registry.revision().to_le_bytes());
        if *self.projection != Projection::default() {
            hash.add(format!("{:?}", self.projection).as_bytes());
        }
        if !self.expanded.is_empty() {
            let mut expanded: Vec<_> = self.expanded.values().map(|item| (item.id, item.version)).collect();
            expanded.sort_unstable();
            for (id, version) in expanded {
                hash.add(id.as_bytes());
                hash.add(&version.to_le_bytes());
            }
        }
        let info = self.registry.by_id(self.value.type_id);
        for name in info.into_iter().flat_map(|info| info.hidden_from(&self.caller)) {
            hash.add(name.as_bytes());
        }
        format!("\"{}-{:x}-{:x}\"", self.value.version, hash.0, self.value.created_at.as_micros())
    }
}

/// The version that an entity tag speaks of: `"3-1f-5a"`, `W/"3-1f-5a"`, `"3-1f"`, `"3"` or `3`. What was put behind it on the way
/// (as `-gzip`) counts for nothing.
pub fn version_of_etag(tag: &str) -> Option<Version> {
    let tag = tag.trim();
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    let tag = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(tag);
    let mut parts = tag.split('-');
    let number = parts.next()?.parse::<i64>().ok().filter(|number| *number > 0)?;
    // Moments before 1970 are written as the bits that they have.
    let created_at = parts.nth(1).and_then(|created| u64::from_str_radix(created, 16).ok());
    Some(Version {
        number,
        created_at: created_at.map(|micros| Timestamp::from_micros(micros.cast_signed())),
    })
}

/// FNV-1a: the same on every replica and in every release.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_tags() {
        for (tag, number, created) in [
            ("\"3-1f\"", 3, None),
            ("\"3-1f-5a\"", 3, Some(0x5a)),
            ("\"3-1f-fffffffffffffffe\"", 3, Some(-2)),
            ("W/\"3-1f-5a-gzip\"", 3, Some(0x5a)),
            ("\"3-1f-gzip\"", 3, None),
            ("W/\"12-ab\"", 12, None),
            ("\"7\"", 7, None),
            (" 9 ", 9, None),
        ] {
            let expected = Version { number, created_at: created.map(Timestamp::from_micros) };
            assert_eq!(version_of_etag(tag), Some(expected), "{tag}");
        }
        for bad in ["", "*", "\"x-1\"", "\"-1\"", "0", "\"3", "3.5"] {
            assert_eq!(version_of_etag(bad), None, "{bad}");
        }
    }
}
