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
use super::known::{self, Folder, Journaled};
use super::layout::{self, PRIVATE, Place};
use super::lines::{Lines, Log};
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
    pub(super) new_index: Option<Vec<(String, String)>>,
    /// The lengths of the index as it is.
    pub(super) index: Extent,
    /// The lengths of the private log.
    pub(super) private: Extent,
    /// What stands behind the good part of the private log, and was cut short.
    pub(super) cut: Vec<u8>,
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
    let Scan { found, foreign: mut problems } = scan(root, extension)?;
    let journaled = known::journaled(left, extension);
    let mut state = State::default();
    let (private, cut) = read_private(root, left, &mut state)?;
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
    Ok(Loaded { state, known, tails, new_index, index, private, cut, unseen, refused })
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

/// Puts the private values into the state; answers the lengths of their log, and what was cut short at its end.
fn read_private(root: &Path, left: &Left, state: &mut State) -> Result<(Extent, Vec<u8>)> {
    let path = root.join(PRIVATE).join(PRIVATE_LOG);
    let log = Log::read(&path)?;
    let found = log.lines();
    if let Some(bad) = found.bad.filter(|_| !is_of_journal(&found, left)) {
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
    let extent = Extent { good: found.good, live: log::length(&latest) };
    Ok((extent, log.rest(found.good).to_vec()))
}

/// Whether all that stands behind the good part of the private log was being written when the process ended: then the journal has
/// it. A power cut may leave a later part of what was written last, and not an earlier one.
fn is_of_journal(found: &Lines<'_>, left: &Left) -> bool {
    if left.effects.is_empty() {
        return false;
    }
    if found.behind.is_empty() {
        return true;
    }
    let lines = left.effects.iter().filter_map(|effect| wire::private_line(effect).ok().flatten());
    let names: HashSet<String> = lines.map(|(name, _)| name).collect();
    found.behind.iter().all(|line| names.contains(log::name(line)))
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
    codec::read(codec, text).map_err(|fault| Problem { document: document.to_owned(), fault })
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

    fn log_of(names: &[&str]) -> Vec<u8> {
        let mut text = Vec::new();
        for name in names {
            let (name, value) = wire::private_line(&setting(name)).unwrap().unwrap();
            super::super::lines::add(&mut text, &format!("{name}\t{value}"));
        }
        text
    }

    /// What is read of a private log, with a journal of these settings: the settings, and how much was cut off.
    fn read_log(text: &[u8], journaled: &[&str]) -> Result<(Vec<String>, usize)> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(PRIVATE)).unwrap();
        std::fs::write(folder.path().join(PRIVATE).join(PRIVATE_LOG), text).unwrap();
        let mut left = Left::default();
        left.effects = journaled.iter().map(|name| setting(name)).collect();
        let mut state = State::default();
        let (extent, cut) = read_private(folder.path(), &left, &mut state)?;
        assert_eq!(extent.good as usize + cut.len(), text.len());
        assert_eq!(extent.live, extent.good);
        let mut names: Vec<String> = state.settings.into_keys().collect();
        names.sort();
        Ok((names, cut.len()))
    }

    #[test]
    fn damage_of_private_values_is_no_end_that_was_cut_short() {
        let text = log_of(&["a", "b", "c"]);
        let third = text.len() / 3;
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(read_log(&text, &[]).unwrap(), (names(&["a", "b", "c"]), 0));
        // What was being written is in the journal.
        let torn = &text[..text.len() - 5];
        assert_eq!(read_log(torn, &["c"]).unwrap(), (names(&["a", "b"]), third - 5));
        assert!(read_log(torn, &[]).unwrap_err().message().contains("damaged in line 3"));
        let mut damaged = text.clone();
        damaged[third + 12] ^= 1;
        for journaled in [&[][..], &["b"], &["x"]] {
            assert!(read_log(&damaged, journaled).unwrap_err().message().contains("damaged in line 2"));
        }
        // A power cut has kept a later part of what was written last.
        assert_eq!(read_log(&damaged, &["b", "c"]).unwrap(), (names(&["a"]), 2 * third));
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
