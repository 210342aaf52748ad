//! Grants on types: who may do what with all items of a type, in one org.

use std::sync::Arc;

use realnet_core::acl::Grant;
use realnet_core::change::Operation;
use realnet_core::registry::TypeGrants;
use realnet_core::resource::{Context, Resources};
use realnet_core::{Error, Result};

use crate::apply::{Writer, commit};
use crate::define::find;

/// The grants that hold in the caller's org: its own, else the declared or inherited ones.
pub(crate) fn get(cx: &Context, name: &str, instance: Option<&str>) -> Result<Vec<Grant>> {
    let info = find(cx, name)?;
    check_instance(cx, name, instance)?;
    Ok(cx.registry().access(cx.caller().org, info, instance).to_vec())
}

/// Replaces them in the caller's org, or (`None`) returns to the declared ones.
pub(crate) async fn set(
    cx: &Context,
    resources: &Arc<Resources>,
    name: &str,
    instance: Option<String>,
    grants: Option<Vec<Grant>>,
) -> Result<Vec<Grant>> {
    let type_id = find(cx, name)?.id();
    check_instance(cx, name, instance.as_deref())?;
    let org = cx.caller().org;
    crate::subjects::check(cx, grants.as_deref().unwrap_or_default(), org).await?;
    let remove = grants.is_none();
    // Instances are matched whatever their case.
    let instance = instance.map(|instance| instance.to_lowercase());
    let grants = TypeGrants { org, type_id, instance: instance.clone(), grants: grants.unwrap_or_default() };
    let mut snapshot = cx.registry().snapshot();
    snapshot.revision += 1;
    snapshot.grants.retain(|other| (other.org, other.type_id, &other.instance) != (org, type_id, &instance));
    if !remove {
        snapshot.grants.push(grants.clone());
    }
    let next = Arc::new(cx.registry().successor(snapshot)?);
    let operations = vec![Operation::SetTypeGrants { grants, remove }];
    commit(Writer::of(cx, resources), operations, Some(Arc::clone(&next))).await?;
    let info = next.require(type_id)?;
    Ok(next.access(org, info, instance.as_deref()).to_vec())
}

fn check_instance(cx: &Context, name: &str, instance: Option<&str>) -> Result<()> {
    let info = find(cx, name)?;
    match instance {
        Some(instance) if info.instance(instance).is_none() => {
            Err(Error::not_found(format_args!("the instance {instance} of type {}", info.name())))
        }
        _ => Ok(()),
    }
}
