//! Who owns an item: the caller, unless an administrator names another account of the org.

use serde_json::Value;
use uuid::Uuid;

use super::property::parse_id;
use crate::acl::Caller;
use crate::error::{Result, Violation};
use crate::model::{Item, Map};
use crate::provider::Access;
use crate::resource::Context;

/// The owner that a document names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OwnerChoice {
    /// The account; `None` for an item without owner.
    id: Option<Uuid>,
    /// The org of that account; `None` when there is no such account.
    org: Option<Uuid>,
    /// Whether what the document says is no id at all.
    is_malformed: bool,
}

impl OwnerChoice {
    /// Looks up the account that `owner` names, if the document names one and the caller may set it.
    pub(super) async fn find(cx: &Context, properties: &Map) -> Result<Option<Self>> {
        let Some(value) = properties.get("owner") else { return Ok(None) };
        let stated = Self::stated(value);
        let Some(id) = stated.id else { return Ok(Some(stated)) };
        let caller = cx.caller();
        if caller.account == Some(id) {
            return Ok(Some(Self { org: Some(caller.org), ..stated }));
        }
        if !caller.is_admin() {
            return Ok(Some(stated));
        }
        let account = cx.services.items.get(&cx.access, id).await?;
        let org = account.filter(|item| is_account(&cx.access, item)).map(|item| item.org);
        Ok(Some(Self { org, ..stated }))
    }

    /// What a document says, before anything is looked up.
    fn stated(value: &Value) -> Self {
        let id = value.as_str().and_then(parse_id);
        Self { id, org: None, is_malformed: id.is_none() && !value.is_null() }
    }

    /// The owner in a document that a JSON Patch gave, when `found` was looked up for an owner named in the patch.
    pub(super) fn of_patched(properties: &Map, found: Option<Self>) -> Option<Self> {
        let stated = Self::stated(properties.get("owner").unwrap_or(&Value::Null));
        found.filter(|choice| !stated.is_malformed && choice.id == stated.id).or(Some(stated))
    }

    /// Sets the owner of an item that has been without one: at creation.
    pub(super) fn claim(self, caller: &Caller, item: &mut Item) -> Result<(), Violation> {
        if self.id.is_some() && self.id == caller.account && self.org == Some(item.org) {
            item.owner = self.id;
            return Ok(());
        }
        self.assign(caller, item)
    }

    /// Changes the owner of an item. The same owner as before is fine for everybody.
    pub(super) fn assign(self, caller: &Caller, item: &mut Item) -> Result<(), Violation> {
        if self.is_malformed {
            return Err(Violation::new("/owner", "expected the id of an account"));
        }
        if item.owner == self.id {
            return Ok(());
        }
        if !(caller.is_superuser() || (caller.is_admin() && caller.is_member_of(item.org))) {
            return Err(Violation::new("/owner", "only administrators set another owner"));
        }
        if self.id.is_some() && self.org != Some(item.org) {
            return Err(Violation::new("/owner", "is no account of the item's org"));
        }
        item.owner = self.id;
        Ok(())
    }
}

fn is_account(access: &Access, item: &Item) -> bool {
    let account = access.registry.system("Account");
    account.is_some_and(|info| access.registry.is_derived_from(item.type_id, info.id()))
}
