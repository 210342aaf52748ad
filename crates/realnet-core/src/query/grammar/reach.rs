//! How far a list reaches: which orgs, which types.

use uuid::Uuid;

use super::parameters::Parameters;
use crate::acl::{Caller, OrgRole};
use crate::error::{Error, Result};
use crate::query::OrgScope;
use crate::registry::{TypeInfo, TypeRegistry};

/// Whose items of which types.
pub(super) struct Reach<'a> {
    pub scope: OrgScope,
    /// Concrete types, in the registry's order.
    pub types: Vec<&'a TypeInfo>,
}

/// The most names in `types`.
const MAX_TYPES: usize = 100;

pub(super) fn read<'a>(
    registry: &'a TypeRegistry,
    caller: &Caller,
    base: Option<&TypeInfo>,
    parameters: &Parameters<'_>,
) -> Result<Reach<'a>> {
    let scope = scope(caller, parameters.get("org"))?;
    let exact = parameters.flag("exact")?;
    let base = match base {
        Some(info) => registry.by_id(info.id()),
        None => registry.root(),
    };
    let Some(base) = base else { return Ok(Reach { scope, types: Vec::new() }) };
    let roots = match parameters.get("types") {
        Some(names) => named_types(registry, caller, base, names)?,
        None => vec![base],
    };
    let visible = match scope {
        OrgScope::One(org) => Some(org),
        OrgScope::All => None,
    };
    // The base alone, as most lists ask for, needs no second look at each type.
    let is_all = !exact && parameters.get("types").is_none();
    let wanted = |info: &TypeInfo| {
        is_all
            || roots.iter().any(|root| {
                if exact { root.id() == info.id() } else { registry.is_derived_from(info.id(), root.id()) }
            })
    };
    let types = registry.derived(base, visible).filter(|info| wanted(info)).collect();
    Ok(Reach { scope, types })
}

fn scope(caller: &Caller, org: Option<&str>) -> Result<OrgScope> {
    let is_superuser = caller.has_role(OrgRole::Superuser);
    let default = if is_superuser { OrgScope::All } else { OrgScope::One(caller.org) };
    let Some(text) = org else { return Ok(default) };
    let scope = match text.strip_prefix("eq.").unwrap_or(text) {
        "*" => OrgScope::All,
        id => OrgScope::One(
            Uuid::parse_str(id)
                .map_err(|_| Error::malformed_at("org", "expected the id of an org, or * for all"))?,
        ),
    };
    if is_superuser || scope == default {
        Ok(scope)
    } else {
        Err(Error::forbidden("only superusers look into other orgs"))
    }
}

fn named_types<'a>(
    registry: &'a TypeRegistry,
    caller: &Caller,
    base: &TypeInfo,
    names: &str,
) -> Result<Vec<&'a TypeInfo>> {
    let names: Vec<&str> = names.split(',').map(str::trim).collect();
    if names.len() > MAX_TYPES {
        return Err(Error::malformed_at("types", format!("at most {MAX_TYPES} types")));
    }
    names
        .into_iter()
        .map(|name| {
            let found = registry
                .find(caller.org, name)
                .ok_or_else(|| Error::malformed_at("types", format!("there is no type '{name}'")))?;
            if registry.is_derived_from(found.id(), base.id()) {
                Ok(found)
            } else {
                let detail = format!("{} is not derived from {}", found.name(), base.name());
                Err(Error::malformed_at("types", detail))
            }
        })
        .collect()
}
