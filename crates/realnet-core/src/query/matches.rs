//! The evaluator: what a predicate means. Stores that can not push one down run this on their candidates, so that
//! every store means the same.

use std::collections::BTreeSet;

use super::value::{Cell, Lookup, Scope};
use super::{Comparison, Literal, Operand, Predicate, geography, like};
use crate::index::{class_range, is_searched, item_tokens, literal_key, natural_key, text_tokens, texts_of};
use crate::model::Item;
use crate::registry::TypeRegistry;

/// Whether `item` satisfies `predicate`. Access is not looked at, except that `lookup` finds readable items only.
pub fn matches(registry: &TypeRegistry, predicate: &Predicate, item: &Item, lookup: &dyn Lookup) -> bool {
    Scope { registry, lookup }.matches(predicate, item)
}

/// How well an item matches the search of a filter: more is better. The number of its words in the name.
pub fn relevance(predicate: &Predicate, item: &Item) -> usize {
    let name: BTreeSet<String> = text_tokens(&item.name).collect();
    search_tokens(predicate).filter(|token| name.contains(*token)).count()
}

fn search_tokens(predicate: &Predicate) -> Box<dyn Iterator<Item = &String> + '_> {
    match predicate {
        Predicate::And(all) => Box::new(all.iter().flat_map(search_tokens)),
        Predicate::Search(tokens) | Predicate::SearchEffective(tokens) => Box::new(tokens.iter()),
        _ => Box::new(std::iter::empty()),
    }
}

impl Scope<'_> {
    fn matches(self, predicate: &Predicate, item: &Item) -> bool {
        match predicate {
            Predicate::All => true,
            Predicate::Nothing => false,
            Predicate::And(all) => all.iter().all(|one| self.matches(one, item)),
            Predicate::Or(any) => any.iter().any(|one| self.matches(one, item)),
            Predicate::Not(inner) => !self.matches(inner, item),
            Predicate::Compare { operand, comparison: Comparison::Neq, value } => {
                !self.compares(operand, Comparison::Eq, value, item)
            }
            Predicate::Compare { operand, comparison, value } => {
                self.compares(operand, *comparison, value, item)
            }
            Predicate::In { operand, values } => self.any(operand, item, |cell| {
                let key = cell.key();
                values.iter().any(|value| compare_key(&key, cell, Comparison::Eq, value))
            }),
            Predicate::IsNull(operand) => {
                let mut found = false;
                self.values(operand, item, &mut |_| found = true);
                !found
            }
            Predicate::Contains { operand, values } => self.contains(operand, values, item),
            Predicate::Tags(tags) => tags.iter().all(|tag| item.tags.contains(tag)),
            Predicate::Search(tokens) | Predicate::SearchEffective(tokens) => self.searches(tokens, item),
            Predicate::Near { lon, lat, metres } => {
                item.location.as_ref().is_some_and(|at| geography::distance(at, *lon, *lat) <= *metres)
            }
            Predicate::Within(area) => {
                item.location.as_ref().is_some_and(|at| geography::is_within(at, area))
            }
            Predicate::ValidAt(at) => {
                item.valid_from.is_none_or(|from| from <= *at) && item.valid_to.is_none_or(|to| *at < to)
            }
            Predicate::ChildOf(parent) => item.parent_id == Some(*parent),
            Predicate::DescendantOf(root) => {
                item.parent_id.is_some()
                    && (item.parent_id == Some(*root) || self.lookup.ancestors(item.id).contains(root))
            }
            Predicate::Ids(ids) => ids.contains(&item.id),
            Predicate::Types(types) => types.contains(&item.type_id),
        }
    }

    fn any(self, operand: &Operand, item: &Item, mut test: impl FnMut(&Cell<'_>) -> bool) -> bool {
        let mut found = false;
        self.elements(operand, item, &mut |cell| found = found || test(&cell));
        found
    }

    fn compares(self, operand: &Operand, comparison: Comparison, value: &Literal, item: &Item) -> bool {
        self.any(operand, item, |cell| compare(cell, comparison, value))
    }

    fn contains(self, operand: &Operand, wanted: &[Literal], item: &Item) -> bool {
        let mut found = false;
        self.values(operand, item, &mut |cell| {
            let kind = cell.kind();
            found = found
                || cell.list().is_some_and(|values| {
                    let cells: Vec<_> = values.iter().map(|value| Cell::Json(value, kind)).collect();
                    let keyed: Vec<_> = cells.iter().map(|cell| (cell.key(), cell)).collect();
                    wanted.iter().all(|wanted| {
                        keyed.iter().any(|(key, cell)| compare_key(key, cell, Comparison::Eq, wanted))
                    })
                });
        });
        found
    }

    /// Every token occurs in the name, an own text attribute, or a constant that is not overridden.
    fn searches(self, tokens: &[String], item: &Item) -> bool {
        let Some(info) = self.registry.by_id(item.type_id) else { return false };
        let own = item_tokens(info, item);
        tokens.iter().all(|token| {
            let constants = info.constants_of(item.instance.as_deref()).iter();
            own.contains(token)
                || constants
                    .filter(|(key, _)| is_searched(info, key) && item.attributes.get(key).is_none())
                    .flat_map(|(_, value)| texts_of(value))
                    .any(|text| text_tokens(text).any(|other| other == *token))
        })
    }
}

/// Compares one value, which is not null, with a literal. Values of different classes are neither equal nor ordered.
fn compare(cell: &Cell<'_>, comparison: Comparison, literal: &Literal) -> bool {
    if matches!(comparison, Comparison::Like | Comparison::Ilike) {
        let (Literal::Text(pattern) | Literal::Untyped(pattern)) = literal else { return false };
        return cell.text().is_some_and(|text| like(pattern, text, comparison == Comparison::Ilike));
    }
    compare_key(&cell.key(), cell, comparison, literal)
}

/// The same with the key of the value at hand: making it reads all of a long text.
fn compare_key(key: &[u8], cell: &Cell<'_>, comparison: Comparison, literal: &Literal) -> bool {
    readings(literal, cell).iter().any(|wanted| {
        let wanted = wanted.as_slice();
        let (from, to) = class_range(wanted);
        let same_class = key >= from.as_slice() && key < to.as_slice();
        same_class
            && match comparison {
                Comparison::Eq => key == wanted,
                Comparison::Gt => key > wanted,
                Comparison::Gte => key >= wanted,
                Comparison::Lt => key < wanted,
                Comparison::Lte => key <= wanted,
                // Neq is the negation of Eq over all values, the patterns are handled above.
                Comparison::Neq | Comparison::Like | Comparison::Ilike => false,
            }
    })
}

/// The keys that a literal may mean: one when typed, up to three when not.
fn readings(literal: &Literal, cell: &Cell<'_>) -> Vec<Vec<u8>> {
    match literal {
        Literal::Untyped(text) => untyped_readings(text).iter().map(natural_key).collect(),
        typed => literal_key(typed, cell.kind()).into_iter().collect(),
    }
}

/// The JSON values that untyped text may mean: itself, and the number or boolean that it reads as.
pub fn untyped_readings(text: &str) -> Vec<serde_json::Value> {
    let mut readings = vec![serde_json::Value::from(text)];
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    readings.extend(number.map(serde_json::Value::from));
    readings.extend(text.parse::<bool>().ok().map(serde_json::Value::from));
    readings
}
