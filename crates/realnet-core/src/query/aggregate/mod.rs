//! Aggregates: figures of the readable items that match, by group, as every store must answer them.
//!
//! Stands beside the lists: the grammar makes an [`Aggregate`], a store finds the items as it does for a list and gives
//! them, or what it has reckoned of them already ([`Partial`]), to a [`Tally`]. What a figure means is said in here alone.

mod ends;
mod forms;
mod sum;
mod summary;
mod tally;

pub use summary::{Summary, Wants};
pub use tally::{Partial, Tally};

use serde_json::{Map, Value};

use super::{Operand, Query};

/// What to reckon. Only readable items count, as in lists.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// Which items. Its order is made of the operands below, so that a store knows what else has to be looked at; limit,
    /// offset and cursor mean nothing here.
    pub query: Query,
    /// By what they are grouped; without any, all of them are one group, also when there are none.
    pub groups: Vec<GroupTerm>,
    /// Whose values are looked at, each once.
    pub measures: Vec<Measure>,
    /// What is told of each group, in order.
    pub figures: Vec<Figure>,
}

/// One term of the grouping.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupTerm {
    /// Its name in the answer, as it was asked for.
    pub name: String,
    /// The value; `None` for a field that the caller may not read, which no item has then.
    pub operand: Option<Operand>,
}

/// Values that are summed up or compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// Which values.
    pub operand: Operand,
    /// What has to be known of them.
    pub wants: Wants,
}

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Its name in the answer, as it was asked for: `sum(amount)`.
    pub name: String,
    /// What it is.
    pub function: Function,
    /// Of what.
    pub of: Measured,
}

/// What a figure is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measured {
    /// The items themselves.
    Items,
    /// A field that the caller may not read: no item has a value.
    Nothing,
    /// The measure of this index.
    Measure(usize),
}

/// A function over the values of a group. Absent values and null count for none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// How many items, or how many have a value.
    Count,
    /// The sum of the numbers, exact; null without any.
    Sum,
    /// Their mean; null without any.
    Avg,
    /// The first value in the order of lists; null without any. Lists and objects are passed over.
    Min,
    /// The last one.
    Max,
}

impl Function {
    /// The name in queries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Count, Self::Sum, Self::Avg, Self::Min, Self::Max]
            .into_iter()
            .find(|function| function.as_str() == name)
    }
}

/// One group of the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupRow {
    /// The values that its items share, one for each term; null for those that have none.
    pub values: Vec<Value>,
    /// The figures, in order.
    pub figures: Vec<Value>,
}

impl Aggregate {
    /// More groups than this are refused.
    pub const MAX_GROUPS: usize = 1000;

    /// The answer as a document: a list of objects, one for each group, by the names that were asked for.
    pub fn document(&self, rows: Vec<GroupRow>) -> Value {
        let object = |row: GroupRow| -> Map<String, Value> {
            self.names().cloned().zip(row.values.into_iter().chain(row.figures)).collect()
        };
        rows.into_iter().map(object).map(Value::Object).collect()
    }

    /// About how many bytes the object of a group takes.
    pub(crate) fn row_size(&self, row: &GroupRow) -> usize {
        let names: usize = self.names().map(String::len).sum();
        names + row.values.iter().chain(&row.figures).map(size_of_value).sum::<usize>()
    }

    fn names(&self) -> impl Iterator<Item = &String> {
        let groups = self.groups.iter().map(|term| &term.name);
        groups.chain(self.figures.iter().map(|figure| &figure.name))
    }
}

/// About how many bytes a value takes.
fn size_of_value(value: &Value) -> usize {
    let beside = match value {
        Value::String(text) => text.len(),
        Value::Array(_) | Value::Object(_) => value.to_string().len(),
        _ => 0,
    };
    size_of::<Value>() + beside
}
