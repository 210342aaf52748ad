//! Looking up orgs, accounts and memberships, on behalf of the system.

use std::collections::HashMap;
use std::sync::Arc;

use realnet_core::acl::{Caller, OrgRole, Principal};
use realnet_core::model::Item;
use realnet_core::provider::{Access, Page};
use realnet_core::query::{
    AttributePath, Comparison, Cursor, Literal, Operand, OrgScope, Predicate, Property, Query,
};
use realnet_core::registry::{TypeInfo, TypeRegistry};
use realnet_core::resource::Services;
use realnet_core::{Result, Uuid};
use serde_json::Value;

use crate::kind::{role_of, username_of};

/// The attribute by which an org requires second factors.
pub(crate) const REQUIRES: &str = "require_factor";

/// The items that say who is who.
pub(crate) struct Directory<'a> {
    services: &'a Services,
    access: Access,
}

impl<'a> Directory<'a> {
    /// Looks with the current types.
    pub(crate) fn new(services: &'a Services) -> Self {
        Self::at(services, services.registry.current())
    }

    /// Looks with the given types.
    pub(crate) fn at(services: &'a Services, registry: Arc<TypeRegistry>) -> Self {
        Self { services, access: Access { caller: Arc::new(Caller::system(Uuid::nil())), registry } }
    }

    /// What is asked for by name here is the system's, whatever an org may have called so.
    fn info(&self, name: &str) -> Option<&TypeInfo> {
        self.access.registry.system(name)
    }

    /// An item, whoever may read it.
    pub(crate) async fn item(&self, id: Uuid) -> Result<Option<Item>> {
        self.services.items.get(&self.access, id).await
    }

    /// Whether an item is of a type or derived from it.
    pub(crate) fn is(&self, item: &Item, name: &str) -> bool {
        let info = self.info(name);
        info.is_some_and(|info| self.access.registry.is_derived_from(item.type_id, info.id()))
    }

    /// The most that an account can be by its type. Administrators write the types of their org, and with them the rules
    /// that its accounts are kept by: so such an account reaches no further than they do.
    pub(crate) fn highest_role(&self, account: &Item) -> OrgRole {
        let info = self.access.registry.by_id(account.type_id);
        let of_system = info.is_some_and(|info| info.org().is_none());
        if of_system { OrgRole::Superuser } else { OrgRole::Admin }
    }

    /// The org of a name or id.
    pub(crate) async fn org(&self, name: &str) -> Result<Option<Uuid>> {
        if let Ok(id) = Uuid::parse_str(name) {
            let item = self.item(id).await?;
            return Ok(item.filter(|item| self.is(item, "Org")).map(|item| item.id));
        }
        let filter = Predicate::Compare {
            operand: Operand::Property(Property::Name),
            comparison: Comparison::Eq,
            value: Literal::Text(name.to_owned()),
        };
        let found = self.find(OrgScope::All, "Org", filter, 1).await?;
        Ok(found.first().map(|item| item.id))
    }

    /// The org that was made first.
    pub(crate) async fn first_org(&self) -> Result<Option<Uuid>> {
        let found = self.find(OrgScope::All, "Org", Predicate::All, 1).await?;
        Ok(found.first().map(|item| item.id))
    }

    /// Whether an org wants all who sign in to it to do so by a second factor.
    pub(crate) async fn requires_factor(&self, org: Uuid) -> Result<bool> {
        let org = self.item(org).await?;
        Ok(org.is_some_and(|org| org.attributes.get(REQUIRES).and_then(Value::as_bool).unwrap_or_default()))
    }

    /// All orgs.
    pub(crate) async fn all_orgs(&self) -> Result<Vec<Uuid>> {
        let orgs = self.find(OrgScope::All, "Org", Predicate::All, 0).await?;
        Ok(orgs.iter().map(|org| org.id).collect())
    }

    /// The account of a name in an org.
    pub(crate) async fn account(&self, org: Uuid, username: &str) -> Result<Option<Item>> {
        self.account_with(org, "username", username).await
    }

    /// The account of an address in an org.
    pub(crate) async fn account_of_address(&self, org: Uuid, address: &str) -> Result<Option<Item>> {
        self.account_with(org, "email", address).await
    }

    /// Names and addresses are kept in lower case, but for those that were kept before that was so: looked up the same way
    /// whether there are any, so that the time tells nothing.
    async fn account_with(&self, org: Uuid, field: &str, value: &str) -> Result<Option<Item>> {
        let Some(info) = self.info("Account") else { return Ok(None) };
        let mut found = None;
        let folded = value.to_ascii_lowercase();
        let as_given = (folded != value).then(|| value.to_owned());
        for value in std::iter::once(folded).chain(as_given) {
            let filter = equals(info, field, Literal::Text(value));
            let page = self.find(OrgScope::One(org), "Account", filter, 1).await?;
            found = found.or(page.into_iter().next());
        }
        Ok(found)
    }

    /// The names of those of `ids` that are accounts, and whether they are superusers.
    pub(crate) async fn people(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, (Arc<str>, bool)>> {
        let mut names = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(Query::MAX_LIMIT) {
            let found = self.services.items.get_all(&self.access, ids).await?;
            let accounts = found.iter().filter(|item| self.is(item, "Account"));
            names.extend(accounts.map(|account| {
                let is_superuser = role_of(account.attributes.as_map()) == OrgRole::Superuser;
                (account.id, (Arc::from(username_of(account)), is_superuser))
            }));
        }
        Ok(names)
    }

    /// A page of the accounts of an org, in order of creation.
    pub(crate) async fn accounts(&self, org: Uuid, after: Option<Cursor>, limit: usize) -> Result<Page> {
        let Some(info) = self.info("Account") else { return Ok(Page::default()) };
        let types = self.access.registry.derived(info, Some(org)).map(TypeInfo::id).collect();
        let query = Query { after, limit, ..Query::of(OrgScope::One(org), types) };
        if let Some(cursor) = &query.after {
            cursor.check(&query.order)?;
        }
        self.services.items.list(&self.access, &query).await
    }

    /// Some account, if there is any.
    pub(crate) async fn any_account(&self) -> Result<Option<Item>> {
        Ok(self.find(OrgScope::All, "Account", Predicate::All, 1).await?.pop())
    }

    /// Whether an org has items besides its own.
    pub(crate) async fn has_items(&self, org: Uuid) -> Result<bool> {
        let found = self.find(OrgScope::One(org), "Item", Predicate::All, 2).await?;
        Ok(found.iter().any(|item| item.id != org))
    }

    /// The groups or roles that an account is linked to by items of type `link`, whose field `field` names them.
    pub(crate) async fn memberships(
        &self,
        org: Uuid,
        account: Uuid,
        link: &str,
        field: &str,
        of: &str,
    ) -> Result<Vec<Principal>> {
        let Some(info) = self.info(link) else { return Ok(Vec::new()) };
        let links =
            self.find(OrgScope::One(org), link, equals(info, "account", Literal::Id(account)), 0).await?;
        let ids: Vec<Uuid> = links
            .iter()
            .filter_map(|link| link.attributes.get(field)?.as_str())
            .filter_map(|id| Uuid::parse_str(id).ok())
            .collect();
        let items = self.services.items.get_all(&self.access, &ids).await?;
        Ok(items.iter().filter(|item| item.org == org && self.is(item, of)).map(principal).collect())
    }

    /// The roles of a name, without regard to case.
    pub(crate) async fn roles_named(&self, org: Uuid, name: &str) -> Result<Vec<Principal>> {
        let filter = Predicate::Compare {
            operand: Operand::Property(Property::Name),
            comparison: Comparison::Ilike,
            value: Literal::Text(name.to_owned()),
        };
        Ok(self.find(OrgScope::One(org), "Role", filter, 0).await?.iter().map(principal).collect())
    }

    /// The first items of a type that an org has, in order of creation.
    pub(crate) async fn first_of(&self, org: Uuid, name: &str, limit: usize) -> Result<Vec<Item>> {
        self.find(OrgScope::One(org), name, Predicate::All, limit).await
    }

    /// Items of a type, at most `limit` of them, or all (0).
    async fn find(&self, scope: OrgScope, name: &str, filter: Predicate, limit: usize) -> Result<Vec<Item>> {
        let Some(info) = self.info(name) else { return Ok(Vec::new()) };
        let seen = match scope {
            OrgScope::One(org) => Some(org),
            OrgScope::All => None,
        };
        let types = self.access.registry.derived(info, seen).map(TypeInfo::id).collect();
        let mut query = Query { filter, ..Query::of(scope, types) };
        query.limit = if limit == 0 { Query::MAX_LIMIT } else { limit };
        let mut items = Vec::new();
        loop {
            let page = self.services.items.list(&self.access, &query).await?;
            items.extend(page.items);
            match page.next {
                Some(next) if limit == 0 => query.after = Some(next),
                _ => return Ok(items),
            }
        }
    }
}

fn principal(item: &Item) -> Principal {
    Principal { id: item.id, name: Arc::from(item.name.to_lowercase()) }
}

/// An own attribute equals a value. Constants of types do not count.
fn equals(info: &TypeInfo, key: &str, value: Literal) -> Predicate {
    let field = info.field(key);
    let operand = Operand::Attribute(AttributePath {
        key: Arc::from(key),
        path: Vec::new(),
        kind: field.map(|info| info.field.kind),
        multiple: field.is_some_and(|info| info.field.multiple),
        index: field.and_then(|info| info.index()).cloned(),
        sparse: field.is_none_or(|info| info.field.multiple || !(info.field.index || info.field.unique)),
        constants: Vec::new(),
    });
    Predicate::Compare { operand, comparison: Comparison::Eq, value }
}
