//! One part of a list: a source of rows with everything that has to be checked of them, and its statements.

use realnet_core::query::{Comparison, Direction, Literal, Operand, OrgScope, Predicate, Property};
use uuid::Uuid;

use super::Request;
use super::access::Check;
use super::filter::Filter;
use super::order::{Column, Walk};
use super::source::{Names, Source};
use super::test::{FieldTest, KeyTest};
use crate::dialect::{Dialect, Index, Joined};
use crate::field_id::field_id;
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

/// What a part is made of.
pub(super) struct Making<'a, 'b> {
    pub request: Request<'a>,
    pub dialect: &'a dyn Dialect,
    pub source: Source,
    pub types: Vec<Uuid>,
    /// Whether these are all types of the query that may have items.
    pub is_whole: bool,
    pub check: &'b Check,
    /// What has to hold beyond what the source says.
    pub conjuncts: &'b [&'a Predicate],
}

impl<'a> Part<'a> {
    pub(super) fn new(making: Making<'a, '_>) -> Self {
        let Making { request, dialect, source, types, is_whole, check, conjuncts } = making;
        let grants = check.restricted_to(&types);
        let check = if source == Source::Granted { Check::Nothing } else { grants.clone() };
        let names = Names::new(dialect, &source);
        let mut conditions = Statement::new();
        let mut residual: Option<Predicate> = None;
        let mut joins = Statement::new();
        for (index, conjunct) in conjuncts.iter().enumerate() {
            let filter = Filter { names: &names, source: &source, scope: request.scope };
            if dialect.joins_keys()
                && let Some(test) = write_join(conjunct, index, &source, request.scope, &mut joins)
            {
                if let Some(marks) = filter.marks(&test) {
                    conditions.push(" AND ").append(marks);
                }
                continue;
            }
            match filter.condition(conjunct) {
                Some(condition) => {
                    conditions.push(" AND ").append(condition);
                }
                None => {
                    residual = Some(residual.unwrap_or(Predicate::All).and((*conjunct).clone()));
                }
            }
        }
        // These name the types themselves.
        let names_types = matches!(source, Source::Types(_) | Source::Granted);
        if !names_types && (!is_whole || Self::needs_types(request, &source)) {
            let (before, behind) = dialect.aside();
            conditions.push(" AND ").push(before);
            dialect.ids_in(names.column(Property::Type), &types, &mut conditions);
            conditions.push(behind);
        }
        // Written once to learn what it looks at; the check itself may differ between branches.
        check.write(&names, &mut Statement::new());
        let uses_items = names.uses_items();
        let has_name = matches!(source, Source::Types(_)) && conjuncts.iter().any(|one| is_name(one));
        let is_dense = conjuncts.iter().all(|one| is_dense(one, &source)) && !check.is_sparse();
        Self {
            is_dense,
            has_name,
            request,
            dialect,
            source,
            walk: Walk::Unordered,
            is_exact: false,
            is_natural: false,
            types,
            grants,
            check,
            conditions,
            joins,
            uses_items,
            residual,
        }
    }

    /// Lets the rows come in an order.
    pub(super) fn ordered(mut self, walk: Walk, is_exact: bool, is_natural: bool) -> Self {
        self.walk = walk;
        self.is_natural = is_natural;
        self.is_exact = is_exact;
        self
    }

    /// Whether the source may give rows of other types than those of the query.
    fn needs_types(request: Request<'_>, source: &Source) -> bool {
        if let Source::Keys(keys) = source {
            return keys.has_other_types;
        }
        let Request { access, query, scope, .. } = request;
        let all = match scope {
            OrgScope::One(org) => access.registry.types_of(org).filter(|info| !info.is_abstract()).count(),
            OrgScope::All => access.registry.types().filter(|info| !info.is_abstract()).count(),
        };
        all != query.types.len()
    }

    /// Whether rows come in the order of the list, or of its first term.
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
            Walk::Unordered => false,
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

    /// All rows, in any order.
    pub(crate) fn stream_statement(&self) -> Statement {
        self.stream(self.dialect.columns())
    }

    pub(super) fn stream(&self, columns: &str) -> Statement {
        let mut statement = Statement::of(format!("SELECT {columns}, NULL"));
        self.write_rows(None, Index::Type, true, &mut statement);
        statement
    }

    /// From `FROM` to the last condition. `pair`: one branch of [`Source::Types`].
    pub(super) fn write_rows(
        &self,
        pair: Option<(Uuid, Uuid)>,
        index: Index,
        with_items: bool,
        statement: &mut Statement,
    ) {
        let with_items = with_items || self.uses_items;
        match &self.source {
            Source::Types(pairs) => self.write_types(pair, pairs, index, statement),
            Source::Everything => {
                statement.push(" FROM items i WHERE 1 = 1");
                self.write_org(statement);
            }
            Source::Keys(_) => self.write_keys(with_items, statement),
            Source::Children(parent) => {
                statement.push(" FROM items i").push(self.dialect.index(Index::Parent));
                statement.push(" WHERE i.parent = ").bind((*parent).into());
                self.write_org(statement);
            }
            Source::Descendants(root) => {
                statement
                    .push(" FROM (WITH RECURSIVE down(id) AS (SELECT c.id FROM items c WHERE c.parent = ");
                statement.bind((*root).into());
                statement.push(
                    " UNION ALL SELECT c.id FROM items c JOIN down ON c.parent = down.id) SELECT id FROM down) d",
                );
                statement.push(self.dialect.join(Joined::Descendants)).push(" WHERE 1 = 1");
                self.write_org(statement);
            }
            Source::Ids(ids) if ids.is_empty() => {
                statement.push(" FROM items i WHERE 1 = 0");
            }
            Source::Ids(ids) => {
                statement.push(" FROM items i WHERE ");
                self.dialect.ids_in("i.id", ids, statement);
                self.write_org(statement);
            }
            Source::Granted => {
                statement.push(" FROM (");
                if let Check::Grants(check) = &self.grants {
                    check.write_granted(self.dialect, statement);
                }
                statement.push(") g").push(self.dialect.join(Joined::Grants)).push(" WHERE 1 = 1");
            }
            Source::Search(tokens, newest) => {
                self.dialect.search_source(tokens, *newest, true, statement);
                self.write_org(statement);
            }
            Source::Boxes(boxes) => {
                self.dialect.boxes_source(boxes, true, statement);
                self.write_org(statement);
            }
        }
        statement.append(self.conditions.clone());
        let names = Names::new(self.dialect, &self.source);
        match pair {
            Some((_, type_id)) => self.check.restricted_to(&[type_id]).write(&names, statement),
            None => self.check.write(&names, statement),
        }
    }

    fn write_types(
        &self,
        pair: Option<(Uuid, Uuid)>,
        pairs: &[(Uuid, Uuid)],
        index: Index,
        statement: &mut Statement,
    ) {
        statement.push(" FROM items i");
        if let Some((org, type_id)) = pair {
            statement.push(self.dialect.index(index));
            statement.push(" WHERE i.org = ").bind(org.into());
            if index == Index::Type && self.dialect.reads_groups_by_range() {
                statement.push(" AND i.type >= ").bind(type_id.into());
                statement.push(" AND i.type <= ").bind(type_id.into());
            } else {
                statement.push(" AND i.type = ").bind(type_id.into());
            }
        } else if pairs.is_empty() {
            statement.push(" WHERE 1 = 0");
        } else {
            statement.push(" WHERE ");
            self.dialect.ids_in("i.type", &self.types, statement);
            if let OrgScope::One(org) = self.request.scope {
                statement.push(" AND i.org = ").bind(org.into());
            }
        }
    }

    fn write_keys(&self, with_items: bool, statement: &mut Statement) {
        let Source::Keys(keys) = &self.source else { return };
        statement.push(" FROM keys k").append(self.joins.clone());
        if with_items {
            statement.push(self.dialect.join(Joined::Keys));
        }
        statement.push(" WHERE k.field = ").bind(field_id(&keys.field).into());
        if let OrgScope::One(org) = self.request.scope {
            statement.push(" AND k.org = ").bind(org.into());
        }
        keys.test.write("k", statement);
    }

    fn write_org(&self, statement: &mut Statement) {
        if let OrgScope::One(org) = self.request.scope {
            let (before, behind) = self.dialect.aside();
            statement.push(format!(" AND {before}i.org = ")).bind(org.into()).push(behind);
        }
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
            Walk::ById(_) | Walk::Unordered => None,
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
    fn type_index(&self) -> Index {
        if self.has_name { Index::Name } else { Index::Type }
    }
}

/// Joins the one row of another index that an equality asks for, if the source is an index too. Answers the test.
fn write_join(
    predicate: &Predicate,
    index: usize,
    source: &Source,
    scope: OrgScope,
    joins: &mut Statement,
) -> Option<FieldTest> {
    let (Source::Keys(keys), OrgScope::One(org)) = (source, scope) else { return None };
    let test = FieldTest::of(predicate).filter(|test| !test.negated && test.field != keys.field)?;
    let KeyTest::Equal(_) = &test.test else { return None };
    let alias = format!("f{index}");
    joins.push(format!(" CROSS JOIN keys {alias} ON {alias}.field = ")).bind(field_id(&test.field).into());
    joins.push(format!(" AND {alias}.org = ")).bind(org.into());
    test.test.write(&alias, joins);
    joins.push(format!(" AND {alias}.item = k.item"));
    Some(test)
}

fn is_name(predicate: &Predicate) -> bool {
    matches!(
        predicate,
        Predicate::Compare {
            operand: Operand::Property(Property::Name),
            comparison: Comparison::Eq,
            value: Literal::Text(_),
        }
    )
}

/// Whether a condition is one that most rows fulfil, or that the source's own index tests.
fn is_dense(predicate: &Predicate, source: &Source) -> bool {
    let is_own = match (source, FieldTest::of(predicate)) {
        (Source::Keys(keys), Some(test)) => keys.field == test.field && !test.multiple,
        _ => false,
    };
    let is_visibility = matches!(
        predicate,
        Predicate::Compare {
            operand: Operand::Property(Property::Visibility),
            comparison: Comparison::Neq,
            ..
        }
    );
    is_own || is_visibility || (is_name(predicate) && matches!(source, Source::Types(_)))
}
