//! Groups: `or=(a.eq.1,and(b.gt.2,c.is.null))`.

use super::condition::{Conditions, Operator};
use super::lexer::Lexer;
use crate::error::Result;
use crate::query::Predicate;

/// The deepest nesting of groups.
const MAX_DEPTH: usize = 16;

impl Conditions<'_> {
    /// A group that is the value of a parameter `or`, `and`, `not.or` or `not.and`.
    pub(super) fn group_parameter(&mut self, name: &str, value: &str) -> Result<Predicate> {
        let mut lexer = Lexer { rest: value, pointer: name };
        let group = self.group(&mut lexer, name.ends_with("or"), 0)?;
        if !lexer.rest.is_empty() {
            return lexer.error(format!("nothing is expected {}", lexer.place()));
        }
        Ok(if name.starts_with("not.") { Predicate::Not(Box::new(group)) } else { group })
    }

    fn group(&mut self, lexer: &mut Lexer<'_>, is_or: bool, depth: usize) -> Result<Predicate> {
        if depth == MAX_DEPTH {
            return lexer.error(format!("groups nest at most {MAX_DEPTH} deep"));
        }
        lexer.expect("(")?;
        let mut members = Vec::new();
        loop {
            members.push(self.member(lexer, depth)?);
            if lexer.eat(")") {
                break;
            }
            if !lexer.eat(",") {
                return lexer.error(format!("expected ',' or ')' {}", lexer.place()));
            }
        }
        Ok(match members.len() {
            1 => members.remove(0),
            _ if is_or => Predicate::Or(members),
            _ => Predicate::And(members),
        })
    }

    fn member(&mut self, lexer: &mut Lexer<'_>, depth: usize) -> Result<Predicate> {
        let bare = lexer.rest.trim_start_matches("not.");
        let is_or = bare.starts_with("or(");
        if !is_or && !bare.starts_with("and(") {
            return self.comparison(lexer);
        }
        let negations = (lexer.rest.len() - bare.len()) / "not.".len();
        lexer.rest = &bare[if is_or { 2 } else { 3 }..];
        let group = self.group(lexer, is_or, depth + 1)?;
        Ok(if negations % 2 == 1 { Predicate::Not(Box::new(group)) } else { group })
    }

    /// `name.op.value`, where the name may have points: it ends at the first operator.
    fn comparison(&mut self, lexer: &mut Lexer<'_>) -> Result<Predicate> {
        let head = &lexer.rest[..lexer.rest.find([',', '(', ')', '{', '}', '"']).unwrap_or(lexer.rest.len())];
        let first = if head.starts_with("attributes.") { 2 } else { 1 };
        let mut start = 0;
        for (position, segment) in head.split('.').enumerate() {
            let end = start + segment.len();
            let is_operator = segment == "not" || Operator::parse(segment).is_some();
            // An operator stands behind a name and before a point.
            if position >= first && is_operator && end < head.len() {
                let name = head[..start - 1].to_owned();
                lexer.take(start);
                return self.operation(&name, lexer);
            }
            start = end + 1;
        }
        lexer.error(format!("expected name.operator.value {}", lexer.place()))
    }

    fn operation(&mut self, name: &str, lexer: &mut Lexer<'_>) -> Result<Predicate> {
        let mut is_negated = false;
        while lexer.eat("not.") {
            is_negated = !is_negated;
        }
        let word = lexer.rest.split('.').next().unwrap_or_default();
        let Some(operator) = Operator::parse(word).filter(|_| lexer.rest.len() > word.len()) else {
            return lexer.error(format!("expected an operator {}", lexer.place()));
        };
        lexer.take(word.len() + 1);
        self.element(name, is_negated, operator, lexer)
    }
}
