//! Which items have changed lately: by this the writer knows whether what was worked out beforehand still holds.
//!
//! Commits are numbered from the start of the store on. All changes of items go through the writer, so that a look here
//! is as good as reading the items again.

use std::collections::HashMap;

use realnet_core::Uuid;

/// So many changed items are remembered in each half.
const HALF: usize = 4096;

/// The last items that were changed, each with the number of the commit that it was last changed in.
pub(super) struct Recent {
    young: HashMap<Uuid, u64>,
    old: HashMap<Uuid, u64>,
    /// All changes of later commits are in one of the halves.
    complete_after: u64,
    /// All changes of later commits are in the young half.
    young_after: u64,
}

impl Recent {
    /// Knows nothing of the commits up to this one.
    pub(super) fn after(commit: u64) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), complete_after: commit, young_after: commit }
    }

    /// Notes that a commit changes an item. One that is taken back does no harm: what it notes is only more careful.
    pub(super) fn note(&mut self, item: Uuid, commit: u64) {
        self.young.insert(item, commit);
        if self.young.len() >= HALF {
            self.old = std::mem::take(&mut self.young);
            self.complete_after = self.young_after;
            self.young_after = commit;
        }
    }

    /// Whether none of the items has changed since a commit, as far as is known.
    pub(super) fn unchanged_since(&self, commit: u64, items: &[Uuid]) -> bool {
        let changed = |item: &Uuid| {
            let later = |half: &HashMap<Uuid, u64>| half.get(item).is_some_and(|last| *last > commit);
            later(&self.young) || later(&self.old)
        };
        commit >= self.complete_after && !items.iter().any(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> Uuid {
        Uuid::from_u128(number as u128)
    }

    #[test]
    fn changes_count_for_those_who_looked_before_them() {
        let mut recent = Recent::after(7);
        recent.note(id(1), 9);
        assert!(recent.unchanged_since(9, &[id(1), id(2)]));
        assert!(!recent.unchanged_since(8, &[id(2), id(1)]));
        assert!(recent.unchanged_since(8, &[id(2)]));
        assert!(!recent.unchanged_since(6, &[id(2)]), "nothing is known of commit 7");
    }

    #[test]
    fn what_is_forgotten_counts_as_changed() {
        let mut recent = Recent::after(0);
        let mut last = HashMap::new();
        for number in 0..5 * HALF {
            // Some items come again; each commit has five, so that a half ends in the midst of one.
            let (item, commit) = (number * 7919 % (3 * HALF), 1 + number as u64 / 5);
            recent.note(id(item), commit);
            last.insert(item, commit);
            assert!(recent.unchanged_since(commit, &[id(item)]));
            assert!(!recent.unchanged_since(commit - 1, &[id(item)]));
            if number % 211 == 0 {
                for (item, last) in last.iter().filter(|(item, _)| **item % 101 == 0) {
                    assert!(!recent.unchanged_since(last - 1, &[id(*item)]), "{item} at {commit}");
                }
            }
        }
        assert!(!recent.unchanged_since(1, &[]));
        assert!(recent.young.len() < HALF && recent.old.len() <= HALF);
    }
}
