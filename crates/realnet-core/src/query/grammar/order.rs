//! The order of a list: `order=a.desc,b`.

use super::names::{Name, Names, Shape};
use crate::error::{Error, Result};
use crate::query::{Direction, Operand, OrderKey, OrderTerm, Property};

/// The most terms of an order.
const MAX_TERMS: usize = 8;

/// What a search is ordered by when nothing else is asked for.
pub(super) fn by_relevance() -> Vec<OrderTerm> {
    vec![OrderTerm { key: OrderKey::Relevance, direction: Direction::Descending }]
}

pub(super) fn read(names: &Names<'_>, text: Option<&str>) -> Result<Vec<OrderTerm>> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let words: Vec<&str> = text.split(',').collect();
    if words.len() > MAX_TERMS {
        return Err(Error::malformed_at("order", format!("at most {MAX_TERMS} terms")));
    }
    let mut terms = Vec::new();
    for word in words {
        terms.extend(term(names, word.trim())?);
    }
    Ok(without_needless(terms))
}

fn term(names: &Names<'_>, word: &str) -> Result<Option<OrderTerm>> {
    let (name, direction) = if let Some(name) = word.strip_suffix(".desc") {
        (name, Direction::Descending)
    } else {
        (word.strip_suffix(".asc").unwrap_or(word), Direction::Ascending)
    };
    // No item has a value to order by.
    let resolved = names
        .resolve(name, "order")
        .map_err(|error| if name.contains('.') { unknown_direction(name, &error) } else { error })?;
    let Name::Known(target) = resolved else { return Ok(None) };
    let is_list = matches!(target.shape, Shape::Field { is_list: true, .. });
    if is_list || target.is_plural {
        return Err(Error::malformed_at("order", format!("'{name}' is a list and has no order")));
    }
    let operand = match target.operand {
        // Ids sort by creation.
        Operand::Property(Property::CreatedAt) => Operand::Property(Property::Id),
        operand => operand,
    };
    Ok(Some(OrderTerm { key: OrderKey::Operand(operand), direction }))
}

/// A last part that is no part of the name was probably meant as a direction.
fn unknown_direction(name: &str, error: &Error) -> Error {
    let reason = error.violations().first().map_or(error.message(), |violation| &violation.detail);
    Error::malformed_at("order", format!("'{name}': {reason}; a direction is .asc or .desc"))
}

/// Drops what can not matter: everything behind the id, which no two items share, and an ascending id at the end,
/// which every order ends in anyway.
fn without_needless(mut terms: Vec<OrderTerm>) -> Vec<OrderTerm> {
    let is_id = |term: &OrderTerm| term.key == OrderKey::Operand(Operand::Property(Property::Id));
    if let Some(position) = terms.iter().position(is_id) {
        let keep = terms[position].direction == Direction::Descending;
        terms.truncate(position + usize::from(keep));
    }
    terms
}
