//! The rules that hold for accounts, orgs, groups and roles on every path: nobody raises themselves, no administrator makes,
//! raises to or alters a superuser. Asked inside the transaction where something changes.

pub(crate) mod account;
pub(crate) mod org;

use realnet_core::acl::Caller;
use realnet_core::model::Item;
use realnet_core::registry::{TypeInfo, TypeRegistry};
use realnet_core::{Error, Result, Violation, nearest};

/// The name of the role that only the role in an org can give.
const RESERVED: &str = "superuser";

/// Groups, roles and memberships decide who may do what, so only administrators touch them, whatever grants say.
pub(crate) fn administrators_only(caller: &Caller) -> Result<()> {
    if caller.is_admin() {
        Ok(())
    } else {
        Err(Error::forbidden("only administrators change groups, roles and memberships"))
    }
}

/// Providers and clients decide who gets in and as whom: a setting of theirs that no field declares would be kept and do nothing.
/// What was stored before is left alone.
///
/// # Errors
/// Invalid at each attribute that the write adds and that the type does not declare.
pub(crate) fn declared_only(registry: &TypeRegistry, before: Option<&Item>, item: &Item) -> Result<()> {
    let info = registry.require(item.type_id)?;
    refuse(undeclared(info, before, item).map(|key| {
        let known = info.fields().iter().map(|info| info.field.name.as_str());
        let meant = nearest(key, known).map(|meant| format!(": is {meant} meant?"));
        (key, format!("is no declared field of {}{}", info.name(), meant.unwrap_or_default()))
    }))
}

/// Orgs have attributes of their own, but none that is nearly a declared field: it would be one that is not set.
///
/// # Errors
/// Invalid at each attribute that the write adds and that is probably a slip.
pub(crate) fn no_slips(registry: &TypeRegistry, before: Option<&Item>, item: &Item) -> Result<()> {
    let info = registry.require(item.type_id)?;
    refuse(undeclared(info, before, item).filter_map(|key| {
        let meant = nearest(key, info.fields().iter().map(|info| info.field.name.as_str()))?;
        Some((key, format!("is no declared field: is {meant} meant?")))
    }))
}

/// The attributes that a write adds or changes and that no field declares.
fn undeclared<'a>(
    info: &'a TypeInfo,
    before: Option<&'a Item>,
    item: &'a Item,
) -> impl Iterator<Item = &'a str> {
    let attributes = item.attributes.as_map().iter();
    let new = attributes.filter(move |(key, value)| {
        info.field(key).is_none() && before.is_none_or(|before| before.attributes.get(key) != Some(*value))
    });
    new.map(|(key, _)| key.as_str())
}

fn refuse<'a>(slips: impl Iterator<Item = (&'a str, String)>) -> Result<()> {
    let violations: Vec<Violation> =
        slips.map(|(key, detail)| Violation::new(format!("/attributes/{key}"), detail)).collect();
    if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
}

/// A role of the name of the superusers' would stand for them in grants.
pub(crate) fn reserved_name(caller: &Caller, role: &Item) -> Result<()> {
    if role.name.trim().to_lowercase() == RESERVED && !caller.is_superuser() {
        return Err(Error::forbidden("only superusers have a role of this name"));
    }
    Ok(())
}
