//! What an org says of a provider: an item of the type `Auth`.

use realnet_core::acl::OrgRole;
use realnet_core::model::Item;
use realnet_core::resource::ListRequest;
use realnet_core::secret::Secrets;
use realnet_core::{Error, Result, Uuid, Violation};
use serde_json::{Value, json};
use url::Url;

use super::places;
use crate::accounts::Accounts;
use crate::directory::Directory;

/// The type of such items.
const TYPE: &str = "Auth";
/// The most that are listed of an org: strangers ask, and a page for signing in has no room for more.
const MAX_LISTED: usize = 100;
/// The field whose value is sealed.
const SECRET: &str = "client_secret";

/// A provider that is in use.
pub(super) struct Provider {
    pub(super) id: Uuid,
    pub(super) org: Uuid,
    pub(super) name: String,
    pub(super) issuer: String,
    pub(super) client_id: String,
    /// Besides `openid`.
    pub(super) scopes: Vec<String>,
    /// The role of accounts that are made; `None`: none are made.
    pub(super) creates: Option<OrgRole>,
    pub(super) links_by_email: bool,
    /// In lower case; empty: all.
    pub(super) domains: Vec<String>,
    item: Item,
}

impl Provider {
    /// Reads an item. One that is not in use, or says too little, is none.
    fn read(item: Item) -> Option<Self> {
        let attributes = item.attributes.as_map();
        let text = |key: &str| attributes.get(key).and_then(Value::as_str).map(str::to_owned);
        let truth = |key: &str, default| attributes.get(key).and_then(Value::as_bool).unwrap_or(default);
        let texts = |key: &str| -> Vec<String> {
            let values = attributes.get(key).and_then(Value::as_array).into_iter().flatten();
            values.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        if !truth("enabled", true) {
            return None;
        }
        let role = text("role").as_deref().map_or(Some(OrgRole::User), OrgRole::parse)?;
        // Whatever a type that an org derives may say.
        let creates = truth("create_accounts", false).then(|| role.min(OrgRole::Admin));
        let mut scopes = texts("scopes");
        scopes.retain(|scope| scope != "openid");
        Some(Self {
            id: item.id,
            org: item.org,
            name: item.name.clone(),
            issuer: text("issuer")?,
            client_id: text("client_id")?,
            scopes,
            creates,
            links_by_email: truth("link_by_email", false),
            domains: texts("allowed_domains")
                .iter()
                .map(|domain| domain.trim().to_ascii_lowercase())
                .collect(),
            item,
        })
    }

    /// The secret that this server has with it.
    pub(super) fn secret(&self, secrets: &Secrets) -> Result<Option<String>> {
        Ok(secrets.open(&self.item, SECRET)?.as_ref().and_then(Value::as_str).map(str::to_owned))
    }

    /// Whether an address, or its absence, is one of those that may sign in here.
    pub(super) fn admits(&self, email: Option<&str>) -> bool {
        let domain =
            email.and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain.to_ascii_lowercase());
        self.domains.is_empty() || domain.is_some_and(|domain| self.domains.contains(&domain))
    }
}

/// Sees that a secret stays with whom it was made with: else whoever may change the item, but not read it, would have it sent
/// to themselves.
///
/// # Errors
/// Invalid when issuer or client change and the secret stays.
pub(crate) fn keeps_its_secret(before: &Item, after: &Item) -> Result<()> {
    let is_moved = ["issuer", "client_id"]
        .into_iter()
        .any(|key| before.attributes.get(key) != after.attributes.get(key));
    let kept = before.attributes.get(SECRET).filter(|secret| !secret.is_null());
    if is_moved && kept.is_some() && kept == after.attributes.get(SECRET) {
        let detail = "is that of the provider as it was: give it anew along with another issuer or client";
        return Err(Error::invalid(vec![Violation::new(format!("/attributes/{SECRET}"), detail)]));
    }
    Ok(())
}

/// Sees that an issuer that is written can be reached safely. Whether one of this machine may be is a setting of the server, and
/// asked when somebody signs in; what is no address at all is refused by its field.
///
/// # Errors
/// Invalid when the issuer is new and neither encrypted nor of this machine.
pub(crate) fn has_safe_issuer(before: Option<&Item>, item: &Item) -> Result<()> {
    let issuer = |item: &Item| item.attributes.get("issuer").and_then(Value::as_str).map(str::to_owned);
    let given = issuer(item);
    if before.is_some_and(|before| issuer(before) == given) {
        return Ok(());
    }
    let url = given.and_then(|text| Url::parse(&text).ok());
    if url.is_none_or(|url| places::provider(&url, true).is_ok()) {
        return Ok(());
    }
    let detail =
        "expected an https address, such as https://accounts.example.org (http on this machine only)";
    Err(Error::invalid(vec![Violation::new("/attributes/issuer", detail)]))
}

impl Accounts {
    /// The providers of an org by which people sign in, for everybody: names and ids, and nothing else.
    pub(crate) async fn list_providers(&self, parameters: &ListRequest) -> Result<Value> {
        let mut org = None;
        for (name, value) in &parameters.parameters {
            if name != "org" {
                return Err(Error::malformed_at(name.clone(), "not a parameter here"));
            }
            org = Some(value.as_str());
        }
        let directory = Directory::new(&self.services);
        let org = match org {
            Some(name) => directory.org(name).await?,
            None => self.default_org().await?,
        };
        // An org that does not exist has none.
        let Some(org) = org else { return Ok(json!([])) };
        let items = directory.first_of(org, TYPE, MAX_LISTED).await?;
        let mut providers: Vec<Provider> = items.into_iter().filter_map(Provider::read).collect();
        providers.sort_by(|one, other| (&one.name, one.id).cmp(&(&other.name, other.id)));
        Ok(providers.iter().map(|provider| json!({"id": provider.id, "name": provider.name})).collect())
    }

    /// A provider that is in use.
    pub(super) async fn provider(&self, id: Uuid) -> Result<Provider> {
        let directory = Directory::new(&self.services);
        let item = directory.item(id).await?.filter(|item| directory.is(item, TYPE));
        item.and_then(Provider::read).ok_or_else(|| Error::not_found(format_args!("provider {id}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use realnet_core::model::Attributes;
    use std::sync::Arc;

    fn read(attributes: Value) -> Option<Provider> {
        let Value::Object(map) = attributes else { return None };
        let item = Item::new(Uuid::from_u128(1), Uuid::from_u128(2), Arc::from("Auth"), Uuid::from_u128(3));
        Provider::read(Item { attributes: Attributes::from_map(map), ..item })
    }

    #[test]
    fn nobody_becomes_a_superuser_by_a_provider() {
        let role = |role: &str| {
            let item =
                json!({"issuer": "https://a", "client_id": "b", "role": role, "create_accounts": true});
            read(item).and_then(|provider| provider.creates)
        };
        assert_eq!(role("superuser"), Some(OrgRole::Admin));
        assert_eq!(role("visitor"), Some(OrgRole::Visitor));
        assert_eq!(role("king"), None);
    }

    #[test]
    fn nothing_is_made_or_linked_unless_it_is_said() {
        let provider =
            read(json!({"issuer": "https://a", "client_id": "b", "scopes": ["openid", "email"]})).unwrap();
        assert!(provider.creates.is_none() && !provider.links_by_email);
        assert_eq!(provider.scopes, ["email"]);
        assert!(read(json!({"issuer": "https://a", "client_id": "b", "enabled": false})).is_none());
        assert!(read(json!({"client_id": "b"})).is_none());
    }

    #[test]
    fn domains_are_whole() {
        let provider =
            read(json!({"issuer": "https://a", "client_id": "b", "allowed_domains": ["First.test"]}))
                .unwrap();
        assert!(provider.admits(Some("ann@first.test")) && provider.admits(Some("ann@FIRST.test")));
        for bad in [
            None,
            Some("ann@sub.first.test"),
            Some("ann@notfirst.test"),
            Some("first.test"),
            Some("ann@first.test.evil"),
        ] {
            assert!(!provider.admits(bad), "{bad:?}");
        }
    }
}
