//! The order of a list as a walk along an index.

use realnet_core::clock::Timestamp;
use realnet_core::index::MAX_KEY;
use realnet_core::query::{Direction, Operand, OrderKey, OrderTerm, Property};
use realnet_core::registry::FieldRef;

use super::test::indexed;
use crate::statement::Bind;

/// Which way the rows of a part come.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Walk {
    /// In any order.
    Unordered,
    /// From the row made last on, by its number: how rows are ranked where the index of words goes by it.
    Newest,
    /// By id.
    ById(Direction),
    /// By a column of the items, then id.
    ByColumn(Column, Direction),
    /// By the value of the key index, then id; nulls last.
    ByKey(FieldRef, Direction),
}

/// A column with an index of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    /// `name`.
    Name,
    /// `updated_at`.
    UpdatedAt,
}

/// An order, as far as an index gives it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OrderPlan {
    pub walk: Walk,
    /// Whether the walk is the whole order; else rows of one value have still to be sorted.
    pub is_exact: bool,
    /// Whether it ranks search results.
    pub is_ranked: bool,
}

impl OrderPlan {
    pub(super) fn of(order: &[OrderTerm]) -> Self {
        let is_ranked = order.iter().any(|term| term.key == OrderKey::Relevance);
        let Some(first) = order.first() else {
            return Self { walk: Walk::ById(Direction::Ascending), is_exact: true, is_ranked };
        };
        let walk = match &first.key {
            OrderKey::Operand(Operand::Property(Property::Id)) => Walk::ById(first.direction),
            OrderKey::Operand(Operand::Property(Property::Name)) => {
                Walk::ByColumn(Column::Name, first.direction)
            }
            OrderKey::Operand(Operand::Property(Property::UpdatedAt)) => {
                Walk::ByColumn(Column::UpdatedAt, first.direction)
            }
            OrderKey::Operand(operand) => match indexed(operand) {
                Some(path) if !path.sparse && !path.multiple => {
                    path.index.clone().map_or(Walk::Unordered, |field| Walk::ByKey(field, first.direction))
                }
                _ => Walk::Unordered,
            },
            OrderKey::Relevance => Walk::Unordered,
        };
        // Names are longer than keys may be; the core orders long ones that begin alike by the hash in their keys.
        let is_exact = match walk {
            Walk::ById(_) => true,
            Walk::ByColumn(Column::Name, _) | Walk::Unordered => false,
            _ => order.len() == 1,
        };
        Self { walk, is_exact, is_ranked }
    }
}

/// Where a walk begins: the value of a cursor, and whether it stands for all values that begin like it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Start {
    pub value: Bind,
    pub is_cut: bool,
}

impl Column {
    /// The column of the item.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Name => "i.name",
            Self::UpdatedAt => "i.updated_at",
        }
    }

    /// The value that a sort key stands for; `None` when the key is none of this column.
    pub(super) fn start(self, key: &[u8]) -> Option<Start> {
        let bytes = key.get(1..)?;
        match self {
            Self::UpdatedAt => {
                let moment = Timestamp::parse(std::str::from_utf8(bytes).ok()?)?;
                Some(Start { value: moment.as_micros().into(), is_cut: false })
            }
            Self::Name => match std::str::from_utf8(bytes) {
                Ok(text) if key.len() < MAX_KEY => Some(Start { value: text.into(), is_cut: false }),
                // A cut key holds whole characters up to some place, then a hash.
                Ok(_) => None,
                Err(error) => {
                    let text = std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?;
                    Some(Start { value: text.into(), is_cut: true })
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use realnet_core::index::sort_key;
    use realnet_core::model::FieldKind;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_come_back_from_keys() {
        let moment = Timestamp::from_micros(1_700_000_000_123_456);
        let key = sort_key(&json!(moment.to_string()), FieldKind::Datetime);
        let start = Column::UpdatedAt.start(&key).unwrap();
        assert_eq!(start, Start { value: Bind::Int(1_700_000_000_123_456), is_cut: false });
        let key = sort_key(&json!("Ärger"), FieldKind::String);
        assert_eq!(Column::Name.start(&key).unwrap(), Start { value: "Ärger".into(), is_cut: false });
        let long = "x".repeat(900);
        let start = Column::Name.start(&sort_key(&json!(long), FieldKind::String)).unwrap();
        let Bind::Text(prefix) = &start.value else { panic!("text") };
        assert!(start.is_cut && long.starts_with(prefix.as_str()) && prefix.len() > 400);
    }
}
