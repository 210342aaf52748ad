//! How large an item is: what bounds pages and the memory of lists.

use super::{Item, Location};

/// What an item takes beside its texts, about.
const BASE: usize = 512;
/// A position as text, about.
const POSITION: usize = 32;

impl Item {
    /// What a grant takes, about.
    pub(crate) const GRANT_SIZE: usize = 128;

    /// About how many bytes the item takes, as text or in memory.
    pub fn size(&self) -> usize {
        let location = match &self.location {
            None => 0,
            Some(Location::Point(_)) => POSITION,
            Some(Location::Polygon(rings)) => rings.iter().map(Vec::len).sum::<usize>() * POSITION,
        };
        let tags: usize = self.tags.iter().map(String::len).sum();
        let grants = (self.grants.len() + self.inherited.len()) * Self::GRANT_SIZE;
        BASE + self.name.len() + self.attributes.size() + tags + location + grants
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn what_can_be_large_counts() {
        let at = Timestamp::from_micros(0);
        let id = Uuid::nil();
        let read = |attributes, location| -> Item {
            serde_json::from_value(json!({
                "id": id, "type_id": id, "type": "Note", "name": "n", "attributes": attributes, "tags": [],
                "visibility": "visible", "location": location, "org": id, "public": false, "version": 1,
                "created_at": at, "updated_at": at,
            }))
            .unwrap()
        };
        let small = read(json!({}), json!(null)).size();
        assert!(read(json!({"text": "x".repeat(10_000)}), json!(null)).size() > small + 10_000);
        let ring = vec![[1.5, 2.5]; 1_000];
        assert!(read(json!({}), json!({"type": "Polygon", "coordinates": [ring]})).size() > small + 10_000);
    }
}
