//! Reading a folder: what the documents, the logs and the journal say together is the state.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use realnet_core::Uuid;
use realnet_core::change::SourceRecord;
use realnet_core::clock::{IdSource as _, System};
use realnet_core::error::Result;
use realnet_core::model::TypeDefinition;
use realnet_core::provider::StoreRecord;
use realnet_core::registry::{TypeGrants, TypeRegistry};
use serde_json::Value;

use super::changes::{self, Logs, Tail};
use super::codec::{self, Codec};
use super::index::{self, Index};
use super::items::{self, Sources};
use super::journal::Left;
use super::layout::{self, PRIVATE, Place};
use super::lines::Log;
use super::problem::{Problem, refusal};
use super::scan::{Found, Scan, scan};
use super::shelf::Stamp;
use super::{log, parallel, shape, shelf, wire};
use crate::memory::{Effect, State, Touch};

/// The name of the log of private values.
pub(super) const PRIVATE_LOG: &str = "private.log";

/// A folder as it was read.
pub(super) struct Loaded {
    pub(super) state: State,
    /// The stamps under which documents are known.
    pub(super) known: HashMap<String, Stamp>,
    /// Where the change logs end.
    pub(super) tails: HashMap<Uuid, Tail>,
    /// The index of documents, if it has to be written anew.
    pub(super) index: Option<Vec<(String, String)>>,
    /// How many lines the index and the private log have, and how many of them count.
    pub(super) index_good: u64,
    pub(super) private: Private,
}

/// The private log as it was read.
pub(super) struct Private {
    pub(super) good: u64,
    /// The values that count, when there is much else in the log.
    pub(super) rewrite: Option<Vec<(String, String)>>,
}

/// The documents of types and what belongs to them.
#[derive(Default)]
struct Parts {
    types: BTreeMap<Uuid, (String, TypeDefinition)>,
    grants: BTreeMap<Uuid, Vec<TypeGrants>>,
    sources: Vec<SourceRecord>,
}

/// Reads the folder.
///
/// # Errors
/// Conflict when documents are not in order, with all of them.
pub(super) fn load(root: &Path, codec: &dyn Codec, left: &Left) -> Result<Loaded> {
    let extension = codec.extension();
    let Scan { found, foreign: mut problems } = scan(root, extension)?;
    let journaled = journaled(left, extension);
    let mut state = State::default();
    let private = read_private(root, left, &mut state)?;
    let mut parts = Parts::default();
    for (document, value) in read_small(root, codec, &found, &journaled, &mut problems) {
        if let Err(problem) = parts.add(&document, value, extension) {
            problems.push(problem);
        }
    }
    let first_changes = first_changes(left);
    let Logs { changes, tails, stamps } = changes::read(root, &first_changes, &mut problems)?;
    state.changes = changes;
    parts.put_into(&mut state);
    overlay_types(left, &mut state);
    let registry = TypeRegistry::build(state.snapshot());
    let registry = registry.map_err(|error| {
        problems.push(Problem::new("types", error.message()));
        problems.extend(error.violations().iter().map(|violation| Problem::new("types", &violation.detail)));
        refusal(std::mem::take(&mut problems))
    })?;
    let log = log::read(&index::path(root))?;
    let lines = log.lines();
    let index = Index::read(&lines.whole, &stamps);
    let sources = Sources { root, codec, registry: &registry, index: index.as_ref(), journaled: &journaled };
    let items = items::read(&sources, &found, &mut problems);
    let mut known = known(&found, index.as_ref(), &journaled, &items);
    items::put_into(items, left, &registry, extension, &mut state, &mut problems);
    if !problems.is_empty() {
        return Err(refusal(problems));
    }
    overlay_rest(left, &mut state);
    let rewrite = index.as_ref().is_none_or(|index| index.is_worn(lines.whole.len()));
    let index = rewrite.then(|| index::all(&state, &known, &stamps, extension)).transpose()?;
    known.retain(|document, _| !document.starts_with("changes/"));
    Ok(Loaded { state, known, tails, index, index_good: lines.good, private })
}

/// The documents of which the journal knows what they are to say, whatever they say now.
fn journaled(left: &Left, extension: &str) -> HashSet<String> {
    let touches = left.effects.iter().filter_map(Effect::touch);
    touches.filter_map(|touch| layout::document(&touch, extension)).collect()
}

/// The first revision of each org that the journal has.
fn first_changes(left: &Left) -> HashMap<Uuid, i64> {
    let mut first = HashMap::new();
    for touch in left.effects.iter().filter_map(Effect::touch) {
        if let Touch::Change(org, revision) = touch {
            first.entry(org).or_insert(revision);
        }
    }
    first
}

fn read_private(root: &Path, left: &Left, state: &mut State) -> Result<Private> {
    let path = root.join(PRIVATE).join(PRIVATE_LOG);
    let log = Log::read(&path)?;
    let found = log.lines();
    if let Some(bad) = found.bad.filter(|_| left.effects.is_empty()) {
        return Err(damaged(&path, bad));
    }
    let latest = log::latest(&found.whole);
    for value in latest.values() {
        let effect = serde_json::from_str(value).map_err(|error| error.to_string()).and_then(wire::effect_of);
        match effect {
            Ok(effect) => state.overlay(&effect),
            Err(why) => return Err(damaged(&path, 0).with_internal(why)),
        }
    }
    let is_worn = found.whole.len() > 2 * latest.len() + 1000;
    let rewrite = is_worn.then(|| owned(&latest));
    Ok(Private { good: found.good, rewrite })
}

fn owned(latest: &HashMap<&str, &str>) -> Vec<(String, String)> {
    latest.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn damaged(path: &Path, line: usize) -> realnet_core::Error {
    let message = format!("{} is damaged in line {line}: restore it from a backup", path.display());
    realnet_core::Error::conflict(message)
}

/// Reads the documents of all that are no items.
fn read_small(
    root: &Path,
    codec: &dyn Codec,
    found: &[Found],
    journaled: &HashSet<String>,
    problems: &mut Vec<Problem>,
) -> Vec<(String, Value)> {
    let small: Vec<&Found> = found
        .iter()
        .filter(|found| !matches!(found.place, Place::Item(_)) && !journaled.contains(&found.document))
        .collect();
    let read = parallel::map(&small, |found| value(&root.join(&found.document), &found.document, codec));
    let mut values = Vec::new();
    for (found, value) in small.into_iter().zip(read) {
        match value {
            Ok(Some(value)) => values.push((found.document.clone(), value)),
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    values
}

/// The value of a document; `None` when it is gone.
pub(super) fn value(path: &Path, document: &str, codec: &dyn Codec) -> Result<Option<Value>, Problem> {
    let text = shelf::read(path).map_err(|error| Problem::new(document, error.report()))?;
    let Some(text) = text else { return Ok(None) };
    match codec::read(codec, &text) {
        Ok(value) => Ok(Some(value)),
        Err(fault) => Err(Problem { document: document.to_owned(), fault }),
    }
}

/// Refuses the document of a type without an id: one that is made up here would be another at each start, and items name their
/// type by it.
fn expect_id(value: &Value, proposed: Uuid) -> Result<(), String> {
    match value.get("id") {
        Some(id) if !id.is_null() => Ok(()),
        // What is no object is refused by those who read it.
        None if !value.is_object() => Ok(()),
        _ => Err(format!(
            "a type needs an 'id' here: write one that nothing else has into it, such as {proposed}"
        )),
    }
}

impl Parts {
    fn add(&mut self, document: &str, value: Value, extension: &str) -> Result<(), Problem> {
        let problem = |message: String| Problem::new(document, message);
        match layout::place(document, extension).map_err(problem)? {
            Place::Type(org, name) => {
                let id = System.next_id();
                expect_id(&value, id).map_err(problem)?;
                let info = shape::type_definition(value, org, &name, id).map_err(problem)?;
                if let Some((other, _)) = self.types.get(&info.id) {
                    return Err(problem(format!("has the id {} that {other} has, too", info.id)));
                }
                self.types.insert(info.id, (document.to_owned(), info));
            }
            Place::Grants(org) => {
                self.grants.insert(org, shape::grants(value, org).map_err(problem)?);
            }
            Place::Source(org, kind, object) => {
                self.sources.push(shape::source(value, (org, kind, object)).map_err(problem)?);
            }
            Place::Item(_) => {}
        }
        Ok(())
    }

    fn put_into(self, state: &mut State) {
        state.types = self.types.into_values().map(|(_, info)| (info.id, info)).collect();
        state.type_grants = self.grants.into_values().flatten().collect();
        for source in self.sources {
            state.sources.insert((source.org, source.kind, source.object), source);
        }
        // A store whose private log is gone has types all the same.
        if state.type_revision == 0 && !state.types.is_empty() {
            state.type_revision = 1;
        }
    }
}

fn is_of_types(effect: &Effect) -> bool {
    matches!(
        effect.touch(),
        Some(Touch::Type(..) | Touch::Grants(_) | Touch::TypeRevision | Touch::Source(_))
    )
}

fn overlay_types(left: &Left, state: &mut State) {
    left.effects.iter().filter(|effect| is_of_types(effect)).for_each(|effect| state.overlay(effect));
}

/// Items are put in by then, with their indexes.
fn overlay_rest(left: &Left, state: &mut State) {
    let is_item = |effect: &Effect| matches!(effect.touch(), Some(Touch::Item(..)));
    let rest = left.effects.iter().filter(|effect| !is_of_types(effect) && !is_item(effect));
    rest.for_each(|effect| state.overlay(effect));
}

/// The stamps under which documents are known: that of the index where it knows one, so that what has changed since then is
/// seen as a change.
fn known(
    found: &[Found],
    index: Option<&Index<'_>>,
    journaled: &HashSet<String>,
    items: &items::Read,
) -> HashMap<String, Stamp> {
    let mut known = HashMap::with_capacity(found.len());
    for found in found {
        let is_read =
            !matches!(found.place, Place::Item(_)) || items.from_documents.contains(&found.document);
        let indexed = index.and_then(|index| index.stamp(&found.document));
        if journaled.contains(&found.document) || is_read {
            known.insert(found.document.clone(), found.stamp);
        } else if let Some(stamp) = indexed {
            known.insert(found.document.clone(), stamp);
        }
    }
    // Documents that are gone are missed.
    for (document, stamp) in index.into_iter().flat_map(Index::items) {
        if !journaled.contains(document) {
            known.entry(document.to_owned()).or_insert(stamp);
        }
    }
    known
}

/// The record of an effect, when it puts an item.
pub(super) fn item_of(effect: &Effect) -> Option<&realnet_core::model::Item> {
    match effect {
        Effect::Put(StoreRecord::Item(item)) => Some(item),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_type_has_the_same_id_at_each_start() {
        let mut parts = Parts::default();
        for value in [json!({"fields": []}), json!({"id": null})] {
            let refused = parts.add("types/Task.json", value, "json").unwrap_err();
            assert!(refused.to_string().starts_with("types/Task.json: a type needs an 'id'"), "{refused}");
        }
        let id = Uuid::from_u128(7);
        parts.add("types/Task.json", json!({ "id": id }), "json").unwrap();
        assert_eq!(parts.types.keys().collect::<Vec<_>>(), [&id]);
    }
}
