//! Reading a folder: what the documents, the logs and the journal say together is the state.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use realnet_core::Uuid;
use realnet_core::change::SourceRecord;
use realnet_core::clock::{IdSource as _, System};
use realnet_core::error::Result;
use realnet_core::model::TypeDefinition;
use realnet_core::provider::StoreRecord;
use realnet_core::registry::TypeGrants;
use serde_json::Value;

use super::changes::{self, Logs, Tail};
use super::codec::{self, Codec};
use super::index::{self, Index};
use super::items::{self, Sources};
use super::journal::Left;
use super::known::{self, Folder, Journaled};
use super::layout::{self, Place};
use super::lines::Lines;
use super::private::{self, Private};
use super::problem::{Problem, refusal};
use super::scan::{Found, Scan, scan};
use super::shelf::Stamp;
use super::{log, noted, parallel, shape, shelf};
use crate::memory::{Effect, State, Touch};

/// A folder as it was read.
pub(super) struct Loaded {
    pub(super) state: State,
    /// The stamps under which documents are known.
    pub(super) known: HashMap<String, Stamp>,
    /// Where the change logs end.
    pub(super) tails: HashMap<Uuid, Tail>,
    /// The index of documents, if it has to be written anew.
    pub(super) new_index: Option<Vec<(String, String)>>,
    /// The lengths of the index as it is.
    pub(super) index: Extent,
    /// The private log beside what the state has of it.
    pub(super) private: Private,
    /// What it is to say of types.
    pub(super) notes: Vec<(String, String)>,
    /// Types whose documents are to say what they keep hidden.
    pub(super) retired: Vec<Effect>,
    /// The files that are passed over, which was told.
    pub(super) others: BTreeSet<String>,
    /// The documents that somebody has changed by hand since a server had the folder.
    pub(super) unseen: Vec<String>,
    /// Those of them that no server will take, and why.
    pub(super) refused: Vec<Problem>,
}

/// How much of a log is whole, and how much of that counts, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub(super) good: u64,
    pub(super) live: u64,
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
    let scan = scan(root, extension)?;
    scan.tell_of_others(&BTreeSet::new());
    let Scan { found, foreign: mut problems, others, .. } = scan;
    let journaled = known::journaled(left, extension);
    let mut state = State::default();
    let private = private::read(root, left, &mut state)?;
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
    let registry = noted::registry(&state, &private.types).map_err(|error| {
        problems.push(Problem::new("types", error.message()));
        problems.extend(error.violations().iter().map(|violation| Problem::new("types", &violation.detail)));
        refusal(std::mem::take(&mut problems))
    })?;
    let retired = noted::keep(&mut state, &registry, extension);
    let notes = noted::lines(&state, &private.types)?;
    let log = log::read(&index::path(root))?;
    let lines = log.lines();
    let index = read_index(&lines, left, &stamps, &first_changes);
    let folder = Folder { root, codec, found: &found, index: index.as_ref(), journaled: &journaled };
    let mut items = items::read(&Sources { folder: &folder, registry: &registry }, &mut problems);
    let refused = std::mem::take(&mut items.refused);
    let mut known = folder.known(&items);
    let unseen = folder.unseen(&known);
    items::put_into(items, left, &registry, extension, &mut state, &mut problems);
    if !problems.is_empty() {
        return Err(refusal(problems));
    }
    overlay_rest(left, &mut state);
    let anew = || index::all(&state, &known, &stamps, extension);
    let new_index = if index.is_none() { Some(anew()?) } else { None };
    let index = Extent { good: lines.good, live: index.map_or(0, |index| index.live) };
    known.retain(|document, _| !document.starts_with("changes/"));
    Ok(Loaded { state, known, tails, new_index, index, private, notes, retired, others, unseen, refused })
}

/// The index, when it is in order and fits. One that was cut short while the journal has what is missing is in order.
fn read_index<'a>(
    lines: &Lines<'a>,
    left: &Left,
    stamps: &[(String, Stamp)],
    first_changes: &HashMap<Uuid, i64>,
) -> Option<Index<'a>> {
    if lines.bad.is_some() && (left.effects.is_empty() || !lines.behind.is_empty()) {
        tracing::warn!("the index is damaged, and is made anew: this start reads all documents");
        return None;
    }
    let grown = |document: &str| {
        let mut orgs = first_changes.iter().map(|(org, first)| (org, layout::segment(*org, *first)));
        orgs.any(|(org, first)| {
            document.starts_with(&format!("changes/{org}/")) && document >= first.as_str()
        })
    };
    Index::read(&lines.whole, stamps, grown)
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

/// Reads the documents of all that are no items.
fn read_small(
    root: &Path,
    codec: &dyn Codec,
    found: &[Found],
    journaled: &Journaled<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<(String, Value)> {
    let small: Vec<&Found> = found
        .iter()
        .filter(|found| !matches!(found.place, Place::Item(_)) && !journaled.contains_key(&found.document))
        .collect();
    let read = parallel::map(&small, |found| read(&root.join(&found.document), &found.document, codec));
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

/// The text of a document; `None` when it is gone.
pub(super) fn text(path: &Path, document: &str) -> Result<Option<Vec<u8>>, Problem> {
    shelf::read(path).map_err(|error| Problem::new(document, error.report()))
}

/// What the text of a document says.
pub(super) fn value(text: &[u8], document: &str, codec: &dyn Codec) -> Result<Value, Problem> {
    codec::read(codec, text, document).map_err(|fault| Problem { document: document.to_owned(), fault })
}

/// The value of a document; `None` when it is gone.
pub(super) fn read(path: &Path, document: &str, codec: &dyn Codec) -> Result<Option<Value>, Problem> {
    text(path, document)?.map(|text| value(&text, document, codec)).transpose()
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

/// Whether an effect is of types, or of what belongs to them.
pub(super) fn is_of_types(effect: &Effect) -> bool {
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

    fn setting(name: &str) -> Effect {
        Effect::Put(StoreRecord::Setting { name: name.to_owned(), value: vec![1] })
    }

    #[test]
    fn an_index_counts_unless_it_is_damaged_or_of_another_change_log() {
        let (org, stamp) = (Uuid::from_u128(3), Stamp { modified: 1, changed: 2, size: 3 });
        let grown = Stamp { size: 4, ..stamp };
        let segment = layout::segment(org, 1);
        let mut text = Vec::new();
        for document in [segment.as_str(), "items/Item/a.json", "items/Item/b.json"] {
            super::super::lines::add(&mut text, &format!("{document}\t{}", index::entry(stamp, "{}")));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.log");
        let counts = |text: &[u8], now: Stamp, effects: Vec<Effect>| {
            std::fs::write(&path, text).unwrap();
            let log = log::read(&path).unwrap();
            let mut left = Left::default();
            left.effects = effects;
            let (stamps, first) = (vec![(segment.clone(), now)], first_changes(&left));
            read_index(&log.lines(), &left, &stamps, &first).map(|index| index.items().count())
        };
        let torn = &text[..text.len() - 5];
        let change = || vec![Effect::Gone(Touch::Change(org, 7))];
        assert_eq!(counts(&text, stamp, Vec::new()), Some(3));
        assert_eq!(counts(torn, stamp, vec![setting("a")]), Some(2));
        assert_eq!(counts(torn, stamp, Vec::new()), None, "nobody knows what is missing");
        assert_eq!(counts(&text, grown, Vec::new()), None);
        assert_eq!(counts(&text, grown, vec![setting("a")]), None);
        assert_eq!(counts(&text, grown, change()), Some(3), "the journal has what was added");
        let mut damaged = text.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        assert_eq!(counts(&damaged, stamp, change()), None);
    }
}
