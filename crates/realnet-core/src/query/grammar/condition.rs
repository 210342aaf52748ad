//! One filter: `name=op.value`, to a predicate.

use super::lexer::Lexer;
use super::literal;
use super::names::{Name, Names, Shape, Target};
use crate::error::{Error, Result};
use crate::query::{Comparison, Literal, Operand, Predicate, Property, like};
use crate::registry::TypeInfo;

/// The most comparisons of one request.
const MAX_CONDITIONS: usize = 200;

/// An operator as written before a point.
#[derive(Clone, Copy)]
pub(super) enum Operator {
    Compare(Comparison),
    In,
    Is,
    Contains,
}

impl Operator {
    pub(super) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "eq" => Self::Compare(Comparison::Eq),
            "neq" => Self::Compare(Comparison::Neq),
            "gt" => Self::Compare(Comparison::Gt),
            "gte" => Self::Compare(Comparison::Gte),
            "lt" => Self::Compare(Comparison::Lt),
            "lte" => Self::Compare(Comparison::Lte),
            "like" => Self::Compare(Comparison::Like),
            "ilike" => Self::Compare(Comparison::Ilike),
            "in" => Self::In,
            "is" => Self::Is,
            "cs" => Self::Contains,
            _ => return None,
        })
    }
}

/// What is asked of a value.
pub(super) enum Test {
    Compare(Comparison, String),
    In(Vec<String>),
    IsNull,
    IsBoolean(bool),
    Contains(Vec<String>),
}

/// Collects the filters of a request.
pub(super) struct Conditions<'a> {
    names: &'a Names<'a>,
    count: usize,
    /// Whether any of them looks at the visibility of the listed items.
    pub mentions_visibility: bool,
}

impl<'a> Conditions<'a> {
    pub(super) fn new(names: &'a Names<'a>) -> Self {
        Self { names, count: 0, mentions_visibility: false }
    }

    /// All of the filters.
    pub(super) fn filters(&mut self, filters: &[(&str, &str)]) -> Result<Predicate> {
        let mut all = Predicate::All;
        for (name, value) in filters {
            let one = match *name {
                "or" | "and" | "not.or" | "not.and" => self.group_parameter(name, value)?,
                _ => self.filter(name, value)?,
            };
            all = all.and(one);
        }
        Ok(all)
    }

    /// A filter of its own parameter: the value reaches to the end, quotes and all.
    fn filter(&mut self, name: &str, value: &str) -> Result<Predicate> {
        let bare = value.trim_start_matches("not.");
        let negations = (value.len() - bare.len()) / "not.".len();
        let operator = bare.split_once('.').and_then(|(word, rest)| Some((Operator::parse(word)?, rest)));
        let Some((operator, rest)) = operator else {
            return self.build(name, false, Test::Compare(Comparison::Eq, value.to_owned()), name);
        };
        let mut lexer = Lexer { rest, pointer: name };
        let test = match operator {
            Operator::Compare(comparison) => {
                let text = lexer.take(rest.len());
                Test::Compare(comparison, text.to_owned())
            }
            Operator::Is => {
                let word = lexer.take(rest.len());
                is_test(word, name)?
            }
            Operator::In => Test::In(lexer.list("(", ')')?),
            Operator::Contains => Test::Contains(lexer.list("{", '}')?),
        };
        if !lexer.rest.is_empty() {
            return lexer.error(format!("nothing is expected {}", lexer.place()));
        }
        self.build(name, negations % 2 == 1, test, name)
    }

    /// A filter inside a group, read up to the comma or parenthesis that ends it.
    pub(super) fn element(
        &mut self,
        name: &str,
        is_negated: bool,
        operator: Operator,
        lexer: &mut Lexer<'_>,
    ) -> Result<Predicate> {
        let test = match operator {
            Operator::Compare(comparison) => Test::Compare(comparison, lexer.value(')')?),
            Operator::Is => is_test(&lexer.value(')')?, lexer.pointer)?,
            Operator::In => Test::In(lexer.list("(", ')')?),
            Operator::Contains => Test::Contains(lexer.list("{", '}')?),
        };
        self.build(name, is_negated, test, lexer.pointer)
    }

    fn build(&mut self, name: &str, is_negated: bool, test: Test, pointer: &str) -> Result<Predicate> {
        self.count += 1;
        if self.count > MAX_CONDITIONS {
            return Err(Error::malformed_at(pointer, format!("at most {MAX_CONDITIONS} filters")));
        }
        let predicate = if name == "tags" {
            tags(test, pointer)?
        } else {
            match self.names.resolve(name, pointer)? {
                Name::Absent => absent(&test),
                Name::Known(target) => self.of_target(*target, test, pointer)?,
            }
        };
        Ok(if is_negated { Predicate::Not(Box::new(predicate)) } else { predicate })
    }

    fn of_target(&mut self, target: Target, test: Test, pointer: &str) -> Result<Predicate> {
        match target.operand {
            Operand::Property(Property::Visibility) => self.mentions_visibility = true,
            Operand::Property(Property::Type) => return Ok(of_types(&self.names.types, &test)),
            _ => {}
        }
        predicate(target, test, pointer)
    }
}

fn is_test(word: &str, pointer: &str) -> Result<Test> {
    match word {
        "null" => Ok(Test::IsNull),
        "true" => Ok(Test::IsBoolean(true)),
        "false" => Ok(Test::IsBoolean(false)),
        _ => Err(Error::malformed_at(pointer, "expected is.null, is.true or is.false")),
    }
}

fn predicate(target: Target, test: Test, pointer: &str) -> Result<Predicate> {
    let Target { operand, shape, .. } = target;
    let literals = |values: Vec<String>| -> Result<Vec<Literal>> {
        values.iter().map(|value| literal::typed(&shape, value, pointer)).collect()
    };
    Ok(match test {
        Test::IsNull => Predicate::IsNull(operand),
        Test::IsBoolean(value) => {
            let value = literal::boolean(&shape, value, pointer)?;
            Predicate::Compare { operand, comparison: Comparison::Eq, value }
        }
        Test::Compare(comparison @ (Comparison::Like | Comparison::Ilike), text) => {
            Predicate::Compare { operand, comparison, value: literal::pattern(&shape, &text, pointer)? }
        }
        Test::Compare(comparison, text) => {
            compare(operand, comparison, literal::typed(&shape, &text, pointer)?)
        }
        Test::In(values) => within(operand, literals(values)?),
        Test::Contains(values) => {
            if !may_be_list(&shape) {
                return Err(Error::malformed_at(pointer, "is not a list: cs asks what a list contains"));
            }
            Predicate::Contains { operand, values: literals(values)? }
        }
    })
}

/// Comparisons with ids have one form, so that stores need to know only that.
fn compare(operand: Operand, comparison: Comparison, value: Literal) -> Predicate {
    match (&operand, comparison, &value) {
        (Operand::Property(Property::Id), Comparison::Eq, Literal::Id(id)) => Predicate::Ids(vec![*id]),
        (Operand::Property(Property::ParentId), Comparison::Eq, Literal::Id(id)) => Predicate::ChildOf(*id),
        _ => Predicate::Compare { operand, comparison, value },
    }
}

fn within(operand: Operand, values: Vec<Literal>) -> Predicate {
    if matches!(operand, Operand::Property(Property::Id)) {
        let ids = values.iter().filter_map(|value| match value {
            Literal::Id(id) => Some(*id),
            _ => None,
        });
        return Predicate::Ids(ids.collect());
    }
    Predicate::In { operand, values }
}

fn may_be_list(shape: &Shape) -> bool {
    match shape {
        Shape::Property(_) => false,
        Shape::Field { kind, is_list, .. } => *is_list || *kind == crate::model::FieldKind::Json,
        Shape::Untyped(_) => true,
    }
}

/// What a test says of a value that no item has.
fn absent(test: &Test) -> Predicate {
    match test {
        Test::IsNull | Test::Compare(Comparison::Neq, _) => Predicate::All,
        _ => Predicate::Nothing,
    }
}

fn tags(test: Test, pointer: &str) -> Result<Predicate> {
    match test {
        Test::Contains(tags) => Ok(Predicate::Tags(tags)),
        Test::Compare(Comparison::Eq, tag) => Ok(Predicate::Tags(vec![tag])),
        Test::Compare(Comparison::Neq, tag) => Ok(Predicate::Not(Box::new(Predicate::Tags(vec![tag])))),
        Test::In(tags) => Ok(Predicate::Or(tags.into_iter().map(|tag| Predicate::Tags(vec![tag])).collect())),
        _ => Err(Error::malformed_at(pointer, "tags take cs.{a,b}, eq, neq or in.(a,b)")),
    }
}

/// A test on the type's own name, decided here for each type. Names compare without regard to case.
fn of_types(types: &[&TypeInfo], test: &Test) -> Predicate {
    let same = |name: &str, text: &str| name.to_lowercase() == text.to_lowercase();
    let fits = |name: &str| match test {
        Test::Compare(comparison, text) => match comparison {
            Comparison::Eq => same(name, text),
            Comparison::Neq => !same(name, text),
            Comparison::Gt => name > text.as_str(),
            Comparison::Gte => name >= text.as_str(),
            Comparison::Lt => name < text.as_str(),
            Comparison::Lte => name <= text.as_str(),
            Comparison::Like => like(text, name, false),
            Comparison::Ilike => like(text, name, true),
        },
        Test::In(texts) => texts.iter().any(|text| same(name, text)),
        Test::IsNull | Test::IsBoolean(_) | Test::Contains(_) => false,
    };
    Predicate::Types(types.iter().filter(|info| fits(info.name())).map(|info| info.id()).collect())
}
