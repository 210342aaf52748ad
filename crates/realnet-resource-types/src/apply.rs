//! Committing a plan: one change set, guarded by the resources of its items, and the types read again.

use std::collections::HashSet;
use std::sync::Arc;

use realnet_core::acl::Origin;
use realnet_core::change::{ChangeSet, Edit, Guard, Operation};
use realnet_core::limit::Room;
use realnet_core::load::Plan;
use realnet_core::model::Item;
use realnet_core::provider::Access;
use realnet_core::registry::TypeRegistry;
use realnet_core::resource::{Context, Resources, Services};
use realnet_core::{Error, Result, Uuid};

use crate::scan::Healing;
use crate::sealing;

/// Who changes types, and on which stores.
#[derive(Clone, Copy)]
pub(crate) struct Writer<'a> {
    pub(crate) services: &'a Services,
    pub(crate) access: &'a Access,
    pub(crate) request_id: &'a str,
    pub(crate) origin: Option<&'a Arc<Origin>>,
    /// What it takes of the memory that all requests share.
    pub(crate) room: Option<&'a Arc<Room>>,
    /// The resources that guard items which change along with their types; the system itself asks none.
    pub(crate) resources: Option<&'a Arc<Resources>>,
}

impl<'a> Writer<'a> {
    /// Whoever sent a request.
    pub(crate) fn of(cx: &'a Context, resources: &'a Arc<Resources>) -> Self {
        let Context { access, services, request_id, origin, room, .. } = cx;
        let (origin, room) = (origin.as_ref(), room.as_ref());
        Self { services, access, request_id, origin, room, resources: Some(resources) }
    }

    /// An edit that is guarded by the resource of the item's type, under the types of `next`.
    pub(crate) fn guarded(
        &self,
        next: &Arc<TypeRegistry>,
        edit: impl Fn(&Item) -> Result<Item> + Send + Sync + 'static,
    ) -> Edit {
        let access = Access { caller: Arc::clone(&self.access.caller), registry: Arc::clone(next) };
        match self.resources {
            Some(resources) => resources.edit(&access, edit),
            None => Arc::new(edit),
        }
    }
}

/// Applies operations in one change set. Stored items that the new types would make invalid refuse it, or are healed.
pub(crate) async fn commit(
    writer: Writer<'_>,
    mut operations: Vec<Operation>,
    next: Option<Arc<TypeRegistry>>,
) -> Result<()> {
    let turned = next.as_ref().map(|next| sealing::turned_secret(&writer.access.registry, next));
    if let Some(next) = &next {
        let healed = heal(writer, next, &operations).await?;
        // Behind the types: items are written by the new rules.
        let types =
            operations.iter().take_while(|operation| matches!(operation, Operation::PutType(_))).count();
        operations.splice(types..types, healed.edits);
        operations.extend(healed.recheck);
    }
    let Writer { services, access, request_id, origin, room, resources } = writer;
    let mut changes = ChangeSet::new(operations, services.clock.now(), Arc::from(request_id))
        .with_origin(origin.cloned())
        .with_room(room.cloned());
    changes.next_registry = next;
    if resources.is_none() {
        // A server that could not bring its own types up to date could not start, and nobody take back what stands in the way.
        changes.max_inherited = usize::MAX;
    }
    if let Some(turned) = &turned {
        sealing::note(services, turned).await?;
    }
    services.items.commit(access, changes).await?;
    if let Some(turned) = turned {
        services.reload_types().await?;
        sealing::seal(services, &turned).await;
    }
    Ok(())
}

/// Whether stored items stand against new types; see [`crate::scan`].
pub(crate) async fn heal(
    writer: Writer<'_>,
    next: &Arc<TypeRegistry>,
    operations: &[Operation],
) -> Result<Healing> {
    let written: HashSet<Uuid> = operations
        .iter()
        .filter_map(|operation| match operation {
            Operation::Update { id, .. } | Operation::Delete { id, .. } => Some(*id),
            _ => None,
        })
        .collect();
    crate::scan::heal(writer, next, &written).await
}

/// Lets the resource of each item complete, adapt or refuse what a plan does with it.
pub(crate) async fn guarded(cx: &Context, resources: &Arc<Resources>, plan: &mut Plan) -> Result<()> {
    // What is deleted may be of a type that goes with it, which only the present registry knows.
    let present = cx.access.clone();
    let mut cx = cx.clone();
    if let Some(next) = &plan.next_registry {
        cx.access.registry = Arc::clone(next);
    }
    for operation in &mut plan.operations {
        match operation {
            Operation::Create(item) => {
                resources.create(&cx, item).await?;
                // What a hook has filled in obeys the fields as well.
                let info = cx.access.registry.require(item.type_id)?;
                let mut attributes = item.attributes.as_map().clone();
                info.validate(item.instance.as_deref(), &mut attributes)?;
                item.attributes = attributes.into();
            }
            Operation::Update { edit, .. } => {
                let inner: Edit = Arc::clone(edit);
                *edit = resources.edit(&cx.access, move |before| inner(before));
            }
            Operation::Delete { guard, .. } => {
                let of_resources = resources.delete(&present);
                let inner = guard.take();
                let both: Guard = Arc::new(move |item| {
                    inner.as_ref().map_or(Ok(()), |guard| guard(item))?;
                    of_resources(item)
                });
                *guard = Some(both);
            }
            Operation::SetGrants { id, grants, .. } => check_grants(&cx, resources, *id, grants).await?,
            _ => {}
        }
    }
    Ok(())
}

async fn check_grants(
    cx: &Context,
    resources: &Arc<Resources>,
    id: Uuid,
    grants: &[realnet_core::acl::Grant],
) -> Result<()> {
    let found = cx.services.items.get(&cx.access, id).await?;
    let item = found.ok_or_else(|| Error::not_found(format_args!("item {id}")))?;
    let info = cx.access.registry.require(item.type_id)?;
    resources.of(info)?.check_grants(cx, &item, grants).await
}

/// Tells all resources that something was committed.
pub(crate) fn committed(cx: &Context, resources: &Arc<Resources>) {
    for name in resources.names() {
        if let Ok(resource) = resources.module(name) {
            resource.committed(cx);
        }
    }
}
