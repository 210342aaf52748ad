//! Reading an export before anything is written anywhere: all documents, what they refer to, and what is wrong with any of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use realnet_core::Uuid;
use realnet_core::model::value;
use serde_json::{Map, Value};

use super::bounds::{self, MAX_DECLARATION, MAX_DECLARED, MAX_DOCUMENT};
use super::document::{self, uuid};
use super::folder::{Found, text, walk};
use super::layout::{self, Form, HEAD, Place};
use super::order::Need;
use super::types::{Fate, Types};
use crate::cli::Failure;

/// So many problems are told at once.
const TOLD: usize = 20;
/// So many documents are read until others may do something.
const TURN: usize = 64;

/// An item of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id, there.
    pub id: Uuid,
    /// Its type.
    pub type_name: Arc<str>,
    /// The format of its document.
    pub form: Form,
    /// Whether its bytes are there, too.
    pub has_data: bool,
}

impl Entry {
    /// The path of its document.
    pub fn path(&self) -> String {
        layout::of_item(&self.type_name, self.id, self.form).unwrap_or_default()
    }
}

/// What stands in a folder, by the names of its files; documents of types are read already.
#[derive(Debug, Default)]
pub struct Listing {
    /// The folder.
    pub root: PathBuf,
    /// Declarations of types, by name.
    pub types: BTreeMap<String, Value>,
    /// Items.
    pub entries: Vec<Entry>,
    /// Their numbers, by id.
    pub numbers: HashMap<Uuid, u32>,
}

/// What is wrong with an export, as far as it is told.
#[derive(Default)]
struct Problems {
    told: Vec<String>,
    more: usize,
}

impl Problems {
    fn add(&mut self, path: &str, problem: impl std::fmt::Display) {
        if self.told.len() < TOLD {
            // A name of a file is shown as it is, without what would steer a terminal.
            let path = path.escape_debug();
            self.told.push(format!("{path}: {problem}"));
        } else {
            self.more += 1;
        }
    }

    fn none(self, root: &Path) -> Result<(), Failure> {
        if self.told.is_empty() {
            return Ok(());
        }
        let more = if self.more > 0 { format!("\n  and {} more", self.more) } else { String::new() };
        Err(format!("{}: nothing was imported:\n  {}{more}", root.display(), self.told.join("\n  ")).into())
    }
}

/// Looks at the names of all files.
pub async fn list(root: &Path) -> Result<Listing, Failure> {
    let mut listing = Listing { root: root.to_owned(), ..Listing::default() };
    let (mut problems, mut data, mut names) =
        (Problems::default(), HashSet::new(), BTreeMap::<String, Arc<str>>::new());
    let (mut walk, mut room) = (walk(root)?, MAX_DECLARED);
    while let Some(found) = walk.next()? {
        match found {
            Found::Foreign(path, problem) => problems.add(&path, problem),
            Found::Part(_, Place::Head) => {}
            Found::Part(_, Place::Data(id)) => drop(data.insert(id)),
            Found::Part(path, Place::Type(name, form)) => {
                match declaration(root, &path, (&name, form), &mut room) {
                    Err(problem) => problems.add(&path, problem),
                    Ok(_) if listing.types.contains_key(&name) => {
                        problems.add(&path, "the type is declared twice");
                    }
                    Ok(declaration) => drop(listing.types.insert(name, declaration)),
                }
            }
            Found::Part(path, Place::Item(type_name, id, form)) => {
                let type_name =
                    Arc::clone(names.entry(type_name).or_insert_with_key(|name| name.as_str().into()));
                let number = u32::try_from(listing.entries.len()).map_err(|_| "there are too many items")?;
                if let Some(other) = listing.numbers.insert(id, number) {
                    let other = listing.entries[other as usize].path();
                    problems.add(&path, format!("has the id of {other}"));
                }
                listing.entries.push(Entry { id, type_name, form, has_data: false });
            }
        }
        if listing.entries.len().is_multiple_of(TURN) {
            tokio::task::yield_now().await;
        }
    }
    for entry in &mut listing.entries {
        entry.has_data = data.remove(&entry.id);
    }
    for id in data {
        problems.add(&layout::of_data(id), "there is no item to have this content");
    }
    problems.none(root)?;
    Ok(listing)
}

/// The value of the text of a document.
fn decode(text: &[u8], form: Form) -> Result<Value, String> {
    let value = form.codec().decode(text).map_err(|fault| fault.to_string())?;
    value::canonicalize(value).map_err(|error| error.message().to_owned())
}

/// The declaration of a type; all of them are kept, so that they share the room that there is.
fn declaration(
    root: &Path,
    path: &str,
    (name, form): (&str, Form),
    room: &mut usize,
) -> Result<Value, String> {
    let declaration = decode(&text(&root.join(path), MAX_DECLARATION)?, form)?;
    let left = room.checked_sub(bounds::memory(&declaration));
    *room = left.ok_or("the types of the export say more together than can be read at once")?;
    match declaration.get("name").and_then(Value::as_str) {
        Some(said) if said == name => Ok(declaration),
        _ => Err("the name of the type is not that of the file".to_owned()),
    }
}

/// The document of an item, which is no larger than a server takes.
fn item(root: &Path, entry: &Entry) -> Result<Map<String, Value>, String> {
    let text = text(&root.join(entry.path()), MAX_DOCUMENT)?;
    bounds::check_text(&text, entry.form)?;
    let members = document::read(decode(&text, entry.form)?, &entry.type_name, entry.id)?;
    bounds::check_attributes(&members, text.len())?;
    Ok(members)
}

impl Listing {
    /// The names of the types of its items.
    pub fn used(&self) -> BTreeSet<String> {
        self.entries.iter().map(|entry| entry.type_name.to_string()).collect()
    }

    /// The document of an item.
    pub fn document(&self, number: u32) -> Result<Map<String, Value>, Failure> {
        let entry = &self.entries[number as usize];
        let told = |problem: String| format!("{}: {}: {problem}", self.root.display(), entry.path());
        item(&self.root, entry).map_err(|problem| told(problem).into())
    }
}

/// Compares the length of a content with what the document says of it: to read all of it takes long, and comes later.
fn check_length(root: &Path, entry: &Entry, members: &Map<String, Value>) -> Result<(), String> {
    let said = document::attributes(members).and_then(|own| own.get("size")?.as_u64());
    let length = std::fs::symlink_metadata(root.join(layout::of_data(entry.id)))
        .map_err(|error| error.to_string())?
        .len();
    match said.filter(|said| *said != length) {
        None => Ok(()),
        Some(said) => Err(format!(
            "has {length} bytes, and its document says {said}: where they were changed on purpose, take 'checksum' and 'size' out of that"
        )),
    }
}

/// What items need of each other, and of others.
#[derive(Debug, Default)]
pub struct Links {
    /// Of each item, which others it needs.
    pub needs: Vec<Vec<Need>>,
    /// What is referred to and is not in the export, and where that is.
    pub outside: BTreeMap<Uuid, String>,
    /// The accounts that own items.
    pub owners: BTreeSet<Uuid>,
    /// Items that have a content, by their documents, which is not in the export.
    pub bare: Vec<u32>,
}

/// Reads all documents of items.
pub async fn read(listing: &Listing, types: &Types) -> Result<Links, Failure> {
    let (mut links, mut problems) = (Links::default(), Problems::default());
    for (number, entry) in listing.entries.iter().enumerate() {
        if number.is_multiple_of(TURN) {
            tokio::task::yield_now().await;
        }
        let path = entry.path();
        let mut needs = HashMap::new();
        match item(&listing.root, entry) {
            Err(problem) => problems.add(&path, problem),
            Ok(mut members) => {
                links.owners.extend(uuid(members.get("owner")));
                let fields = types.fields(&entry.type_name);
                if entry.has_data {
                    if let Err(problem) = check_length(&listing.root, entry, &members) {
                        problems.add(&layout::of_data(entry.id), problem);
                    }
                } else if document::says_content(&members, &fields) {
                    links.bare.extend(u32::try_from(number));
                }
                fields.decide(&mut members, &mut |link| {
                    match listing.numbers.get(&link.target) {
                        Some(target) => *needs.entry(*target).or_insert(false) |= link.is_hard,
                        None => drop(
                            links
                                .outside
                                .entry(link.target)
                                .or_insert_with(|| format!("{path}: {}", link.name)),
                        ),
                    }
                    Fate::Keep
                });
            }
        }
        links.needs.push(needs.into_iter().map(|(target, is_hard)| Need { target, is_hard }).collect());
    }
    problems.none(&listing.root)?;
    Ok(links)
}

/// Whether a folder is an export that is whole.
pub fn check_head(root: &Path) -> Result<super::head::Head, Failure> {
    let head = super::folder::head(root)?
        .ok_or_else(|| super::at(root, format!("is no export: there is no {HEAD} in it")))?;
    if head.complete {
        return Ok(head);
    }
    Err(super::at(root, "the export was not finished: `realnet export --update` goes on with it"))
}
