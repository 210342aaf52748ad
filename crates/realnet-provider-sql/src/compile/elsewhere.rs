//! Whether a list looks at other items than its own: what those are told of has to be of the same moment.

use realnet_core::query::{Operand, OrderKey, Predicate};

use super::part::Part;

impl Part<'_> {
    /// Whether judging or placing a row may take other items.
    pub(crate) fn looks_elsewhere(&self) -> bool {
        let is_elsewhere = |key: &OrderKey| matches!(key, OrderKey::Operand(Operand::Through { .. }));
        self.residual().is_some_and(looks_elsewhere)
            || self.request.query.order.iter().any(|term| is_elsewhere(&term.key))
    }
}

fn looks_elsewhere(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::And(all) | Predicate::Or(all) => all.iter().any(looks_elsewhere),
        Predicate::Not(inner) => looks_elsewhere(inner),
        Predicate::Compare { operand, .. }
        | Predicate::In { operand, .. }
        | Predicate::IsNull(operand)
        | Predicate::Contains { operand, .. } => matches!(operand, Operand::Through { .. }),
        Predicate::DescendantOf(_) => true,
        _ => false,
    }
}
