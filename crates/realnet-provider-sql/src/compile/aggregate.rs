//! Aggregates in SQL, over the rows of a part: a count along an index, a plain `GROUP BY`, or only the columns that matter.
//!
//! SQL groups by what items have of their own; constants of types and instances, names of types and the forms of values are the
//! core's matter, which puts the groups together ([`Tally`]). Where the database would have to sort all rows in memory, the
//! store takes the columns and groups them itself.
//!
//! [`Tally`]: realnet_core::query::aggregate::Tally

use realnet_core::clock::Timestamp;
use realnet_core::index::value_of_key;
use realnet_core::query::aggregate::{GroupTerm, Measure, Partial, Summary, Wants};
use realnet_core::query::{Aggregate, AttributePath, Operand, Property};
use realnet_core::registry::{FieldRef, TypeRegistry};
use realnet_core::{Error, Result};
use serde_json::Value;
use uuid::Uuid;

use super::part::Part;
use super::source::{Source, item_column};
use super::strategy::Plan;
use super::test::indexed;
use crate::dialect::{Dialect, Index};
use crate::row::visibility_of;
use crate::statement::Statement;

/// So many branches go into one statement.
const MAX_BRANCHES: usize = 50;
/// The longest key of an attribute that is looked for by SQL.
const MAX_KEY: usize = 64;

/// The ways in which SQL can reckon an aggregate.
pub(crate) struct Groupings<'a> {
    by_key: Option<ByKey<'a>>,
    columns: Option<Grouping<'a>>,
}

/// The way in which a part is reckoned with.
pub(crate) enum Way<'w, 'a> {
    /// Counted along an index that has the values in order.
    ByKey,
    /// By columns.
    Columns(&'w Grouping<'a>),
    /// Row by row.
    Items,
}

impl<'a> Groupings<'a> {
    /// Those that there are.
    pub(crate) fn of(aggregate: &'a Aggregate, dialect: &dyn Dialect) -> Self {
        Self { by_key: ByKey::of(aggregate), columns: Grouping::of(aggregate, dialect) }
    }

    /// The parts of a plan that are reckoned with: those of the page where they walk along an index that it is counted by.
    pub(crate) fn parts<'p, 'b>(&self, plan: &'p Plan<'b>) -> &'p [Part<'b>] {
        let walks = |by_key: &ByKey<'_>| {
            plan.page.iter().all(Part::counts_in_sql) && plan.page.iter().any(|part| by_key.fits(part))
        };
        if self.by_key.as_ref().is_some_and(walks) { &plan.page } else { &plan.count }
    }

    /// How a part is reckoned with.
    pub(crate) fn way(&self, part: &Part<'_>) -> Way<'_, 'a> {
        if self.by_key.as_ref().is_some_and(|by_key| by_key.fits(part)) {
            return Way::ByKey;
        }
        let columns = self.columns.as_ref().filter(|_| part.counts_in_sql());
        columns.map_or(Way::Items, Way::Columns)
    }

    /// Goes without the index, whose keys do not tell every value.
    pub(crate) fn forget_keys(&mut self) {
        self.by_key = None;
    }
}

/// A count by the values of one field, along its index.
pub(crate) struct ByKey<'a> {
    field: &'a FieldRef,
}

impl<'a> ByKey<'a> {
    fn of(aggregate: &'a Aggregate) -> Option<Self> {
        let ([GroupTerm { operand: Some(operand), .. }], []) =
            (aggregate.groups.as_slice(), aggregate.measures.as_slice())
        else {
            return None;
        };
        let path = indexed(operand).filter(|path| !path.sparse && !path.multiple)?;
        path.index.as_ref().map(|field| Self { field })
    }

    fn fits(&self, part: &Part<'_>) -> bool {
        let is_its = matches!(&part.source, Source::Keys(keys) if keys.field == *self.field);
        is_its && part.counts_in_sql()
    }

    /// What a row says: a key and how many items have it; nothing when the key does not tell its value.
    pub(crate) fn read(key: &[u8], count: i64) -> Option<Partial> {
        let values = vec![Some(value_of_key(key)?)];
        Some(Partial { values, count: u64::try_from(count).unwrap_or_default(), ..Partial::default() })
    }
}

/// An aggregate by columns, all of which are text: what is grouped by, then what is reckoned with, as JSON.
pub(crate) struct Grouping<'a> {
    aggregate: &'a Aggregate,
    columns: Vec<Statement>,
    /// How many of them are grouped by.
    grouped: usize,
    /// Whether type and instance come first.
    with_types: bool,
    /// Whether values are taken out of documents, which is to be done once for each row.
    reads_attributes: bool,
}

impl<'a> Grouping<'a> {
    /// `None` when SQL can not say it, or not exactly.
    fn of(aggregate: &'a Aggregate, dialect: &dyn Dialect) -> Option<Self> {
        let terms: Vec<_> = aggregate.groups.iter().filter_map(|term| term.operand.as_ref()).collect();
        let measures = || aggregate.measures.iter().map(|measure| &measure.operand);
        let operands = || terms.iter().copied().chain(measures());
        let with_types = operands().any(has_constants);
        let mut columns = Vec::new();
        if with_types {
            columns.push(Statement::of(dialect.id_text("i.type")));
            columns.push(Statement::of("i.instance"));
        }
        for operand in &terms {
            columns.push(term(operand, dialect)?);
        }
        let grouped = columns.len();
        for operand in measures() {
            columns.push(value(operand, dialect)?);
        }
        let reads_attributes = operands().any(|operand| matches!(operand, Operand::Attribute(_)));
        Some(Self { aggregate, columns, grouped, with_types, reads_attributes })
    }

    /// How many columns are grouped by: the first ones of a row.
    pub(crate) fn grouped(&self) -> usize {
        self.grouped
    }

    /// What there is to say of each measure, in order.
    pub(crate) fn measures(&self) -> &'a [Measure] {
        &self.aggregate.measures
    }

    /// What a group is: its columns, how many items it has, and the summaries of their values.
    pub(crate) fn read(
        &self,
        registry: &TypeRegistry,
        columns: Vec<Option<String>>,
        count: u64,
        summaries: Vec<Summary>,
    ) -> Result<Partial> {
        let mut columns = columns.into_iter();
        let mut next = || columns.next().flatten();
        let mut partial = Partial { count, ..Partial::default() };
        if self.with_types {
            partial.type_id = next().and_then(|text| Uuid::parse_str(&text).ok());
            partial.instance = next();
        }
        for term in &self.aggregate.groups {
            partial.values.push(read_term(registry, term, &mut next)?);
        }
        let measures = self.aggregate.measures.iter().zip(summaries);
        partial.summaries = measures.map(|(measure, summary)| of_measure(measure, summary)).collect();
        Ok(partial)
    }

    fn name(&self, index: usize) -> String {
        if index < self.grouped { format!("g{index}") } else { format!("v{}", index - self.grouped) }
    }

    /// `SELECT` with all columns by their names.
    fn select(&self, statement: &mut Statement) {
        statement.push("SELECT ");
        for (index, column) in self.columns.iter().enumerate() {
            statement.push(if index > 0 { ", " } else { "" });
            statement.append(column.clone()).push(format!(" AS {}", self.name(index)));
        }
        statement.push(if self.columns.is_empty() { "1 AS one" } else { "" });
    }
}

impl Part<'_> {
    /// The statements that give the columns of each row.
    pub(crate) fn column_statements(&self, grouping: &Grouping<'_>) -> Vec<Statement> {
        self.branches(|part, pair, index, statement| {
            grouping.select(statement);
            part.write_rows(pair, index, !grouping.columns.is_empty(), statement);
        })
    }

    /// The statements that give the columns of each group, the number of its items, and a summary of each measure, which
    /// `summary` writes; a group may come several times.
    pub(crate) fn group_statements(
        &self,
        grouping: &Grouping<'_>,
        summary: impl Fn(&str, Wants) -> String,
    ) -> Vec<Statement> {
        let names: Vec<String> = (0..grouping.columns.len()).map(|index| grouping.name(index)).collect();
        let (grouped, reckoned) = names.split_at(grouping.grouped);
        let grouped: Vec<String> = grouped.iter().map(|name| format!("t.{name}")).collect();
        let summaries = reckoned
            .iter()
            .zip(grouping.measures())
            .map(|(name, measure)| summary(&format!("t.{name}"), measure.wants));
        let shown: Vec<String> =
            grouped.iter().cloned().chain(["count(*)".to_owned()]).chain(summaries).collect();
        self.branches(|part, pair, index, statement| {
            statement.push(format!("SELECT {} FROM (", shown.join(", ")));
            grouping.select(statement);
            part.write_rows(pair, index, !grouping.columns.is_empty(), statement);
            // Keeps the planner from working the columns out wherever they are named.
            statement.push(if grouping.reads_attributes { " OFFSET 0) t" } else { ") t" });
            if !grouped.is_empty() {
                statement.push(format!(" GROUP BY {}", grouped.join(", ")));
            }
        })
    }

    /// The statement that gives the keys of the index that the part walks along, and how many items have each.
    pub(crate) fn key_statement(&self) -> Statement {
        let mut statement = Statement::of("SELECT k.value, count(*)");
        self.write_rows(None, Index::Type, false, &mut statement);
        statement.push(" GROUP BY k.value");
        statement
    }

    /// A statement, or one branch of it for each pair of org and type.
    fn branches(&self, write: impl Fn(&Self, Option<(Uuid, Uuid)>, Index, &mut Statement)) -> Vec<Statement> {
        let Source::Types(pairs) = &self.source else {
            let mut statement = Statement::new();
            write(self, None, Index::Type, &mut statement);
            return vec![statement];
        };
        let together = |pairs: &[(Uuid, Uuid)]| {
            let mut statement = Statement::new();
            for (index, pair) in pairs.iter().enumerate() {
                statement.push(if index > 0 { " UNION ALL " } else { "" });
                write(self, Some(*pair), self.type_index(), &mut statement);
            }
            statement
        };
        pairs.chunks(MAX_BRANCHES).map(together).collect()
    }
}

fn has_constants(operand: &Operand) -> bool {
    matches!(operand, Operand::Attribute(path) if !path.constants.is_empty())
}

/// The text of what is grouped by.
fn term(operand: &Operand, dialect: &dyn Dialect) -> Option<Statement> {
    match operand {
        Operand::Property(property) => Some(Statement::of(property_text(*property, dialect))),
        Operand::Attribute(path) => {
            let mut statement = Statement::new();
            dialect.attribute_text(plain_key(path)?, &mut statement);
            Some(statement)
        }
        Operand::Through { .. } => None,
    }
}

/// The JSON of what is reckoned with.
fn value(operand: &Operand, dialect: &dyn Dialect) -> Option<Statement> {
    match operand {
        Operand::Property(
            property @ (Property::Name
            | Property::Status
            | Property::Instance
            | Property::Version
            | Property::CreatedAt
            | Property::UpdatedAt
            | Property::ValidFrom
            | Property::ValidTo),
        ) => Some(Statement::of(dialect.as_json(item_column(*property)))),
        Operand::Attribute(path) => {
            let mut statement = Statement::new();
            dialect.attribute(plain_key(path)?, &mut statement);
            Some(statement)
        }
        Operand::Property(_) | Operand::Through { .. } => None,
    }
}

/// The key, if it is an attribute itself that is looked at and every database understands its key literally.
fn plain_key(path: &AttributePath) -> Option<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let key = &*path.key;
    let begins = key.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    (path.path.is_empty() && begins && key.len() <= MAX_KEY && key.bytes().all(is_plain)).then_some(key)
}

fn property_text(property: Property, dialect: &dyn Dialect) -> String {
    let column = item_column(property);
    match property {
        Property::Id
        | Property::Type
        | Property::ParentId
        | Property::LinkedItemId
        | Property::Owner
        | Property::Org => dialect.id_text(column),
        Property::Instance | Property::Name | Property::Status => column.to_owned(),
        Property::Public => format!("CASE WHEN {} THEN '1' ELSE '0' END", dialect.is_public()),
        Property::Visibility
        | Property::ValidFrom
        | Property::ValidTo
        | Property::Version
        | Property::CreatedAt
        | Property::UpdatedAt => format!("CAST({column} AS text)"),
    }
}

fn read_term(
    registry: &TypeRegistry,
    term: &GroupTerm,
    next: &mut impl FnMut() -> Option<String>,
) -> Result<Option<Value>> {
    match &term.operand {
        None => Ok(None),
        Some(Operand::Property(property)) => match next().filter(|text| !is_absent(*property, text)) {
            Some(text) => read_property(registry, *property, text).map(Some),
            None => Ok(Some(Value::Null)),
        },
        Some(_) => next().map(|json| serde_json::from_str(&json).map_err(|_| bad("value"))).transpose(),
    }
}

/// An absent id is empty text where ids are written as hexadecimal digits.
fn is_absent(property: Property, text: &str) -> bool {
    let is_text = matches!(property, Property::Instance | Property::Name | Property::Status);
    text.is_empty() && !is_text
}

fn read_property(registry: &TypeRegistry, property: Property, text: String) -> Result<Value> {
    let id = |text: &str| Uuid::parse_str(text).map_err(|_| bad("id"));
    let number = |text: &str| text.parse::<i64>().map_err(|_| bad("number"));
    Ok(match property {
        Property::Type => {
            let info = registry.by_id(id(&text)?);
            info.map_or_else(String::new, |info| info.name().to_string()).into()
        }
        Property::Id | Property::ParentId | Property::LinkedItemId | Property::Owner | Property::Org => {
            id(&text)?.to_string().into()
        }
        Property::Instance | Property::Name | Property::Status => text.into(),
        Property::Public => (text == "1").into(),
        Property::Version => number(&text)?.into(),
        Property::Visibility => {
            visibility_of(number(&text)?).ok_or_else(|| bad("visibility"))?.as_str().into()
        }
        Property::ValidFrom | Property::ValidTo | Property::CreatedAt | Property::UpdatedAt => {
            Timestamp::from_micros(number(&text)?).to_string().into()
        }
    })
}

/// Times are reckoned with as numbers.
fn of_measure(measure: &Measure, summary: Summary) -> Summary {
    match &measure.operand {
        Operand::Property(
            Property::CreatedAt | Property::UpdatedAt | Property::ValidFrom | Property::ValidTo,
        ) => summary.into_moments(),
        _ => summary,
    }
}

fn bad(what: &str) -> Error {
    Error::internal(format!("a group has a {what} that can not be read"))
}
