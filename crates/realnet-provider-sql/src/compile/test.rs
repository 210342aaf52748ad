//! Comparisons with an indexed field, as tests of the sortable keys that the index holds.

use realnet_core::index::{NULL_KEY, class_range, literal_key};
use realnet_core::query::{AttributePath, Comparison, Literal, Operand, Predicate};
use realnet_core::registry::FieldRef;

use crate::field_id::field_id;
use crate::marks::mark;
use crate::statement::Statement;

/// A test of the column `value` of `keys`.
#[derive(Debug, Clone, PartialEq, Hash)]
pub(super) enum KeyTest {
    /// Every row.
    Any,
    /// No value fits.
    Never,
    /// This key.
    Equal(Vec<u8>),
    /// One of these keys.
    OneOf(Vec<Vec<u8>>),
    /// From the first (and with it, if so) to the second (and with it, if so).
    Range((Vec<u8>, bool), (Vec<u8>, bool)),
}

/// A test of one field; `negated` holds for items without such a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FieldTest {
    pub field: FieldRef,
    pub test: KeyTest,
    pub negated: bool,
    /// Whether an item may have several rows.
    pub multiple: bool,
}

impl FieldTest {
    /// What a predicate says about the rows of one index; `None` when it is about something else or the index can
    /// not tell.
    pub(super) fn of(predicate: &Predicate) -> Option<Self> {
        match predicate {
            Predicate::Compare { operand, comparison, value } => {
                let path = indexed(operand)?;
                compare(path, *comparison, value)
            }
            Predicate::In { operand, values } => {
                let path = indexed(operand)?;
                let mut keys = Vec::with_capacity(values.len());
                for value in values {
                    keys.extend(key(path, value)?);
                }
                keys.sort();
                keys.dedup();
                let test = match keys.len() {
                    0 => KeyTest::Never,
                    1 => KeyTest::Equal(keys.remove(0)),
                    _ => KeyTest::OneOf(keys),
                };
                Some(Self::new(path, test, false))
            }
            Predicate::IsNull(operand) => {
                let path = indexed(operand).filter(|path| !path.sparse)?;
                Some(Self::new(path, KeyTest::Equal(NULL_KEY.to_vec()), false))
            }
            _ => None,
        }
    }

    fn new(path: &AttributePath, test: KeyTest, negated: bool) -> Self {
        let field =
            path.index.clone().unwrap_or_else(|| unreachable!("indexed() answers paths with an index"));
        Self { field, test, negated, multiple: path.multiple }
    }

    /// Whether finding one item's row is a look-up by key.
    pub(super) fn is_point(&self) -> bool {
        match &self.test {
            KeyTest::Equal(_) | KeyTest::Never => true,
            KeyTest::OneOf(keys) => keys.len() <= 16,
            KeyTest::Any | KeyTest::Range(..) => false,
        }
    }

    /// The bits of which an item that passes has one; none when the marks can not tell.
    pub(super) fn marks(&self) -> Option<i64> {
        let bit = |key: &Vec<u8>| mark(field_id(&self.field), key);
        match &self.test {
            _ if self.negated => None,
            KeyTest::Equal(key) => bit(key),
            KeyTest::OneOf(keys) => keys.iter().map(bit).try_fold(0, |all, bit| Some(all | bit?)),
            KeyTest::Any | KeyTest::Never | KeyTest::Range(..) => None,
        }
    }

    /// Whether the rows of the test are the matching items, each once.
    pub(super) fn is_source(&self) -> bool {
        !self.negated && (!self.multiple || matches!(self.test, KeyTest::Equal(_) | KeyTest::Never))
    }
}

/// The path, if its index says all there is to say about the operand.
pub(super) fn indexed(operand: &Operand) -> Option<&AttributePath> {
    match operand {
        Operand::Attribute(path)
            if path.index.is_some()
                && path.kind.is_some()
                && path.path.is_empty()
                && path.constants.is_empty() =>
        {
            Some(path)
        }
        _ => None,
    }
}

/// The key of a literal: `None` when the index can not tell, `Some(None)` when nothing is equal to it.
#[allow(clippy::option_option, reason = "not known and nothing are different answers")]
fn key(path: &AttributePath, literal: &Literal) -> Option<Option<Vec<u8>>> {
    match literal {
        Literal::Untyped(_) => None,
        _ => Some(literal_key(literal, path.kind?)),
    }
}

fn compare(path: &AttributePath, comparison: Comparison, literal: &Literal) -> Option<FieldTest> {
    let key = key(path, literal)?;
    let test = |test| Some(FieldTest::new(path, test, false));
    let Some(key) = key else {
        return match comparison {
            Comparison::Neq => Some(FieldTest::new(path, KeyTest::Never, true)),
            Comparison::Like | Comparison::Ilike => None,
            _ => test(KeyTest::Never),
        };
    };
    let (low, high) = class_range(&key);
    match comparison {
        Comparison::Eq => test(KeyTest::Equal(key)),
        Comparison::Neq => Some(FieldTest::new(path, KeyTest::Equal(key), true)),
        _ if path.multiple => None,
        Comparison::Gt => test(KeyTest::Range((key, false), (high, false))),
        Comparison::Gte => test(KeyTest::Range((key, true), (high, false))),
        Comparison::Lt => test(KeyTest::Range((low, true), (key, false))),
        Comparison::Lte => test(KeyTest::Range((low, true), (key, true))),
        Comparison::Like | Comparison::Ilike => None,
    }
}

impl KeyTest {
    /// Adds the test of `alias.value`, with `AND` before it.
    pub(super) fn write(&self, alias: &str, statement: &mut Statement) {
        match self {
            Self::Any => {}
            Self::Never => {
                statement.push(" AND 1 = 0");
            }
            Self::Equal(key) => {
                statement.push(format!(" AND {alias}.value = ")).bind(key.clone().into());
            }
            Self::OneOf(keys) => {
                statement.push(format!(" AND {alias}.value IN ("));
                super::access::write_list(keys.iter().map(|key| key.clone().into()), statement);
                statement.push(")");
            }
            Self::Range((low, with_low), (high, with_high)) => {
                let above = if *with_low { ">=" } else { ">" };
                let below = if *with_high { "<=" } else { "<" };
                statement.push(format!(" AND {alias}.value {above} ")).bind(low.clone().into());
                statement.push(format!(" AND {alias}.value {below} ")).bind(high.clone().into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use realnet_core::Uuid;
    use realnet_core::model::FieldKind;

    use super::*;

    fn path() -> AttributePath {
        AttributePath {
            key: Arc::from("n"),
            path: Vec::new(),
            kind: Some(FieldKind::Integer),
            multiple: false,
            sparse: false,
            index: Some(FieldRef { declared_by: Uuid::from_u128(1), name: Arc::from("n") }),
            constants: Vec::new(),
        }
    }

    #[test]
    fn ranges_stay_within_the_class() {
        let predicate = Predicate::Compare {
            operand: Operand::Attribute(path()),
            comparison: Comparison::Gt,
            value: Literal::Number(5.0),
        };
        let Some(FieldTest { test: KeyTest::Range((low, false), (high, false)), .. }) =
            FieldTest::of(&predicate)
        else {
            panic!("a range was expected")
        };
        assert!(low < high && high.as_slice() < NULL_KEY);
    }

    #[test]
    fn constants_and_untyped_values_are_left_to_the_core() {
        let mut with_constants = path();
        with_constants.constants.push((Uuid::nil(), None, serde_json::json!(1)));
        assert!(indexed(&Operand::Attribute(with_constants)).is_none());
        let untyped = Predicate::Compare {
            operand: Operand::Attribute(path()),
            comparison: Comparison::Eq,
            value: Literal::Untyped("5".into()),
        };
        assert!(FieldTest::of(&untyped).is_none());
    }
}
