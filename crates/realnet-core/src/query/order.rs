//! The order of a list.

use super::Operand;

/// Ascending or descending; nulls come last in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// What to order by.
#[derive(Debug, Clone, PartialEq)]
pub enum OrderKey {
    /// A value.
    Operand(Operand),
    /// How well the text search of the filter matches, best first. Pages by offset only.
    Relevance,
}

/// One term of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderTerm {
    /// By what.
    pub key: OrderKey,
    /// Which way.
    pub direction: Direction,
}
