//! Reading the items of a folder: from the index where their files are as it knows them, else from the files.

use std::collections::{BTreeMap, HashMap, HashSet};

use realnet_core::Uuid;
use realnet_core::acl;
use realnet_core::clock::Timestamp;
use realnet_core::index::{KeyEntry, entries};
use realnet_core::model::{Attributes, Item};
use realnet_core::registry::TypeRegistry;
use serde_json::Value;

use super::edits::{check, check_validity, words};
use super::index::Index;
use super::journal::Left;
use super::known::Folder;
use super::layout::{self, Place};
use super::load::{self, item_of};
use super::problem::Problem;
use super::scan::Found;
use super::{parallel, shape};
use crate::memory::{Effect, State, Touch};

/// Where items come from.
pub(super) struct Sources<'a> {
    pub(super) folder: &'a Folder<'a>,
    pub(super) registry: &'a TypeRegistry,
}

/// Items by id: the document, the item, its keys.
type Items = BTreeMap<Uuid, (String, Item, Vec<KeyEntry>)>;

/// The items that were read.
#[derive(Default)]
pub(super) struct Read {
    items: Items,
    /// The documents that were read themselves.
    pub(super) from_documents: HashSet<String>,
    /// Edits by hand that no server will take.
    pub(super) refused: Vec<Problem>,
}

/// What became of one document.
struct One {
    item: Option<(Item, Vec<KeyEntry>)>,
    from_document: bool,
    /// Why it is not taken.
    refused: Option<Problem>,
}

/// Reads all items but those that the journal has.
pub(super) fn read(sources: &Sources<'_>, problems: &mut Vec<Problem>) -> Read {
    let folder = sources.folder;
    let orgs = orgs(folder.found);
    let of_items = |found: &&Found| {
        matches!(found.place, Place::Item(_)) && !folder.journaled.contains_key(&found.document)
    };
    let present: Vec<&Found> = folder.found.iter().filter(of_items).collect();
    let mut read = Read::default();
    let done = parallel::map(&present, |found| one(sources, found, &orgs));
    for (found, one) in present.iter().zip(done) {
        match one {
            Ok(one) => read.add(&found.document, one, problems),
            Err(problem) => problems.push(problem),
        }
    }
    // Documents that are gone are taken for removed by hand, which is looked at when the store is served.
    let names: HashSet<&str> = present.iter().map(|found| found.document.as_str()).collect();
    let gone: Vec<&str> = folder
        .index
        .into_iter()
        .flat_map(Index::items)
        .map(|(document, _)| document)
        .filter(|document| !names.contains(document) && !folder.journaled.contains_key(*document))
        .collect();
    for (document, one) in gone.iter().zip(parallel::map(&gone, |document| indexed(sources, document))) {
        match one {
            Ok(one) => read.add(document, one, problems),
            Err(problem) => problems.push(problem),
        }
    }
    read
}

/// The orgs, by the names of their documents.
fn orgs(found: &[Found]) -> Vec<Uuid> {
    let of_orgs = found.iter().filter(|found| found.document.starts_with("directory/Org/"));
    of_orgs
        .filter_map(|found| match found.place {
            Place::Item(id) => Some(id),
            _ => None,
        })
        .collect()
}

fn one(sources: &Sources<'_>, found: &Found, orgs: &[Uuid]) -> Result<One, Problem> {
    let index = sources.folder.index;
    let in_index = index.and_then(|index| index.stamp(&found.document));
    if in_index == Some(found.stamp) {
        return indexed(sources, &found.document);
    }
    // One that has changed is looked at all the same: a start does not go on without it.
    let edited = document(sources, found, orgs)?;
    let refused = |edited: Option<(Item, Option<i64>)>, before: Option<&Item>| {
        let (item, version) = edited?;
        let checked = check(item, version, before, sources.registry);
        checked.err().map(|why| Problem::new(&found.document, why))
    };
    match (index, in_index) {
        (Some(_), Some(_)) => {
            let known = indexed(sources, &found.document)?;
            let refused = refused(edited, known.item.as_ref().map(|(item, _)| item));
            Ok(One { refused, ..known })
        }
        (Some(_), None) => Ok(One { item: None, from_document: false, refused: refused(edited, None) }),
        (None, _) => {
            let item = edited.map(|(item, _)| item);
            let item = item.map(|item| checked(sources.registry, item, &found.document)).transpose()?;
            let item = item.map(|item| keyed(sources.registry, item, &found.document)).transpose()?;
            Ok(One { item, from_document: true, refused: None })
        }
    }
}

/// What a document says, and of which version it says so.
fn document(
    sources: &Sources<'_>,
    found: &Found,
    orgs: &[Uuid],
) -> Result<Option<(Item, Option<i64>)>, Problem> {
    let Place::Item(id) = found.place else { return Ok(None) };
    let Folder { root, codec, .. } = sources.folder;
    let Some(value) = load::read(&root.join(&found.document), &found.document, *codec)? else {
        return Ok(None);
    };
    let modified = Timestamp::from_micros(i64::try_from(found.stamp.modified / 1000).unwrap_or_default());
    let version = value.get("version").and_then(Value::as_i64);
    let item = shape::item(value, id, sources.registry, orgs, modified)
        .map_err(|message| Problem::new(&found.document, message))?;
    check_place(&item, &found.document, codec.extension())?;
    Ok(Some((item, version)))
}

/// An item that nobody has looked at since somebody may have edited its document: as the store would take it.
fn checked(registry: &TypeRegistry, item: Item, document: &str) -> Result<Item, Problem> {
    // Without its type it is refused by those who index it.
    let Some(info) = registry.by_id(item.type_id) else { return Ok(item) };
    if let Some(name) = info.unsealed(item.attributes.as_map()) {
        let message = format!(
            "the secret '{name}' is plain text here: leave it out, and write it while a server has the folder, which seals it"
        );
        return Err(Problem::new(document, message));
    }
    let mut attributes = item.attributes.as_map().clone();
    let valid = info.validate_stored(item.instance.as_deref(), &mut attributes);
    valid.map_err(|error| Problem::new(document, words(&error)))?;
    check_validity(&item).map_err(|why| Problem::new(document, why))?;
    let attributes = Attributes::from_map(attributes);
    // As text they take less memory, and are what is compared.
    attributes.as_text();
    Ok(Item { attributes, ..item })
}

/// An item in the folder of another type would be written to its own, and then be there twice.
pub(super) fn check_place(item: &Item, document: &str, extension: &str) -> Result<(), Problem> {
    let expected = layout::item(item.id, &item.type_name, extension);
    if expected == document {
        return Ok(());
    }
    Err(Problem::new(document, format!("an item of type {} stands in {expected}", item.type_name)))
}

fn indexed(sources: &Sources<'_>, document: &str) -> Result<One, Problem> {
    let text = sources.folder.index.and_then(|index| index.item(document)).unwrap_or_default();
    let item: Item = serde_json::from_str(text)
        .map_err(|error| Problem::new(document, format!("the index is damaged ({error}): remove it")))?;
    item.attributes.as_text();
    let item = keyed(sources.registry, item, document)?;
    Ok(One { item: Some(item), from_document: false, refused: None })
}

fn keyed(registry: &TypeRegistry, item: Item, document: &str) -> Result<(Item, Vec<KeyEntry>), Problem> {
    if registry.by_id(item.type_id).is_none() {
        return Err(Problem::new(
            document,
            format!("there is no type {} ({})", item.type_name, item.type_id),
        ));
    }
    let keys = entries(registry, &item).map_err(|error| Problem::new(document, error.report()))?.keys;
    Ok((item, keys))
}

impl Read {
    fn add(&mut self, document: &str, one: One, problems: &mut Vec<Problem>) {
        if one.from_document {
            self.from_documents.insert(document.to_owned());
        }
        self.refused.extend(one.refused);
        let Some((item, keys)) = one.item else { return };
        if let Some((other, _, _)) = self.items.get(&item.id) {
            problems.push(Problem::new(document, format!("has the id of {other}")));
            return;
        }
        self.items.insert(item.id, (document.to_owned(), item, keys));
    }
}

/// Puts the items into the state, with what the journal says of them.
pub(super) fn put_into(
    read: Read,
    left: &Left,
    registry: &TypeRegistry,
    extension: &str,
    state: &mut State,
    problems: &mut Vec<Problem>,
) {
    let Read { mut items, from_documents, .. } = read;
    let mut journaled: HashMap<Uuid, Option<Item>> = HashMap::new();
    for effect in &left.effects {
        match effect {
            Effect::Gone(Touch::Item(id, _)) => drop(journaled.insert(*id, None)),
            effect => {
                if let Some(item) = item_of(effect) {
                    journaled.insert(item.id, Some(item.clone()));
                }
            }
        }
    }
    for (id, item) in journaled {
        items.remove(&id);
        let Some(item) = item else { continue };
        let document = layout::item(id, &item.type_name, extension);
        match keyed(registry, item, &document) {
            Ok((item, keys)) => drop(items.insert(id, (document, item, keys))),
            Err(problem) => problems.push(problem),
        }
    }
    inherit(&mut items, &from_documents, registry, problems);
    for (_, (document, item, keys)) in items {
        if let Err((field, other)) = state.insert_loaded(item, keys) {
            let message = format!("the value of '{field}' is that of item {other}, and is to be unique");
            problems.push(Problem::new(document, message));
        }
    }
    let lost: Vec<&Item> = state.items.values().filter(|item| is_without_parent(state, item)).collect();
    if let Some(first) = lost.first() {
        let (document, items) = (layout::item(first.id, &first.type_name, extension), lost.len());
        tracing::warn!(document, items, "items lie below others that are not there, this one first");
    }
}

/// Finds what items that were read from their documents have of the items above them: a document does not say it.
fn inherit(
    items: &mut Items,
    from_documents: &HashSet<String>,
    registry: &TypeRegistry,
    problems: &mut Vec<Problem>,
) {
    let is_open =
        |(_, (document, _, _)): &(&Uuid, &(String, Item, Vec<KeyEntry>))| from_documents.contains(document);
    let ids: Vec<Uuid> = items.iter().filter(is_open).map(|(id, _)| *id).collect();
    let mut open: HashSet<Uuid> = ids.iter().copied().collect();
    for id in ids {
        let (mut path, mut next) = (Vec::new(), Some(id));
        while let Some(id) = next.filter(|id| open.remove(id)) {
            path.push(id);
            next = items.get(&id).and_then(|(_, item, _)| item.parent_id);
        }
        if next.is_some_and(|next| path.contains(&next)) {
            let document = items.get(&id).map(|(document, _, _)| document.clone()).unwrap_or_default();
            problems.push(Problem::new(document, "the item stands below itself"));
        }
        // From the top down.
        for id in path.into_iter().rev() {
            let Some((document, item, _)) = items.get(&id) else { continue };
            let parent = item.parent_id.and_then(|parent| items.get(&parent));
            if let Some(missing) = item.parent_id.filter(|_| parent.is_none()) {
                problems.push(Problem::new(document, format!("its parent {missing} is not there")));
            }
            let inherited = parent.map(|(_, parent, _)| acl::inherited(registry, item, parent));
            if let Some((_, item, _)) = items.get_mut(&id) {
                item.inherited = inherited.unwrap_or_default();
            }
        }
    }
}

fn is_without_parent(state: &State, item: &Item) -> bool {
    item.parent_id.is_some_and(|parent| !state.items.contains_key(&parent))
}
