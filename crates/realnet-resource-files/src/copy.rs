//! Copying files and folders: `POST /api/{resource}/{id}/copy`. A copied item has a copied content; a folder takes along what is in
//! it, as far as the caller may read it. All or nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use realnet_core::acl;
use realnet_core::change::{ChangeSet, Operation, Outcome};
use realnet_core::limit::Room;
use realnet_core::model::{Attributes, Item, Visibility};
use realnet_core::provider::{ContentId, DataProvider};
use realnet_core::query::{Literal, Operand, OrgScope, Predicate, Property, Query};
use realnet_core::registry::TypeInfo;
use realnet_core::resource::default::check_parent;
use realnet_core::resource::{Context, Rendered, Reply, Route};
use realnet_core::{Error, ErrorKind, Result, Uuid, Violation};
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::documents::OF_CONTENTS;
use crate::upload::{remove, store, take_room};

/// The most items that are copied at once.
const MAX_ITEMS: usize = 1000;

/// So many requests copy contents at a time: each goes on by itself, whether or not anybody waits.
const AT_ONCE: usize = 2;
/// How long one waits for a place.
const PATIENCE: Duration = Duration::from_secs(15);

/// Modules whose items may be copied: what others keep is more than its attributes.
const PLAIN: [&str; 2] = ["files", "items"];

/// What a copy is to be.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    /// Its name; that of the original when absent.
    name: Option<String>,
    /// Where it is put, or null for nowhere; beside the original when absent.
    #[serde(deserialize_with = "given")]
    parent_id: Given<Option<Uuid>>,
}

/// What was said, null included.
#[derive(Debug, Default)]
enum Given<T> {
    #[default]
    Nothing,
    Value(T),
}

fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Given<Option<Uuid>>, D::Error> {
    serde::Deserialize::deserialize(deserializer).map(Given::Value)
}

/// Makes copies, few at a time.
#[derive(Debug)]
pub(crate) struct Copies {
    places: Semaphore,
    patience: Duration,
}

impl Default for Copies {
    fn default() -> Self {
        Self { places: Semaphore::new(AT_ONCE), patience: PATIENCE }
    }
}

impl Copies {
    /// Copies an item with what is below it.
    pub(crate) async fn copy(&self, cx: &Context, route: &Route<'_>, id: Uuid, body: Value) -> Result<Reply> {
        if cx.caller().role.is_none() {
            return Err(Error::new(ErrorKind::Unauthenticated, "sign in to copy items"));
        }
        let wanted = read(body)?;
        // What is read and worked out takes memory: few do it at a time.
        let _place = self.place().await?;
        let root = root(cx, route, id, &wanted).await?;
        let room = cx.room.as_ref().map(|room| room.beside());
        let originals = gather(cx, root, room.as_ref()).await?;
        let copies = plan(cx, originals, wanted).await?;
        check_size(cx, &copies).await?;
        make(cx, route, copies).await
    }

    /// Leave to copy contents.
    async fn place(&self) -> Result<SemaphorePermit<'_>> {
        let busy = || Error::unavailable("too many copies are being made: try again");
        let place = tokio::time::timeout(self.patience, self.places.acquire()).await;
        place.map_err(|_| busy())?.map_err(|_| busy())
    }
}

/// What a body asks for.
fn read(body: Value) -> Result<Wanted> {
    let body = if body.is_null() { Value::Object(serde_json::Map::default()) } else { body };
    let Value::Object(said) = &body else {
        return Err(Error::malformed("expected an object with name and parent_id, or nothing"));
    };
    for (key, value) in said {
        let expected = match (key.as_str(), value) {
            ("name", Value::String(_) | Value::Null) | ("parent_id", Value::Null) => continue,
            ("parent_id", Value::String(id)) if Uuid::try_parse(id).is_ok() => continue,
            ("name", _) => "expected text",
            ("parent_id", _) => "expected the id of an item, or null",
            _ => "says nothing of a copy: name and parent_id do",
        };
        return Err(Error::malformed_at(format!("/{key}"), expected));
    }
    let wanted: Wanted = serde_json::from_value(body)
        .map_err(|_| Error::malformed("expected an object with name and parent_id, or nothing"))?;
    if wanted.name.as_ref().is_some_and(|name| name.len() > Item::MAX_NAME) {
        let detail = format!("at most {} bytes", Item::MAX_NAME);
        return Err(Error::invalid(vec![Violation::new("/name", detail)]));
    }
    Ok(wanted)
}

/// The item that is copied; before anything is gathered it is clear that the caller may create it where it is to be.
async fn root(cx: &Context, route: &Route<'_>, id: Uuid, wanted: &Wanted) -> Result<Item> {
    let missing = || Error::not_found(format_args!("item {id}"));
    let root = cx.services.items.get(&cx.access, id).await?.ok_or_else(missing)?;
    if !cx.registry().is_derived_from(root.type_id, route.info()?.id()) {
        return Err(missing());
    }
    check_rights(cx, &root)?;
    let parent = match wanted.parent_id {
        Given::Value(parent) => parent,
        Given::Nothing => root.parent_id,
    };
    match parent {
        Some(parent) => check_parent(cx, parent).await.map(|()| root),
        None => Ok(root),
    }
}

/// Sees that an item is one that is copied, and that the caller may create such items.
fn check_rights(cx: &Context, original: &Item) -> Result<()> {
    let info = cx.registry().require(original.type_id)?;
    acl::may_create(cx.registry(), cx.caller(), info, original.instance.as_deref(), cx.caller().org)?;
    if PLAIN.contains(&info.module().unwrap_or("items")) {
        return Ok(());
    }
    let detail = format!("{} {} is not copied: it is more than its attributes", info.name(), original.id);
    Err(Error::conflict(detail))
}

/// Sees that the contents are no more together than one content may be.
async fn check_size(cx: &Context, copies: &[Item]) -> Result<()> {
    let most = cx.services.max_content;
    let mut sum = 0_u64;
    for copy in copies {
        let Some(content) = copy.content else { continue };
        let found = store(cx)?.head(ContentId::new(content)).await?.ok_or_else(gone)?;
        sum = sum.saturating_add(found.size);
        if sum > most {
            let message = format!("at most {most} bytes are copied at once: copy parts of it");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
    }
    Ok(())
}

/// Makes the copies; what was stored for nothing goes.
async fn make(cx: &Context, route: &Route<'_>, copies: Vec<Item>) -> Result<Reply> {
    let mut stored = Vec::new();
    let done = carry_out(cx, route, copies, &mut stored).await;
    if let Err(error) = &done
        && !matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Internal)
    {
        for content in stored {
            remove(store(cx)?, content).await;
        }
    }
    let item = done?;
    Ok(Reply::Created { items: Rendered::new(cx, vec![item]), single: true, replayed: false })
}

/// The item and all below it that the caller may read and copy, parents before their children; as much as a change set may have.
async fn gather(cx: &Context, root: Item, room: Option<&Room>) -> Result<Vec<Item>> {
    let base = cx.registry().root().ok_or_else(|| Error::internal("there is no root type"))?;
    let types: Vec<Uuid> = cx.registry().derived(base, None).map(TypeInfo::id).collect();
    let is_any = Predicate::In {
        operand: Operand::Property(Property::Visibility),
        values: Visibility::ALL
            .iter()
            .map(|visibility| Literal::Text(visibility.as_str().to_owned()))
            .collect(),
    };
    let mut bytes = root.size();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).map(|item| item.id) {
        let mut query = Query::of(OrgScope::One(found[0].org), types.clone());
        query.filter = Predicate::And(vec![Predicate::ChildOf(parent), is_any.clone()]);
        query.limit = Query::MAX_LIMIT;
        loop {
            let page = cx.services.items.list(&cx.access, &query).await?;
            bytes += page.items.iter().map(Item::size).sum::<usize>();
            take_room(room, bytes, "what is to be copied")?;
            page.items.iter().try_for_each(|item| check_rights(cx, item))?;
            found.extend(page.items);
            if found.len() > MAX_ITEMS {
                let message = format!("at most {MAX_ITEMS} items are copied at once: copy parts of it");
                return Err(Error::new(ErrorKind::TooLarge, message));
            }
            match page.next {
                Some(cursor) => query.after = Some(cursor),
                None => break,
            }
        }
        next += 1;
    }
    Ok(found)
}

/// The copies, each with the content that its original has. Originals go as their copies come, and both are kept as text.
async fn plan(cx: &Context, originals: Vec<Item>, wanted: Wanted) -> Result<Vec<Item>> {
    let ids: HashMap<Uuid, Uuid> =
        originals.iter().map(|item| (item.id, cx.services.ids.next_id())).collect();
    let mut copies = Vec::with_capacity(originals.len());
    for original in originals {
        let info = cx.registry().require(original.type_id)?;
        let mut attributes = attributes_of(cx, info, &original)?;
        attributes.pack();
        let parent_id = original.parent_id.map(|parent| ids.get(&parent).copied().unwrap_or(parent));
        copies.push(Item {
            id: ids[&original.id],
            attributes,
            parent_id,
            owner: cx.caller().account,
            org: cx.caller().org,
            public: false,
            grants: Vec::new(),
            inherited: Vec::new(),
            ..original
        });
        // Others on this thread are not kept waiting for all of them.
        tokio::task::yield_now().await;
    }
    if let Some(root) = copies.first_mut() {
        if let Some(name) = wanted.name {
            root.name = name;
        }
        if let Given::Value(parent) = wanted.parent_id {
            root.parent_id = parent;
        }
    }
    Ok(copies)
}

/// What a copy says: of what the original says that which the caller sees and may write, as in a creation, and what the server
/// says of the content.
fn attributes_of(cx: &Context, info: &TypeInfo, original: &Item) -> Result<Attributes> {
    let mut attributes = original.attributes.as_map().clone();
    // Secrets are bound to the item that has them, and what one does not see one does not pass on.
    info.secret_names().for_each(|name| drop(attributes.remove(name)));
    info.hidden_from(cx.caller()).for_each(|name| drop(attributes.remove(name)));
    info.retired_names().for_each(|name| drop(attributes.remove(name)));
    for field in info.fields() {
        if !field.is_writable_by(cx.caller()) {
            attributes.remove(&field.field.name);
        }
    }
    info.apply_defaults(original.instance.as_deref(), &mut attributes);
    let file = cx.registry().system("File");
    if file.is_some_and(|file| cx.registry().is_derived_from(info.id(), file.id())) {
        for name in OF_CONTENTS {
            match original.attributes.get(name).filter(|_| original.content.is_some()) {
                Some(value) => drop(attributes.insert(name.to_owned(), value.clone())),
                None => drop(attributes.remove(name)),
            }
        }
    }
    info.validate(original.instance.as_deref(), &mut attributes)?;
    Ok(Attributes::from_map(attributes))
}

/// Copies the contents, and commits the items.
async fn carry_out(
    cx: &Context,
    route: &Route<'_>,
    copies: Vec<Item>,
    stored: &mut Vec<ContentId>,
) -> Result<Item> {
    let mut operations = Vec::with_capacity(copies.len());
    for mut item in copies {
        if let Some(content) = item.content {
            let copy = copied(cx, store(cx)?, content).await?;
            stored.push(copy);
            item.content = Some(copy.as_uuid());
        }
        route.resources.create(cx, &mut item).await?;
        item.attributes.pack();
        operations.push(Operation::Create(Box::new(item)));
    }
    let changes = ChangeSet::new(operations, cx.now(), Arc::clone(&cx.request_id))
        .with_origin(cx.origin.clone())
        .with_room(cx.room.clone());
    let outcomes = cx.services.items.commit(&cx.access, changes).await?;
    let root = outcomes.into_iter().next().and_then(Outcome::into_item);
    root.ok_or_else(|| Error::internal("a copy gave no item"))
}

async fn copied(cx: &Context, store: &dyn DataProvider, content: Uuid) -> Result<ContentId> {
    let copy = ContentId::new(cx.services.ids.next_id());
    store.copy(ContentId::new(content), copy).await?.ok_or_else(gone)?;
    Ok(copy)
}

fn gone() -> Error {
    Error::conflict("a file was changed meanwhile: try again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn few_copies_are_made_at_a_time() {
        let copies = Copies { patience: Duration::from_millis(50), ..Copies::default() };
        let first = copies.place().await.unwrap();
        let second = copies.place().await.unwrap();
        let refused = copies.place().await.map(drop).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unavailable);
        drop(first);
        // Who waits gets the place that becomes free.
        let third = copies.place().await.unwrap();
        let patient = Copies::default();
        let held = [patient.place().await.unwrap(), patient.place().await.unwrap()];
        let (waited, ()) = tokio::join!(patient.place(), async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            drop(held);
        });
        assert!(waited.is_ok());
        drop((second, third));
    }
}
