//! Sets of positions in the registry, as bits. Types of one org stand side by side, so a set of theirs is short.

use std::ops::Range;

/// Positions, as words of 64 bits from the first word that has any.
#[derive(Debug, Default, Clone)]
pub(super) struct Positions {
    first: usize,
    words: Vec<u64>,
}

impl Positions {
    /// Adds a position that is not below those that are there.
    pub(super) fn push(&mut self, position: usize) {
        let word = position / 64;
        if self.words.is_empty() {
            self.first = word;
        }
        self.words.resize((word - self.first + 1).max(self.words.len()), 0);
        self.words[word - self.first] |= 1 << (position % 64);
    }

    pub(super) fn contains(&self, position: usize) -> bool {
        let word = (position / 64).checked_sub(self.first).and_then(|word| self.words.get(word));
        word.is_some_and(|word| word & (1 << (position % 64)) != 0)
    }

    /// The positions within a range, ascending.
    pub(super) fn within(&self, range: Range<usize>) -> impl Iterator<Item = usize> + '_ {
        let last = (self.first + self.words.len()) * 64;
        let range = range.start.max(self.first * 64)..range.end.min(last);
        range.filter(|position| self.contains(*position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_added() {
        let mut positions = Positions::default();
        let added = [70, 71, 127, 128, 300];
        for position in added {
            positions.push(position);
        }
        for position in 0..400 {
            assert_eq!(positions.contains(position), added.contains(&position), "{position}");
        }
        assert_eq!(positions.within(0..400).collect::<Vec<_>>(), added);
        assert_eq!(positions.within(71..128).collect::<Vec<_>>(), [71, 127]);
        assert_eq!(Positions::default().within(0..400).count(), 0);
        assert_eq!(positions.words.len(), 4, "nothing below the first");
    }
}
