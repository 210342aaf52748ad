//! Lists types: those of the caller's org and of the system, by name.

use realnet_core::Uuid;
use realnet_core::registry::TypeInfo;
use realnet_core::resource::{Context, TypeList};
use serde_json::Value;

use crate::describe;

/// The definitions that are wanted. An org may use a name of the system for a type of its own, so the id decides between
/// types of one name.
pub(crate) fn list(cx: &Context, wanted: &TypeList) -> Value {
    let prefix = wanted.prefix.as_deref().unwrap_or_default().to_lowercase();
    let after = wanted.after.as_ref().map(|(name, id)| (name.to_lowercase(), *id));
    let types = cx.registry().types_of(cx.caller().org).map(|info| (key(info), info));
    let mut types: Vec<((String, Uuid), &TypeInfo)> = types
        .filter(|((name, _), _)| name.starts_with(&prefix))
        .filter(|(key, _)| after.as_ref().is_none_or(|after| key > after))
        .collect();
    types.sort_by(|(one, _), (other, _)| one.cmp(other));
    let with_access = cx.caller().is_admin();
    let some = types.into_iter().take(wanted.limit.unwrap_or(usize::MAX));
    let caller = cx.caller();
    some.map(|(_, info)| describe::shown(describe::definition(info, with_access), info, caller)).collect()
}

fn key(info: &TypeInfo) -> (String, Uuid) {
    (info.name().to_lowercase(), info.id())
}
