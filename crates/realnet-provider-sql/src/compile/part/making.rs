//! Making a part: which conditions SQL checks of its rows, and which are left to the core.

use realnet_core::query::{Comparison, Literal, Operand, OrgScope, Predicate, Property};
use uuid::Uuid;

use super::super::Request;
use super::super::access::Check;
use super::super::filter::Filter;
use super::super::order::Walk;
use super::super::source::{Names, Source, boxes_of};
use super::super::test::{FieldTest, KeyTest};
use super::Part;
use crate::dialect::Dialect;
use crate::field_id::field_id;
use crate::statement::Statement;

/// What a part is made of.
pub(in crate::compile) struct Making<'a, 'b> {
    pub request: Request<'a>,
    pub dialect: &'a dyn Dialect,
    pub source: Source,
    pub types: Vec<Uuid>,
    /// Whether these are all types of the query that may have items.
    pub is_whole: bool,
    /// Whether rows of any type will do.
    pub is_any: bool,
    pub check: &'b Check,
    /// What has to hold beyond what the source says.
    pub conjuncts: &'b [&'a Predicate],
}

impl<'a> Part<'a> {
    pub(in crate::compile) fn new(making: Making<'a, '_>) -> Self {
        let Making { request, dialect, source, types, is_whole, is_any, check, conjuncts } = making;
        let grants = check.restricted_to(&types);
        let check = if source == Source::Granted { Check::Nothing } else { grants.clone() };
        let names = Names::new(dialect, &source);
        let mut conditions = Statement::new();
        let guard = dialect.guard(matches!(source, Source::Keys(_)));
        if !guard.is_empty() {
            conditions.push(guard);
        }
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
            if let Some(condition) = filter.condition(conjunct) {
                conditions.push(" AND ").append(condition);
            } else {
                write_box(conjunct, &names, &source, &mut conditions);
                residual = Some(residual.unwrap_or(Predicate::All).and((*conjunct).clone()));
            }
        }
        // These name the types themselves.
        let names_types = matches!(source, Source::Types(_) | Source::Granted);
        if !names_types && !is_any && (!is_whole || Self::needs_types(request, &source)) {
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

/// Adds what must hold of the bounds of an item where a place is asked for that the core decides on, unless the rows were
/// found by their places.
fn write_box(predicate: &Predicate, names: &Names<'_>, source: &Source, conditions: &mut Statement) {
    if matches!(source, Source::Boxes(_)) {
        return;
    }
    let Some(boxes) = boxes_of(predicate) else { return };
    let mut condition = Statement::of(" AND ");
    if names.dialect().touches(&boxes, &mut condition) {
        names.use_items();
        conditions.append(condition);
    }
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
