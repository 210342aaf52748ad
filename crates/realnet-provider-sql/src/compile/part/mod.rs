//! One part of a list: a source of rows with everything that has to be checked of them, and its statements.
//!
//! [`making`] decides what SQL checks, [`rows`] writes it, [`newest`] lets ranked rows come; walks by page are those of
//! [`super::walker`].

mod making;
mod newest;
mod rows;

pub(super) use making::Making;

use realnet_core::query::{Direction, Predicate};
use uuid::Uuid;

use super::Request;
use super::access::Check;
use super::order::{Column, Walk};
use super::source::Source;
use crate::dialect::{Dialect, Index};
use crate::statement::Statement;

/// Rows of a list that come by one walk.
#[allow(clippy::struct_excessive_bools, reason = "independent facts")]
pub(crate) struct Part<'a> {
    pub(super) request: Request<'a>,
    pub(super) dialect: &'a dyn Dialect,
    pub(super) source: Source,
    pub(super) walk: Walk,
    /// Whether the walk gives the whole order.
    pub(super) is_exact: bool,
    /// Whether the source gives its rows in the order of the walk by itself.
    is_natural: bool,
    /// The types that rows may have.
    types: Vec<Uuid>,
    /// The whole check of the list's types, for the source that starts from grants.
    grants: Check,
    pub(super) check: Check,
    /// The conditions on a row, each with `AND` before it.
    pub(super) conditions: Statement,
    /// Look-ups in other indexes, each a join behind the rows of `keys`.
    pub(super) joins: Statement,
    /// Whether the conditions look at columns that only the items have.
    uses_items: bool,
    residual: Option<Predicate>,
    /// Whether nearly every row of the source is one of the list.
    is_dense: bool,
    /// Whether the filter asks for one name, which has an index.
    has_name: bool,
}

impl Part<'_> {
    /// Lets the rows come in an order.
    pub(super) fn ordered(mut self, walk: Walk, is_exact: bool, is_natural: bool) -> Self {
        self.walk = walk;
        self.is_natural = is_natural;
        self.is_exact = is_exact;
        self
    }

    /// Whether its rows come with the keys that the walk goes along.
    pub(crate) fn gives_keys(&self) -> bool {
        matches!(self.walk, Walk::ByKey(..))
    }

    /// Whether rows come in the order of the list, or of its first term, or as they are ranked.
    pub(crate) fn is_ordered(&self) -> bool {
        self.walk != Walk::Unordered
    }

    /// Whether the rows come exactly in the order of the list.
    pub(crate) fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// Whether the caller may read few of the rows only.
    pub(super) fn is_sparse(&self) -> bool {
        self.check.is_sparse()
    }

    /// What the core still has to check of each row.
    pub(crate) fn residual(&self) -> Option<&Predicate> {
        self.residual.as_ref()
    }

    /// Whether the core has to decide on each row whether the caller may read it.
    pub(crate) fn decides(&self) -> bool {
        self.check == Check::Decide
    }

    /// Whether SQL alone can count the rows.
    pub(crate) fn counts_in_sql(&self) -> bool {
        self.residual.is_none() && !self.decides()
    }

    /// Whether a page of it is a few rows along an index.
    pub(crate) fn is_short(&self) -> bool {
        self.counts_in_sql()
            && (matches!(self.source, Source::Ids(_))
                || (self.is_ordered()
                    && self.is_dense
                    && !matches!(
                        self.source,
                        Source::Search(..) | Source::Boxes(_) | Source::Descendants(_)
                    )))
    }

    /// Whether one statement gives the page, if all its rows fit into one: groups of equal values may take more.
    pub(crate) fn takes_one_statement(&self) -> bool {
        let goes_up = match &self.walk {
            Walk::ById(_) => true,
            Walk::ByKey(_, direction) | Walk::ByColumn(_, direction) => *direction == Direction::Ascending,
            Walk::Newest | Walk::Unordered => false,
        };
        goes_up && self.is_exact && self.counts_in_sql()
    }

    /// Counts the rows.
    pub(crate) fn count_statement(&self) -> Statement {
        match &self.source {
            Source::Types(pairs) if pairs.is_empty() => Statement::of("SELECT CAST(0 AS bigint)"),
            Source::Types(pairs) => {
                let mut statement = Statement::of("SELECT ");
                for (index, pair) in pairs.iter().enumerate() {
                    statement.push(if index > 0 { " + (SELECT count(*)" } else { "(SELECT count(*)" });
                    self.write_rows(Some(*pair), self.type_index(), false, &mut statement);
                    statement.push(")");
                }
                statement
            }
            _ => {
                let mut statement = Statement::of("SELECT count(*)");
                self.write_rows(None, Index::Type, false, &mut statement);
                statement
            }
        }
    }

    /// All rows: the newest first, or in any order.
    pub(crate) fn stream_statement(&self) -> Statement {
        self.stream(self.dialect.columns())
    }

    pub(super) fn stream(&self, columns: &str) -> Statement {
        if self.is_newest_first() {
            return self.newest(columns);
        }
        let mut statement = Statement::of(format!("SELECT {columns}, NULL"));
        self.write_rows(None, Index::Type, true, &mut statement);
        statement
    }

    /// Whether the rows have to be sorted by id: then only those of the page need items.
    pub(super) fn sorts(&self) -> bool {
        matches!(self.walk, Walk::ById(_)) && !self.is_natural
    }

    /// Whether the rows need not be joined with the items to be sorted.
    pub(super) fn sorts_entries(&self) -> bool {
        matches!(self.source, Source::Keys(_)) && !self.uses_items
    }

    /// The column that the walk goes along beside the id, if any.
    pub(super) fn walk_column(&self) -> Option<&'static str> {
        match &self.walk {
            Walk::ByColumn(column, _) => Some(column.name()),
            Walk::ByKey(..) => Some("k.value"),
            Walk::ById(_) | Walk::Newest | Walk::Unordered => None,
        }
    }

    /// The column of ids that the walk goes along.
    pub(super) fn id_column(&self) -> &'static str {
        if matches!(self.source, Source::Keys(_)) { "k.item" } else { "i.id" }
    }

    /// The index of items that the walk relies on.
    pub(super) fn walk_index(&self) -> Index {
        match &self.walk {
            Walk::ByColumn(Column::Name, _) => Index::Name,
            Walk::ByColumn(Column::UpdatedAt, _) => Index::Update,
            _ => self.type_index(),
        }
    }

    /// Whether items are read along the index of their type, asked for as a range of types: then only this index fits.
    pub(super) fn walks_by_type(&self) -> bool {
        self.dialect.reads_groups_by_range() && self.walk_index() == Index::Type
    }

    /// The index that finds the items of a type.
    pub(super) fn type_index(&self) -> Index {
        if self.has_name { Index::Name } else { Index::Type }
    }
}
