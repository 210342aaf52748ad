//! The two parameters of aggregates: `select=count(),sum(amount)` and `group=status,type`.

use super::lexer::Lexer;
use super::names::{Name, Names, Shape, Target};
use crate::error::{Error, Result};
use crate::model::FieldKind;
use crate::query::aggregate::{Figure, Function, GroupTerm, Measure, Measured, Wants};
use crate::query::{Direction, Operand, OrderKey, OrderTerm, Property};

/// The most figures.
const MAX_FIGURES: usize = 50;
/// The most terms that are grouped by.
const MAX_TERMS: usize = 8;
/// What there is when nothing is selected.
const DEFAULT: &str = "count()";

/// What `select` and `group` ask for.
#[derive(Default)]
pub(super) struct Asked {
    pub groups: Vec<GroupTerm>,
    pub measures: Vec<Measure>,
    pub figures: Vec<Figure>,
}

pub(super) fn read(names: &Names<'_>, select: Option<&str>, group: Option<&str>) -> Result<Asked> {
    let mut asked = Asked::default();
    asked.read_figures(names, select.unwrap_or(DEFAULT))?;
    if let Some(group) = group {
        asked.read_groups(names, group)?;
    }
    Ok(asked)
}

impl Asked {
    /// Every operand as a term of an order: what stores look at to learn what else an item takes to be judged.
    pub(super) fn order(&self) -> Vec<OrderTerm> {
        let groups = self.groups.iter().filter_map(|term| term.operand.as_ref());
        let operands = groups.chain(self.measures.iter().map(|measure| &measure.operand));
        let term = |operand: &Operand| OrderTerm {
            key: OrderKey::Operand(operand.clone()),
            direction: Direction::Ascending,
        };
        operands.map(term).collect()
    }

    fn read_figures(&mut self, names: &Names<'_>, text: &str) -> Result<()> {
        let mut lexer = Lexer { rest: text, pointer: "select" };
        loop {
            let end = lexer.rest.find(['(', ')', ',']).unwrap_or(lexer.rest.len());
            let word = lexer.take(end).trim();
            let Some(function) = Function::parse(word) else {
                let detail =
                    format!("'{word}' is no function: expected count(), sum(x), avg(x), min(x) or max(x)");
                return lexer.error(detail);
            };
            lexer.expect("(")?;
            let end = lexer.rest.find(['(', ')']).unwrap_or(lexer.rest.len());
            let of = lexer.take(end).trim();
            lexer.expect(")")?;
            let name = format!("{word}({of})");
            if self.figures.iter().any(|figure| figure.name == name) {
                return lexer.error(format!("{name} is given twice"));
            }
            if self.figures.len() == MAX_FIGURES {
                return lexer.error(format!("at most {MAX_FIGURES} figures"));
            }
            let of = self.measured(names, function, of)?;
            self.figures.push(Figure { name, function, of });
            if !lexer.eat(",") {
                break;
            }
        }
        if lexer.rest.is_empty() {
            Ok(())
        } else {
            lexer.error(format!("nothing is expected {}", lexer.place()))
        }
    }

    /// What a function is of, and what has to be known of it.
    fn measured(&mut self, names: &Names<'_>, function: Function, of: &str) -> Result<Measured> {
        if of.is_empty() {
            return match function {
                Function::Count => Ok(Measured::Items),
                _ => Err(malformed(format!("{}() needs a field: {0}(amount)", function.as_str()))),
            };
        }
        // A field that the caller may not read is looked at no further: what kind it is, is not told either.
        let Name::Known(target) = names.resolve(of, "select")? else { return Ok(Measured::Nothing) };
        let is_list = matches!(target.shape, Shape::Field { is_list: true, .. });
        if target.is_plural || (is_list && function != Function::Count) {
            return Err(malformed(format!("'{of}' is a list: {} takes single values", function.as_str())));
        }
        let wants = wants(&target, function, of)?;
        let operand = target.operand;
        let known = self.measures.iter().position(|measure| measure.operand == operand);
        let index = known.unwrap_or_else(|| {
            self.measures.push(Measure { operand, wants });
            self.measures.len() - 1
        });
        self.measures[index].wants = self.measures[index].wants.or(wants);
        Ok(Measured::Measure(index))
    }

    fn read_groups(&mut self, names: &Names<'_>, text: &str) -> Result<()> {
        for word in text.split(',').map(str::trim) {
            let malformed = |detail: String| Err(Error::malformed_at("group", detail));
            if self.groups.iter().any(|term| term.name == word) {
                return malformed(format!("'{word}' is given twice"));
            }
            if self.groups.len() == MAX_TERMS {
                return malformed(format!("at most {MAX_TERMS} terms"));
            }
            // These would be taken for figures.
            if word.contains(['(', ')']) {
                return malformed(format!("'{word}' is no name"));
            }
            let operand = match names.resolve(word, "group")? {
                Name::Absent => None,
                Name::Known(target) => {
                    let is_list = matches!(target.shape, Shape::Field { is_list: true, .. });
                    if is_list || target.is_plural {
                        return malformed(format!("'{word}' is a list: items are grouped by single values"));
                    }
                    Some(target.operand)
                }
            };
            self.groups.push(GroupTerm { name: word.to_owned(), operand });
        }
        Ok(())
    }
}

/// What a function has to know of its values; an error when they are none that it takes.
fn wants(target: &Target, function: Function, of: &str) -> Result<Wants> {
    let decimal = !target.kinds.is_empty() && target.kinds.iter().all(|kind| *kind == FieldKind::Decimal);
    match function {
        Function::Count => Ok(Wants { decimal, ..Wants::default() }),
        Function::Min | Function::Max => Ok(Wants { ends: true, decimal, ..Wants::default() }),
        Function::Sum | Function::Avg => {
            let name = function.as_str();
            if let Shape::Property(property) = target.shape
                && property != Property::Version
            {
                return Err(malformed(format!("'{of}' is no number: {name} takes numbers")));
            }
            let is_number = |kind: &FieldKind| {
                matches!(kind, FieldKind::Integer | FieldKind::Number | FieldKind::Decimal | FieldKind::Json)
            };
            if !target.kinds.iter().all(is_number) {
                return Err(malformed(format!("'{of}' is no number: {name} takes numbers")));
            }
            if !decimal && target.kinds.contains(&FieldKind::Decimal) {
                let detail =
                    format!("'{of}' is a decimal in some of these types only: narrow them by types=");
                return Err(malformed(detail));
            }
            Ok(Wants { sum: true, decimal, ..Wants::default() })
        }
    }
}

fn malformed(detail: String) -> Error {
    Error::malformed_at("select", detail)
}
