//! Predicates as SQL conditions, where SQL says exactly what the core says.
//!
//! Every condition is true or false, never null, so that `NOT`, `AND` and `OR` mean the same on both sides.

use realnet_core::model::Visibility;
use realnet_core::query::{Comparison, Literal, Operand, OrgScope, Predicate, Property};
use uuid::Uuid;

use super::access::write_list;
use super::source::{Names, Source};
use super::test::{FieldTest, KeyTest};
use crate::field_id::field_id;
use crate::row::visibility_number;
use crate::statement::{Bind, Statement};

/// What a condition is written for.
pub(super) struct Filter<'a> {
    pub names: &'a Names<'a>,
    pub source: &'a Source,
    pub scope: OrgScope,
}

impl Filter<'_> {
    /// The condition of a predicate; `None` when SQL can not say it exactly (or not fast) and the core has to.
    pub(super) fn condition(&self, predicate: &Predicate) -> Option<Statement> {
        if let Some(test) = FieldTest::of(predicate) {
            return self.field(&test);
        }
        match predicate {
            Predicate::All => Some(Statement::of("1 = 1")),
            Predicate::Nothing => Some(Statement::of("1 = 0")),
            Predicate::And(all) => self.joined(all, " AND "),
            Predicate::Or(any) => self.joined(any, " OR "),
            Predicate::Not(inner) => {
                let mut statement = Statement::of("NOT (");
                statement.append(self.condition(inner)?).push(")");
                Some(statement)
            }
            Predicate::Compare { operand: Operand::Property(property), comparison, value } => {
                self.compare(*property, *comparison, value)
            }
            Predicate::In { operand: Operand::Property(property), values } => self.one_of(*property, values),
            Predicate::IsNull(Operand::Property(property)) => {
                Some(Statement::of(format!("{} IS NULL", self.names.column(*property))))
            }
            Predicate::Search(tokens) if !tokens.is_empty() => {
                let mut statement = Statement::new();
                self.names.dialect().has_words(tokens, &mut statement).then(|| {
                    self.names.use_items();
                    statement
                })
            }
            Predicate::Tags(tags) => {
                self.names.use_items();
                let mut statement = Statement::of("(");
                self.names.dialect().has_tags(tags, &mut statement);
                statement.push(")");
                Some(statement)
            }
            Predicate::ValidAt(moment) => {
                let (from, to) =
                    (self.names.column(Property::ValidFrom), self.names.column(Property::ValidTo));
                let mut statement = Statement::of(format!("(({from} IS NULL OR {from} <= "));
                statement.bind(moment.as_micros().into());
                statement.push(format!(") AND ({to} IS NULL OR {to} > "));
                statement.bind(moment.as_micros().into()).push("))");
                Some(statement)
            }
            Predicate::ChildOf(parent) => Some(self.equal(Property::ParentId, (*parent).into())),
            Predicate::Ids(ids) => Some(self.ids(Property::Id, ids)),
            Predicate::Types(types) => Some(self.ids(Property::Type, types)),
            _ => None,
        }
    }

    fn joined(&self, predicates: &[Predicate], word: &'static str) -> Option<Statement> {
        let mut statement = Statement::of("(");
        if predicates.is_empty() {
            statement.push(if word == " AND " { "1 = 1" } else { "1 = 0" });
        }
        for (index, predicate) in predicates.iter().enumerate() {
            if index > 0 {
                statement.push(word);
            }
            statement.append(self.condition(predicate)?);
        }
        statement.push(")");
        Some(statement)
    }

    /// A test of an indexed field: on the row itself when the source is that index, else a look-up.
    fn field(&self, test: &FieldTest) -> Option<Statement> {
        if let Source::Keys(keys) = self.source
            && keys.field == test.field
            && !test.multiple
        {
            let mut statement = Statement::of(if test.negated { "NOT (1 = 1" } else { "(1 = 1" });
            test.test.write("k", &mut statement);
            statement.push(")");
            return Some(statement);
        }
        if !test.is_point() {
            return None;
        }
        if test.test == KeyTest::Never {
            return Some(Statement::of(if test.negated { "1 = 1" } else { "1 = 0" }));
        }
        let mut statement = Statement::new();
        let marks = self.marks(test);
        let is_marked = marks.is_some();
        if let Some(marks) = marks {
            statement.push("(").append(marks).push(" AND ");
        }
        statement.push(if test.negated { "NOT " } else { "" });
        statement.push("EXISTS (SELECT 1 FROM keys f WHERE f.field = ").bind(field_id(&test.field).into());
        match self.scope {
            OrgScope::One(org) => statement.push(" AND f.org = ").bind(org.into()),
            OrgScope::All => statement.push(format!(" AND f.org = {}", self.names.column(Property::Org))),
        };
        test.test.write("f", &mut statement);
        let end = self.names.dialect().end_of_exists();
        statement.push(format!(" AND f.item = {}{end})", self.names.column(Property::Id)));
        if is_marked {
            statement.push(")");
        }
        Some(statement)
    }

    /// What the marks of a row of `keys` say about the test of another field: they may hold where the test does not.
    pub(super) fn marks(&self, test: &FieldTest) -> Option<Statement> {
        let (Source::Keys(_), Some(column), Some(bits)) =
            (self.source, self.names.dialect().marks(), test.marks())
        else {
            return None;
        };
        let mut statement = Statement::of(format!("({column} & "));
        statement.bind(bits.into()).push(") <> 0");
        Some(statement)
    }

    fn compare(&self, property: Property, comparison: Comparison, value: &Literal) -> Option<Statement> {
        if property == Property::Public {
            let Literal::Boolean(wanted) = value else { return None };
            self.names.use_items();
            let public = self.names.dialect().is_public();
            return match comparison {
                Comparison::Eq | Comparison::Neq => {
                    let plain = (comparison == Comparison::Eq) == *wanted;
                    Some(Statement::of(if plain { format!("({public})") } else { format!("NOT ({public})") }))
                }
                _ => None,
            };
        }
        let Some(bind) = bind_of(property, value)? else {
            return Some(Statement::of(if comparison == Comparison::Neq { "1 = 1" } else { "1 = 0" }));
        };
        let ordered = matches!(
            property,
            Property::CreatedAt
                | Property::UpdatedAt
                | Property::ValidFrom
                | Property::ValidTo
                | Property::Version
        );
        let sign = match comparison {
            Comparison::Eq => return Some(self.equal(property, bind)),
            Comparison::Neq => {
                let mut statement = Statement::of("NOT ");
                statement.append(self.equal(property, bind));
                return Some(statement);
            }
            Comparison::Gt if ordered => ">",
            Comparison::Gte if ordered => ">=",
            Comparison::Lt if ordered => "<",
            Comparison::Lte if ordered => "<=",
            _ => return None,
        };
        let column = self.names.column(property);
        let mut statement = Statement::of(format!("({column} IS NOT NULL AND {column} {sign} "));
        statement.bind(bind).push(")");
        Some(statement)
    }

    fn equal(&self, property: Property, bind: Bind) -> Statement {
        let column = self.names.column(property);
        let mut statement = if is_nullable(property) {
            Statement::of(format!("({column} IS NOT NULL AND {column} = "))
        } else {
            Statement::of(format!("({column} = "))
        };
        statement.bind(bind).push(")");
        statement
    }

    fn one_of(&self, property: Property, values: &[Literal]) -> Option<Statement> {
        if property == Property::Public {
            return None;
        }
        let mut binds = Vec::with_capacity(values.len());
        for value in values {
            binds.extend(bind_of(property, value)?);
        }
        if binds.is_empty() {
            return Some(Statement::of("1 = 0"));
        }
        let column = self.names.column(property);
        let mut statement = Statement::of(format!("({column} IS NOT NULL AND {column} IN ("));
        write_list(binds.into_iter(), &mut statement);
        statement.push("))");
        Some(statement)
    }

    fn ids(&self, property: Property, ids: &[Uuid]) -> Statement {
        if ids.is_empty() {
            return Statement::of("1 = 0");
        }
        let mut statement = Statement::of("(");
        self.names.dialect().ids_in(self.names.column(property), ids, &mut statement);
        statement.push(")");
        statement
    }
}

fn is_nullable(property: Property) -> bool {
    matches!(
        property,
        Property::Instance
            | Property::Status
            | Property::ValidFrom
            | Property::ValidTo
            | Property::ParentId
            | Property::LinkedItemId
            | Property::Owner
    )
}

/// What a column of the property is compared with: `None` when the core has to judge, `Some(None)` when nothing is
/// equal to the literal.
#[allow(clippy::option_option, reason = "not known and nothing are different answers")]
fn bind_of(property: Property, value: &Literal) -> Option<Option<Bind>> {
    match (property, value) {
        (Property::Name | Property::Status, Literal::Text(text)) => Some(Some(text.as_str().into())),
        (Property::Visibility, Literal::Text(text)) => Some(
            Visibility::parse(text).map(|visibility| Bind::Int(i64::from(visibility_number(visibility)))),
        ),
        (
            Property::Id | Property::ParentId | Property::LinkedItemId | Property::Owner | Property::Org,
            Literal::Id(id),
        ) => Some(Some((*id).into())),
        (
            Property::CreatedAt | Property::UpdatedAt | Property::ValidFrom | Property::ValidTo,
            Literal::Time(moment),
        ) => Some(Some(moment.as_micros().into())),
        // Whole numbers that a double holds exactly; others are left to the core.
        (Property::Version, Literal::Number(number))
            if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 =>
        {
            Some(Some((*number as i64).into()))
        }
        _ => None,
    }
}
