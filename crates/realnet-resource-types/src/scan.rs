//! Before types change: would any stored item become invalid, and does a default heal it?
//!
//! Runs outside of the write lock, page by page. The commit that follows fails when types have changed meanwhile, and looks
//! again at the items that were written since.

use std::collections::HashSet;
use std::sync::Arc;

use realnet_core::change::{ChangeSet, Guard, Operation, Version};
use realnet_core::clock::Timestamp;
use realnet_core::model::{Attributes, Field, Item, Map};
use realnet_core::query::{OrgScope, Query};
use realnet_core::registry::{TypeInfo, TypeRegistry};
use realnet_core::{Error, ErrorKind, Result, Uuid, Violation};

use crate::apply::Writer;

/// How many offending items an error names.
const NAMED: usize = 20;
/// How many items one change set heals.
const MAX_HEALED: usize = 10_000;

/// By so much may the clocks of replicas differ, and a change set wait after it was given its time.
const MARGIN: i64 = 60;

/// What a change of types takes along.
#[derive(Default)]
pub(crate) struct Healing {
    /// Writes defaults into the items that lack them: belongs right behind the types.
    pub(crate) edits: Vec<Operation>,
    /// Looks again at what is written while this is planned: belongs at the end.
    pub(crate) recheck: Option<Operation>,
}

/// Checks the items of all types whose rules differ in `next`; answers what heals items. `written` are the items that the
/// same change set writes anyhow.
pub(crate) async fn heal(
    writer: Writer<'_>,
    next: &Arc<TypeRegistry>,
    written: &HashSet<Uuid>,
) -> Result<Healing> {
    let Writer { services, access, .. } = writer;
    let types: Vec<Uuid> = access
        .registry
        .types()
        .filter(|info| !info.is_abstract())
        .filter(|info| next.by_id(info.id()).is_some_and(|after| !accepts_all_of(after, info)))
        .map(TypeInfo::id)
        .collect();
    let mut found = Found::default();
    if types.is_empty() {
        return Ok(Healing::default());
    }
    let since = services.clock.now().plus_seconds(-MARGIN);
    let caller = &access.caller;
    let scope = if caller.is_superuser() { OrgScope::All } else { OrgScope::One(caller.org) };
    let mut query = Query { limit: Query::MAX_LIMIT, ..Query::of(scope, types.clone()) };
    loop {
        let page = services.items.list(access, &query).await?;
        for item in &page.items {
            found.look_for_planted(writer, item, next);
            if !written.contains(&item.id) {
                found.look_at(writer, item, next)?;
            }
        }
        match page.next {
            Some(cursor) if found.offending.len() < NAMED => query.after = Some(cursor),
            _ => break,
        }
    }
    if !found.offending.is_empty() {
        return Err(refused(found.offending));
    }
    let mut own = written.clone();
    own.extend(found.healed.iter().filter_map(|operation| match operation {
        Operation::Update { id, .. } => Some(*id),
        _ => None,
    }));
    let recheck = recheck(&access.registry, next, types, since, own);
    Ok(Healing { edits: found.healed, recheck: Some(recheck) })
}

/// Refuses the change when an item that was written since does not obey the new types. `own`: what the same change set writes.
fn recheck(
    previous: &Arc<TypeRegistry>,
    next: &Arc<TypeRegistry>,
    types: Vec<Uuid>,
    since: Timestamp,
    own: HashSet<Uuid>,
) -> Operation {
    let (previous, next) = (Arc::clone(previous), Arc::clone(next));
    let guard: Guard = Arc::new(move |item| {
        let info = next.require(item.type_id)?;
        let mut attributes = item.attributes.as_map().clone();
        let before = previous.by_id(item.type_id).filter(|_| !own.contains(&item.id));
        let is_planted = before.is_some_and(|before| info.planted(before, &attributes).is_some());
        let valid = info.validate_stored(item.instance.as_deref(), &mut attributes);
        if valid.is_ok() && !is_planted {
            return Ok(());
        }
        let place = format!("{} {}", item.type_name, item.id);
        Err(Error::conflict(format!("{place} was written in the meantime and does not fit: try again")))
    });
    Operation::Recheck { types, since, guard }
}

#[derive(Default)]
struct Found {
    healed: Vec<Operation>,
    /// About what the change set will hold of these.
    bytes: usize,
    offending: Vec<Violation>,
}

impl Found {
    fn offend(&mut self, info: &TypeInfo, item: &Item, detail: &str) {
        if self.offending.len() < NAMED {
            let place = format!("/types/{}", info.name());
            let detail = format!("{} {} ({}): {detail}", info.name(), item.id, item.name);
            self.offending.push(Violation::new(place, detail));
        }
    }

    /// What was plain so far can not be a stored secret: it would be taken for one that is sealed under a key that nobody has.
    fn look_for_planted(&mut self, writer: Writer<'_>, item: &Item, next: &TypeRegistry) {
        let (before, after) = (writer.access.registry.by_id(item.type_id), next.by_id(item.type_id));
        let (Some(before), Some(after)) = (before, after) else { return };
        if let Some(name) = after.planted(before, item.attributes.as_map()) {
            let detail =
                format!("/attributes/{name}: has the form of a stored secret, and is none: remove it first");
            self.offend(after, item, &detail);
        }
    }

    fn look_at(&mut self, writer: Writer<'_>, item: &Item, next: &Arc<TypeRegistry>) -> Result<()> {
        let Some(info) = next.by_id(item.type_id) else { return Ok(()) };
        let before = item.attributes.as_map();
        let mut after = before.clone();
        fill_required(info, item.instance.as_deref(), &mut after);
        if let Err(error) = info.validate_next(item.instance.as_deref(), before, &mut after) {
            let detail = error.violations().first().map_or_else(
                || error.message().to_owned(),
                |violation| format!("{}: {}", violation.pointer, violation.detail),
            );
            self.offend(info, item, &detail);
            return Ok(());
        }
        if after == *before {
            return Ok(());
        }
        let after = Attributes::from_map(after);
        self.bytes += 2 * item.size() + after.size();
        if self.healed.len() >= MAX_HEALED || self.bytes > ChangeSet::MAX_BYTES {
            let most = ChangeSet::MAX_BYTES >> 20;
            let message = format!(
                "more than {MAX_HEALED} items, or {most} MiB of them, would have to be changed along with the types"
            );
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        // A default may be what nobody could have given this item: its resource is asked, now and when it is written.
        let edit = writer.guarded(next, move |now| Ok(Item { attributes: after.clone(), ..now.clone() }));
        edit(item)?;
        self.healed.push(Operation::Update { id: item.id, expected_version: Some(Version::of(item)), edit });
        Ok(())
    }
}

/// Writes the defaults of required fields into an item that lacks them.
fn fill_required(info: &TypeInfo, instance: Option<&str>, attributes: &mut Map) {
    let constants = info.constants_of(instance);
    for info in info.fields().iter().filter(|info| info.field.required) {
        let name = &info.field.name;
        let missing = match attributes.get(name) {
            Some(value) => value.is_null(),
            None => constants.get(name).is_none_or(serde_json::Value::is_null),
        };
        if let (true, Some(default)) = (missing, &info.field.default) {
            attributes.insert(name.clone(), default.clone());
        }
    }
}

/// Whether everything that was valid by `before` is certainly valid, in the same form, by `after`.
fn accepts_all_of(after: &TypeInfo, before: &TypeInfo) -> bool {
    let strictness = !after.is_strict() || before.is_strict();
    let fields_kept =
        !after.is_strict() || before.fields().iter().all(|old| after.field(&old.field.name).is_some());
    let instances_kept = before.instances().iter().all(|instance| after.instance(&instance.name).is_some());
    let fields_same = after.fields().iter().all(|new| {
        before
            .field(&new.field.name)
            .is_some_and(|old| rules(&old.field) == rules(&new.field) && old.patterns == new.patterns)
    });
    strictness && fields_kept && instances_kept && fields_same && constants_kept(after, before)
}

/// A required field may rest on a constant: none may have gone.
fn constants_kept(after: &TypeInfo, before: &TypeInfo) -> bool {
    after.fields().iter().filter(|info| info.field.required).all(|info| {
        let has = |constants: &Map| constants.get(&info.field.name).is_some_and(|value| !value.is_null());
        let kept = |old: &Map, new: &Map| !has(old) || has(new);
        let of_instances = before
            .instances()
            .iter()
            .all(|old| after.instance(&old.name).is_none_or(|new| kept(&old.constants, &new.constants)));
        kept(before.constants(), after.constants()) && of_instances
    })
}

/// The options of a field that say which values are valid and how they are written.
fn rules(field: &Field) -> Field {
    Field {
        default: None,
        unique: false,
        index: false,
        readonly: false,
        hidden: false,
        description: None,
        label: None,
        read: None,
        write: None,
        on_delete: None,
        ..field.clone()
    }
}

fn refused(offending: Vec<Violation>) -> Error {
    let first = offending.first().map(|violation| violation.detail.clone()).unwrap_or_default();
    let message = match offending.len() {
        1 => format!("a stored item would become invalid: {first}; change it first"),
        count => {
            format!("stored items would become invalid, {count} or more of them: {first}; change them first")
        }
    };
    // A default of a required field is written into items that lack it.
    let message = if first.ends_with("is required") {
        format!("{message}, or give the field a default")
    } else {
        message
    };
    Error::new(ErrorKind::InvalidInput, message).with_violations(offending)
}
