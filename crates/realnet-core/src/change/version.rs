//! The version of an item that somebody has seen, and wants to change no other one. It is looked at inside the transaction.

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::model::Item;

/// A version of an item. An id may come back after a deletion, and its versions begin anew then: whoever knows when the item was made
/// means that one alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// The number, from 1 on.
    pub number: i64,
    /// When the item was made, where that is known.
    pub created_at: Option<Timestamp>,
}

impl Version {
    /// That of an item as it was seen.
    pub fn of(item: &Item) -> Self {
        Self { number: item.version, created_at: Some(item.created_at) }
    }

    /// Whether an item that is at `present` is the one that is meant, as far as that is known.
    pub fn is_met_by(self, present: Self) -> bool {
        let is_same_life = match (self.created_at, present.created_at) {
            (Some(meant), Some(found)) => meant == found,
            _ => true,
        };
        self.number == present.number && is_same_life
    }

    /// Refuses an item that is at another version. `raised`: by so much the change set at hand has raised it itself.
    pub(crate) fn check(self, item: &Item, raised: i64) -> Result<()> {
        let present = Self::of(item);
        if self.is_met_by(Self { number: present.number - raised, ..present }) {
            return Ok(());
        }
        let message = if self.is_met_by(Self { number: self.number, ..present }) {
            let (found, expected) = (item.version, self.number);
            format!("the item is at version {found}, not {expected}: read it again and retry")
        } else {
            "the item was deleted and made again since: read it again and retry".to_owned()
        };
        Err(Error::new(ErrorKind::PreconditionFailed, message))
    }
}

impl From<i64> for Version {
    fn from(number: i64) -> Self {
        Self { number, created_at: None }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_id_that_came_back_is_another_item() {
        let item = Item::new(Uuid::nil(), Uuid::nil(), Arc::from("Note"), Uuid::nil());
        let item = Item { version: 3, created_at: Timestamp::from_micros(7), ..item };
        let seen = Version::of(&item);
        for (version, raised, words) in [
            (seen, 0, None),
            (Version::from(3), 0, None),
            (Version::from(2), 1, None),
            (Version { number: 2, ..seen }, 1, None),
            (Version { number: 2, ..seen }, 0, Some("is at version 3, not 2")),
            (Version::from(0), 0, Some("is at version 3, not 0")),
            (Version { created_at: Some(Timestamp::from_micros(6)), ..seen }, 0, Some("made again")),
            (Version { created_at: Some(Timestamp::from_micros(6)), number: 9 }, 0, Some("made again")),
        ] {
            match (version.check(&item, raised), words) {
                (Ok(()), None) => {}
                (Err(error), Some(words)) => {
                    assert!(error.kind() == ErrorKind::PreconditionFailed && error.message().contains(words));
                }
                other => panic!("{version:?}: {other:?}"),
            }
        }
    }
}
