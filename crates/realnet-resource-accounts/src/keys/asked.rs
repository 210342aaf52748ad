//! The document that a new key is asked for by: `{"name","scopes":[{"resource","permissions"}],"expires","account"}`.

use realnet_core::acl::Permissions;
use realnet_core::clock::Timestamp;
use realnet_core::registry::TypeRegistry;
use realnet_core::{Error, Result, Uuid, Violation};
use serde_json::Value;

use super::kept::KeptRule;

/// The longest name, in characters.
const MAX_NAME: usize = 100;
/// The most rules of a scope.
const MAX_RULES: usize = 50;
/// The resource that means all.
const ALL: &str = "*";

/// What is asked for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) name: String,
    /// Resources as they were named.
    scopes: Vec<RuleDocument>,
    pub(super) expires: Option<Timestamp>,
    /// Whose it is to be.
    pub(super) account: Option<Uuid>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleDocument {
    resource: String,
    permissions: Permissions,
}

impl Asked {
    /// Reads a document. Every fault is reported at once.
    pub(super) fn parse(body: Value) -> Result<Self> {
        let Value::Object(map) = body else {
            return Err(Error::malformed("expected a JSON object"));
        };
        let (mut asked, mut violations) = (Self::default(), Vec::new());
        for required in ["name", "scopes"] {
            if !map.contains_key(required) {
                violations.push(Violation::new(format!("/{required}"), "is required"));
            }
        }
        for (key, value) in map {
            if let Err(violation) = asked.set(&key, value) {
                violations.push(violation);
            }
        }
        if violations.is_empty() { Ok(asked) } else { Err(Error::invalid(violations)) }
    }

    fn set(&mut self, key: &str, value: Value) -> Result<(), Violation> {
        let expected = |what: &str| Violation::new(format!("/{key}"), what.to_owned());
        match (key, value) {
            ("expires" | "account", Value::Null) => {}
            ("name", Value::String(name)) => {
                name.trim().clone_into(&mut self.name);
                let is_good = !self.name.is_empty()
                    && self.name.chars().count() <= MAX_NAME
                    && !self.name.chars().any(char::is_control);
                if !is_good {
                    return Err(expected("expected 1 to 100 characters"));
                }
            }
            ("scopes", Value::Array(rules)) if (1..=MAX_RULES).contains(&rules.len()) => {
                self.scopes = rules.into_iter().enumerate().map(rule).collect::<Result<_, _>>()?;
            }
            ("name", _) => return Err(expected("expected text")),
            ("scopes", _) => {
                return Err(expected(
                    "expected 1 to 50 of {\"resource\", \"permissions\": […]}; * is every resource",
                ));
            }
            ("expires", value) => {
                let moment = value.as_str().and_then(Timestamp::parse);
                self.expires =
                    Some(moment.ok_or_else(|| expected("expected a moment such as 2031-01-31T00:00:00Z"))?);
            }
            ("account", value) => {
                let id = value.as_str().and_then(|text| Uuid::parse_str(text).ok());
                self.account = Some(id.ok_or_else(|| expected("expected the id of an account"))?);
            }
            _ => return Err(expected("is not known here")),
        }
        Ok(())
    }

    /// The scope, with the types that its resources mean in an org.
    pub(super) fn rules(&self, registry: &TypeRegistry, org: Uuid) -> Result<Vec<KeptRule>> {
        let mut violations = Vec::new();
        let mut rules = Vec::with_capacity(self.scopes.len());
        for (index, RuleDocument { resource, permissions }) in self.scopes.iter().enumerate() {
            match type_of(registry, org, resource) {
                Some(of) => rules.push(KeptRule { of, permissions: *permissions }),
                None => violations.push(Violation::new(
                    format!("/scopes/{index}/resource"),
                    "is no type or endpoint: GET /api/types lists them, and * is all of them",
                )),
            }
        }
        if violations.is_empty() { Ok(rules) } else { Err(Error::invalid(violations)) }
    }
}

/// The type that a resource means in an org, `Some(None)` being all; `None` when it means nothing.
#[allow(clippy::option_option, reason = "all and nothing are different answers")]
pub(crate) fn type_of(registry: &TypeRegistry, org: Uuid, resource: &str) -> Option<Option<Uuid>> {
    if resource == ALL {
        return Some(None);
    }
    let root = resource.eq_ignore_ascii_case("items").then(|| registry.root()).flatten();
    root.or_else(|| registry.endpoint(org, resource)).map(|info| Some(info.id()))
}

fn rule((index, value): (usize, Value)) -> Result<RuleDocument, Violation> {
    let at = |detail: String| Violation::new(format!("/scopes/{index}"), detail);
    let rule: RuleDocument = serde_json::from_value(value).map_err(|error| at(error.to_string()))?;
    if rule.permissions.is_empty() {
        return Err(at("expected at least one permission".to_owned()));
    }
    Ok(rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_fault_is_reported() {
        let id = Uuid::from_u128(1);
        let good = json!({"name": " CI ", "scopes": [{"resource": "*", "permissions": ["read"]}],
            "expires": "2031-01-31T00:00:00Z", "account": id});
        let asked = Asked::parse(good).unwrap();
        assert_eq!((asked.name.as_str(), asked.account, asked.scopes.len()), ("CI", Some(id), 1));
        let bad =
            json!({"name": "", "expires": "tomorrow", "account": 7, "hash": [0], "org": id, "scopes": []});
        let error = Asked::parse(bad).unwrap_err();
        let pointers: Vec<&str> = error.violations().iter().map(|one| one.pointer.as_str()).collect();
        assert_eq!(pointers.len(), 6, "{pointers:?}");
        let required = Asked::parse(json!({})).unwrap_err();
        assert_eq!(required.violations().len(), 2);
    }

    #[test]
    fn rules_say_what_they_are_about() {
        for bad in [
            json!({"resource": "notes"}),
            json!({"resource": "notes", "permissions": []}),
            json!({"resource": "notes", "permissions": ["fly"]}),
            json!({"resource": "notes", "permissions": ["read"], "org": "x"}),
            json!("notes:read"),
        ] {
            let error = Asked::parse(json!({"name": "a", "scopes": [bad]})).unwrap_err();
            assert_eq!(error.violations()[0].pointer, "/scopes/0", "{bad}");
        }
        let many = vec![json!({"resource": "*", "permissions": ["read"]}); 51];
        assert!(Asked::parse(json!({"name": "a", "scopes": many})).is_err());
    }
}
