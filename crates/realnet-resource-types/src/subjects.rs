//! Grants on types that name a group or role: one that is not there would let nobody in, and nobody would be told.

use std::collections::BTreeMap;
use std::sync::Arc;

use realnet_core::acl::{Caller, Grant, OrgRole, Subject};
use realnet_core::change::Operation;
use realnet_core::model::{Item, TypeDefinition};
use realnet_core::provider::Access;
use realnet_core::query::{OrgScope, Query};
use realnet_core::registry::{TypeInfo, TypeRegistry};
use realnet_core::resource::Context;
use realnet_core::{Error, Result, Uuid, Violation};

/// The type of a group or role and its name in lower case, and where it is named.
type Names = BTreeMap<(&'static str, String), String>;

/// Refuses grants that name what `org` does not have.
pub(crate) async fn check(cx: &Context, grants: &[Grant], org: Uuid) -> Result<()> {
    let mut names = Names::new();
    note(&mut names, grants, "");
    refuse_missing(cx, names, OrgScope::One(org), &[]).await
}

/// The same for types that are put by a change. Those of the system are for all orgs: any may have what they name, and so
/// may the change itself.
pub(crate) async fn check_types(cx: &Context, operations: &[Operation]) -> Result<()> {
    let mut names = Names::new();
    let mut scope = OrgScope::One(cx.caller().org);
    for operation in operations {
        let Operation::PutType(definition) = operation else { continue };
        if definition.org.is_none() {
            scope = OrgScope::All;
        }
        note_type(&mut names, definition);
    }
    refuse_missing(cx, names, scope, operations).await
}

fn note_type(names: &mut Names, definition: &TypeDefinition) {
    let place = format!("/types/{}", definition.name);
    note(names, definition.access.as_deref().unwrap_or_default(), &format!("{place}/access"));
    for instance in &definition.instances {
        let place = format!("{place}/instances/{}/access", instance.name);
        note(names, instance.access.as_deref().unwrap_or_default(), &place);
    }
}

fn note(names: &mut Names, grants: &[Grant], place: &str) {
    for (index, grant) in grants.iter().enumerate() {
        let named = match &grant.subject {
            // These every account has, whether or not there is an item of that name.
            Subject::NamedRole(name) if OrgRole::parse(name).is_some() => continue,
            Subject::NamedRole(name) => ("Role", name.to_lowercase()),
            Subject::NamedGroup(name) => ("Group", name.to_lowercase()),
            _ => continue,
        };
        names.entry(named).or_insert_with(|| format!("{place}/{index}"));
    }
}

async fn refuse_missing(cx: &Context, mut names: Names, scope: OrgScope, coming: &[Operation]) -> Result<()> {
    let registry = cx.registry();
    // Where there are no such items at all, nothing can be said of them.
    names.retain(|(kind, _), _| registry.system(kind).is_some());
    for operation in coming {
        if let Operation::Create(item) = operation {
            forget(&mut names, registry, item);
        }
    }
    for kind in ["Role", "Group"] {
        if let Some(info) = registry.system(kind).filter(|_| names.keys().any(|(wanted, _)| *wanted == kind))
        {
            look_up(cx, info, scope, &mut names).await?;
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    let violation = |((kind, name), place): ((&str, String), String)| {
        Violation::new(place, format!("there is no {} '{name}'", kind.to_lowercase()))
    };
    Err(Error::invalid(names.into_iter().map(violation).collect()))
}

/// Who sets grants need not be able to read groups: only whether they exist is looked at.
async fn look_up(cx: &Context, info: &TypeInfo, scope: OrgScope, names: &mut Names) -> Result<()> {
    let registry = Arc::clone(&cx.access.registry);
    let access = Access { caller: Arc::new(Caller::system(cx.caller().org)), registry };
    let types = access.registry.derived(info, None).map(TypeInfo::id).collect();
    let mut query = Query { limit: Query::MAX_LIMIT, ..Query::of(scope, types) };
    loop {
        let page = cx.services.items.list(&access, &query).await?;
        for item in &page.items {
            forget(names, &access.registry, item);
        }
        match page.next {
            Some(next) if !names.is_empty() => query.after = Some(next),
            _ => return Ok(()),
        }
    }
}

/// The name of an item is there.
fn forget(names: &mut Names, registry: &TypeRegistry, item: &Item) {
    let name = item.name.to_lowercase();
    names.retain(|(kind, wanted), _| {
        let is_kind =
            || registry.system(kind).is_some_and(|info| registry.is_derived_from(item.type_id, info.id()));
        *wanted != name || !is_kind()
    });
}
