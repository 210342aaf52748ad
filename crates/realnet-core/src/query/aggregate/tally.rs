//! Putting an answer together: items one by one, or what a store has reckoned of many at once.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use super::forms::normal_number;
use super::sum::plain;
use super::{Aggregate, Figure, GroupRow, Measured, Summary, size_of_value};
use crate::error::{Error, ErrorKind, Result};
use crate::index::{NULL_KEY, is_number_key, sort_key};
use crate::model::{FieldKind, Item};
use crate::query::value::{Lookup, Scope};
use crate::query::{Operand, Property, Query};
use crate::registry::TypeRegistry;

/// Integers up to here are told apart by their keys.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The answer in the making.
pub struct Tally<'a> {
    aggregate: &'a Aggregate,
    registry: &'a TypeRegistry,
    /// By the sort keys of the shared values, which is the order of the answer.
    groups: BTreeMap<Vec<Vec<u8>>, Group>,
    /// Of all that is kept.
    bytes: usize,
}

#[derive(Default)]
struct Group {
    values: Vec<Value>,
    count: u64,
    summaries: Vec<Summary>,
}

/// What a store has reckoned of items that share their own values, and their type and instance where constants matter.
#[derive(Debug, Clone, Default)]
pub struct Partial {
    /// Their type, if any operand has constants.
    pub type_id: Option<Uuid>,
    /// Their instance, the same.
    pub instance: Option<String>,
    /// The stored value of each term; `None` where items have none of their own, and of terms that have no operand.
    pub values: Vec<Option<Value>>,
    /// How many they are.
    pub count: u64,
    /// What there is of each measure.
    pub summaries: Vec<Summary>,
}

impl<'a> Tally<'a> {
    /// An empty one.
    pub fn new(aggregate: &'a Aggregate, registry: &'a TypeRegistry) -> Self {
        let (mut groups, mut bytes) = (BTreeMap::new(), 0);
        if aggregate.groups.is_empty() {
            let all = Group::of(Vec::new(), aggregate);
            bytes += all.size();
            groups.insert(Vec::new(), all);
        }
        Self { aggregate, registry, groups, bytes }
    }

    /// Takes an item that matches and is readable. `lookup` finds what the operands lead to.
    ///
    /// # Errors
    /// `TooLarge` when there are too many groups, or their values are too large.
    pub fn item(&mut self, item: &Item, lookup: &dyn Lookup) -> Result<()> {
        let scope = Scope { registry: self.registry, lookup };
        let value = |operand: &Operand| {
            let mut first = None;
            scope.values(operand, item, &mut |cell| {
                first.get_or_insert_with(|| cell.value());
            });
            first.unwrap_or_default()
        };
        let aggregate = self.aggregate;
        let values = aggregate.groups.iter().map(|term| term.operand.as_ref().map(value).unwrap_or_default());
        let group = self.group(values.collect())?;
        let before = group.size();
        group.count += 1;
        for (measure, summary) in aggregate.measures.iter().zip(&mut group.summaries) {
            summary.add(&value(&measure.operand), 1, measure.wants);
        }
        let after = group.size();
        self.resize(before, after)
    }

    /// Takes what a store has reckoned.
    ///
    /// # Errors
    /// As [`Self::item`].
    pub fn partial(&mut self, partial: Partial) -> Result<()> {
        let aggregate = self.aggregate;
        let Partial { type_id, instance, values, count, summaries } = partial;
        let constant = |operand: &Operand| match (operand, type_id) {
            (Operand::Attribute(path), Some(type_id)) => path.constant(type_id, instance.as_deref()).cloned(),
            _ => None,
        };
        let effective = aggregate.groups.iter().zip(values).map(|(term, own)| {
            let operand = term.operand.as_ref();
            own.or_else(|| operand.and_then(constant)).unwrap_or_default()
        });
        let group = self.group(effective.collect())?;
        let before = group.size();
        group.count += count;
        for ((measure, summary), mut part) in
            aggregate.measures.iter().zip(&mut group.summaries).zip(summaries)
        {
            part.fill(constant(&measure.operand).as_ref(), measure.wants);
            summary.merge(&part, measure.wants);
        }
        let after = group.size();
        self.resize(before, after)
    }

    /// Takes note of what a group keeps now.
    fn resize(&mut self, before: usize, after: usize) -> Result<()> {
        self.bytes = (self.bytes + after).saturating_sub(before);
        if self.bytes <= Query::MAX_PAGE_BYTES { Ok(()) } else { Err(too_large()) }
    }

    /// The group of these values.
    fn group(&mut self, values: Vec<Value>) -> Result<&mut Group> {
        let terms = self.aggregate.groups.iter();
        let (keys, values): (Vec<_>, Vec<_>) =
            terms.zip(values).map(|(term, value)| normal(term.operand.as_ref(), value)).unzip();
        if !self.groups.contains_key(&keys) {
            if self.groups.len() >= Aggregate::MAX_GROUPS {
                return Err(too_many());
            }
            let group = Group::of(values, self.aggregate);
            let keys_size: usize = keys.iter().map(Vec::len).sum();
            self.resize(0, keys_size + group.values.iter().map(size_of_value).sum::<usize>() + group.size())?;
            self.groups.insert(keys.clone(), group);
        }
        self.groups.get_mut(&keys).ok_or_else(|| Error::internal("a group that was made is not there"))
    }

    /// The groups in the order of their values.
    ///
    /// # Errors
    /// `TooLarge` when the figures take much more than what they are made of: sums of large numbers have all their digits.
    pub fn finish(self) -> Result<Vec<GroupRow>> {
        let (aggregate, mut bytes) = (self.aggregate, 0);
        let row = |group: Group| {
            let figures = aggregate.figures.iter().map(|figure| group.figure(figure, aggregate)).collect();
            let row = GroupRow { values: group.values, figures };
            bytes += aggregate.row_size(&row);
            if bytes <= Query::MAX_PAGE_BYTES { Ok(row) } else { Err(too_large()) }
        };
        self.groups.into_values().map(row).collect()
    }
}

impl Group {
    fn of(values: Vec<Value>, aggregate: &Aggregate) -> Self {
        Self { values, count: 0, summaries: vec![Summary::default(); aggregate.measures.len()] }
    }

    /// The bytes that it takes, but for the values that its items share.
    fn size(&self) -> usize {
        size_of::<Self>() + self.summaries.iter().map(Summary::size).sum::<usize>()
    }

    fn figure(&self, figure: &Figure, aggregate: &Aggregate) -> Value {
        match figure.of {
            Measured::Items => self.count.into(),
            Measured::Nothing => Summary::default().figure(figure.function, false),
            Measured::Measure(index) => {
                let decimal = aggregate.measures.get(index).is_some_and(|measure| measure.wants.decimal);
                let summary = self.summaries.get(index);
                summary.map(|summary| summary.figure(figure.function, decimal)).unwrap_or_default()
            }
        }
    }
}

/// The key of a value, equal for what filters take for equal (and apart for integers that are too large for doubles), and the
/// value in the one form that all of that key have.
fn normal(operand: Option<&Operand>, value: Value) -> (Vec<u8>, Value) {
    let Some(kind) = operand.map(kind_of).filter(|_| !value.is_null()) else {
        return (NULL_KEY.to_vec(), Value::Null);
    };
    let mut key = sort_key(&value, kind);
    let value = match value {
        Value::Number(number) if !is_decimal(kind) => {
            let text = number.to_string();
            if number.as_f64().is_none_or(|number| number.abs() >= EXACT) {
                key.extend_from_slice(plain(&text).as_bytes());
            }
            normal_number(&text, false)
        }
        Value::Number(number) => normal_number(&number.to_string(), true),
        Value::String(text) if is_decimal(kind) && is_number_key(&key) => normal_number(&text, true),
        Value::String(text) if is_id(kind) => {
            Uuid::parse_str(&text).map_or(Value::String(text), |id| id.to_string().into())
        }
        other => other,
    };
    (key, value)
}

fn kind_of(operand: &Operand) -> FieldKind {
    match operand {
        Operand::Attribute(path) => path.kind.unwrap_or(FieldKind::Json),
        Operand::Through { target, .. } => kind_of(target),
        Operand::Property(property) => match property {
            Property::Id | Property::ParentId | Property::LinkedItemId | Property::Owner | Property::Org => {
                FieldKind::Uuid
            }
            Property::Public => FieldKind::Boolean,
            Property::Version => FieldKind::Integer,
            Property::ValidFrom | Property::ValidTo | Property::CreatedAt | Property::UpdatedAt => {
                FieldKind::Datetime
            }
            Property::Type
            | Property::Instance
            | Property::Name
            | Property::Status
            | Property::Visibility => FieldKind::String,
        },
    }
}

fn is_decimal(kind: FieldKind) -> bool {
    kind == FieldKind::Decimal
}

fn is_id(kind: FieldKind) -> bool {
    matches!(kind, FieldKind::Uuid | FieldKind::Reference | FieldKind::File)
}

fn too_many() -> Error {
    let most = Aggregate::MAX_GROUPS;
    let message = format!("more than {most} groups: narrow the filter, or group by what has fewer values");
    Error::new(ErrorKind::TooLarge, message)
}

fn too_large() -> Error {
    let message = "more than 16 MiB of values: group by shorter ones, or ask for fewer figures";
    Error::new(ErrorKind::TooLarge, message)
}
