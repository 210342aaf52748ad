//! Rows without attributes: enough to judge and to place a candidate, and much less to read.
//!
//! A list that sorts thousands of candidates keeps some fifty. Where neither the residual filter nor the order looks at
//! attributes, the candidates are read without them, and the items of the page by id at the end.

use realnet_core::query::{Operand, OrderKey, Predicate, Property};

use super::part::Part;
use crate::statement::Statement;

impl Part<'_> {
    /// Whether candidates can be judged by the light columns of the dialect.
    pub(crate) fn is_light(&self) -> bool {
        self.dialect.light_columns().is_some()
            && (!self.is_ordered() || self.is_newest_first())
            && !self.decides()
            && self.residual().is_none_or(is_light)
            && self.request.query.order.iter().all(|term| match &term.key {
                OrderKey::Operand(operand) => has_light_column(operand),
                OrderKey::Relevance => true,
            })
    }

    /// All rows with the light columns: the newest first, or in any order.
    pub(crate) fn light_statement(&self) -> Statement {
        self.stream(self.dialect.light_columns().unwrap_or_else(|| self.dialect.columns()))
    }
}

fn is_light(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::All
        | Predicate::Nothing
        | Predicate::Near { .. }
        | Predicate::Within(_)
        | Predicate::Ids(_) => true,
        Predicate::And(all) | Predicate::Or(all) => all.iter().all(is_light),
        Predicate::Not(inner) => is_light(inner),
        Predicate::Compare { operand, .. } | Predicate::In { operand, .. } | Predicate::IsNull(operand) => {
            has_light_column(operand)
        }
        _ => false,
    }
}

fn has_light_column(operand: &Operand) -> bool {
    matches!(
        operand,
        Operand::Property(
            Property::Id | Property::Name | Property::Version | Property::CreatedAt | Property::UpdatedAt
        )
    )
}
