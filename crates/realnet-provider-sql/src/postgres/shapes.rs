//! Which statements of lists are kept prepared. Filters can be put together in endless ways, and each text that a
//! connection keeps prepared takes memory of the server, so only the first so many do.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use parking_lot::Mutex;

use crate::statement::{Piece, Statement};

/// Texts kept prepared on each connection; each takes some 30 KB.
const KEPT: usize = 400;

/// The texts that are kept.
#[derive(Default)]
pub(super) struct Shapes(Mutex<HashSet<u64>>);

impl Shapes {
    /// Marks a statement as rare unless its text is among those kept.
    pub(super) fn sort(&self, mut statement: Statement) -> Statement {
        let mut hasher = DefaultHasher::new();
        for piece in statement.pieces() {
            match piece {
                Piece::Sql(text) => text.hash(&mut hasher),
                Piece::Bind(bind) => std::mem::discriminant(bind).hash(&mut hasher),
            }
        }
        let shape = hasher.finish();
        let mut kept = self.0.lock();
        statement.is_rare = !kept.contains(&shape) && (kept.len() >= KEPT || !kept.insert(shape));
        statement
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_texts_are_kept() {
        let shapes = Shapes::default();
        let text = |n: usize| Statement::of(format!("SELECT {n}"));
        assert!((0..KEPT).all(|n| !shapes.sort(text(n)).is_rare));
        assert!(shapes.sort(text(KEPT)).is_rare);
        assert!(!shapes.sort(text(0)).is_rare);
    }
}
