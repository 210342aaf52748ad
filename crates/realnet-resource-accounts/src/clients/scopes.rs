//! Scopes as OAuth writes them: words such as `customers:read,write`, with a blank between two.

use realnet_core::acl::{Permission, Permissions, Scope, ScopeRule};
use realnet_core::model::Item;
use realnet_core::registry::TypeRegistry;
use realnet_core::{Error, Result, Uuid, Violation};
use serde_json::Value;

use crate::keys::type_of;

/// The longest scope that may be asked for, in bytes: it stands in the token.
const MAX_ASKED: usize = 1000;
/// The most words of a client: as many as a key has rules.
const MAX_WORDS: usize = 50;

/// What a word means in an org: `RESOURCE:PERMISSION,…`, or `RESOURCE` for all permissions; `*` is every resource.
fn rule(registry: &TypeRegistry, org: Uuid, word: &str) -> Option<ScopeRule> {
    let (resource, named) = word.split_once(':').map_or((word, None), |(name, rest)| (name, Some(rest)));
    let permission = |name: &str| Permission::ALL.into_iter().find(|known| known.as_str() == name);
    let permissions = match named {
        None => Permissions::ALL,
        Some(named) => Permissions::of(&named.split(',').map(permission).collect::<Option<Vec<_>>>()?),
    };
    Some(ScopeRule { of: type_of(registry, org, resource)?, permissions })
}

/// The words of a client's item.
pub(super) fn words_of(client: &Item) -> Vec<&str> {
    let words = client.attributes.get("scopes").and_then(Value::as_array).into_iter().flatten();
    words.filter_map(Value::as_str).collect()
}

/// The scope of a client's item. A word that means nothing any more leaves nothing.
pub(super) fn scope_of(registry: &TypeRegistry, client: &Item) -> Scope {
    Scope::new(words_of(client).iter().filter_map(|word| rule(registry, client.org, word)).collect())
}

/// What is left of a client's scope of what was asked for.
///
/// # Errors
/// Invalid at `/scope` when more was asked for than the client has.
pub(super) fn narrowed(registry: &TypeRegistry, client: &Item, asked: Option<&str>) -> Result<Scope> {
    let own = scope_of(registry, client);
    let Some(asked) = asked else { return Ok(own) };
    if asked.len() > MAX_ASKED {
        return Err(Error::invalid(vec![Violation::new("/scope", "is too long")]));
    }
    let refused = || Error::invalid(vec![Violation::new("/scope", "is more than the client's item allows")]);
    let words = asked.split(' ').filter(|word| !word.is_empty());
    let rules: Option<Vec<ScopeRule>> = words.map(|word| rule(registry, client.org, word)).collect();
    let asked = Scope::new(rules.ok_or_else(refused)?);
    if own.covers(registry, &asked) { Ok(asked) } else { Err(refused()) }
}

/// What is wrong with a word that means nothing.
fn fault(registry: &TypeRegistry, org: Uuid, word: &str) -> String {
    let resource = word.split_once(':').map_or(word, |(resource, _)| resource);
    let is_name = !resource.is_empty() && !resource.contains(char::is_whitespace);
    if is_name && type_of(registry, org, resource).is_none() {
        return format!("{resource} is no type or endpoint: GET /api/types lists them");
    }
    "expected RESOURCE:PERMISSION,… such as customers:read,write, or RESOURCE for all permissions".to_owned()
}

/// Sees that the words of a client that are written are not too many, and that each means something.
pub(crate) fn check_scopes(registry: &TypeRegistry, before: Option<&Item>, client: &Item) -> Result<()> {
    let scopes = |item: &Item| item.attributes.get("scopes").cloned();
    if before.is_some_and(|before| scopes(before) == scopes(client)) {
        return Ok(());
    }
    let words = words_of(client);
    if words.len() > MAX_WORDS {
        let detail = format!("expected at most {MAX_WORDS} scopes");
        return Err(Error::invalid(vec![Violation::new("/attributes/scopes", detail)]));
    }
    let unknown = words.iter().enumerate().filter(|(_, word)| rule(registry, client.org, word).is_none());
    let violation = |(index, word): (usize, &&str)| {
        Violation::new(format!("/attributes/scopes/{index}"), fault(registry, client.org, word))
    };
    let violations: Vec<Violation> = unknown.map(violation).collect();
    if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
}
