//! The rules of accounts: who makes whom, and what an account may change about itself.

use realnet_core::acl::{Caller, Grant, OrgRole, Permission, Permissions};
use realnet_core::model::{Attributes, Item};
use realnet_core::{Error, Result, Violation};
use serde_json::Value;

use crate::kind::{address_of, fold, role_of, username_of};

/// Completes a new account: it owns itself, so that it can read and change itself, and stores its own role.
pub(crate) fn create(caller: &Caller, account: &mut Item, default_role: Option<OrgRole>) -> Result<()> {
    let mut attributes = std::mem::take(&mut account.attributes).into_map();
    fold(&mut attributes);
    let given = attributes.get("role").and_then(Value::as_str).and_then(OrgRole::parse);
    // A value that is no role is left to validation.
    if !attributes.contains_key("role") {
        let role = default_role.unwrap_or(OrgRole::User);
        attributes.insert("role".to_owned(), role.as_str().into());
    }
    let role = given.or(default_role).unwrap_or(OrgRole::User);
    account.attributes = Attributes::from_map(attributes);
    no_password(account)?;
    may_give(caller, role)?;
    if !caller.is_admin() && account.public {
        return Err(Error::forbidden("only administrators make an account public"));
    }
    if account.name.is_empty() {
        username_of(account).to_owned().clone_into(&mut account.name);
    }
    account.owner = Some(account.id);
    Ok(())
}

/// Who may give an account a role.
fn may_give(caller: &Caller, role: OrgRole) -> Result<()> {
    let most = match caller.power() {
        Some(OrgRole::Superuser) => OrgRole::Superuser,
        Some(OrgRole::Admin) => OrgRole::Admin,
        Some(OrgRole::Visitor) => OrgRole::Visitor,
        // Strangers, where an org lets them sign up.
        Some(OrgRole::User) | None => OrgRole::User,
    };
    if role <= most {
        return Ok(());
    }
    Err(Error::forbidden(format!("you may not give the role {}", role.as_str())))
}

/// Checks a change, and takes back the proof of an address that changes.
pub(crate) fn edit(caller: &Caller, before: &Item, after: &mut Item) -> Result<()> {
    untouchable(caller, before)?;
    no_password(after)?;
    let mut attributes = std::mem::take(&mut after.attributes).into_map();
    fold(&mut attributes);
    after.attributes = Attributes::from_map(attributes);
    let (old, new) = (role_of(before.attributes.as_map()), role_of(after.attributes.as_map()));
    let is_self = caller.account == Some(before.id);
    if old != new {
        if is_self {
            return Err(Error::forbidden("nobody changes their own role"));
        }
        administrators_only(caller, "the role of an account")?;
        may_give(caller, new)?;
    }
    let differs = |key: &str| before.attributes.get(key) != after.attributes.get(key);
    if differs("disabled") {
        if is_self {
            return Err(Error::forbidden("nobody disables or enables themselves"));
        }
        administrators_only(caller, "whether an account is disabled")?;
    }
    if !username_of(before).eq_ignore_ascii_case(username_of(after)) {
        administrators_only(caller, "the name that an account signs in with")?;
    }
    let folded = |item: &Item| address_of(item).map(str::to_ascii_lowercase);
    if folded(before) != folded(after) {
        if is_self && !caller.is_admin() && address_of(after).is_some() {
            // What asks for a proof first has been here before: see `address`. This is for all other ways.
            let detail = "is proved before it becomes the account's: change it by PUT or by a merge patch";
            return Err(Error::invalid(vec![Violation::new("/email", detail)]));
        }
        if !is_self {
            administrators_only(caller, "the address of another account")?;
        }
        if !differs("email_verified") {
            let mut attributes = std::mem::take(&mut after.attributes).into_map();
            attributes.insert("email_verified".to_owned(), Value::Bool(false));
            after.attributes = Attributes::from_map(attributes);
        }
    }
    properties(caller, before, after)
}

/// An account stays its own owner; how it is found and shared is decided by administrators.
fn properties(caller: &Caller, before: &Item, after: &Item) -> Result<()> {
    if before.owner != after.owner {
        return Err(Error::invalid(vec![Violation::new("/owner", "an account owns itself")]));
    }
    let place = |item: &Item| {
        (item.public, item.visibility, item.parent_id, item.linked_item_id, item.valid_from, item.valid_to)
    };
    if place(before) != place(after) || before.instance != after.instance {
        administrators_only(caller, "where an account stands and who finds it")?;
    }
    Ok(())
}

/// Accounts are deleted by administrators, never by themselves: so the last superuser stays.
pub(crate) fn delete(caller: &Caller, account: &Item) -> Result<()> {
    untouchable(caller, account)?;
    if caller.account == Some(account.id) {
        return Err(Error::forbidden("nobody deletes their own account"));
    }
    administrators_only(caller, "whether an account exists")
}

/// An account shows itself to others; letting others write it is for administrators.
pub(crate) fn grants(caller: &Caller, account: &Item, grants: &[Grant]) -> Result<()> {
    untouchable(caller, account)?;
    let read = Permissions::of(&[Permission::Read]);
    if grants.iter().all(|grant| read.covers(grant.permissions)) {
        return Ok(());
    }
    administrators_only(caller, "who may do more than read an account")
}

/// No administrator alters a superuser.
fn untouchable(caller: &Caller, account: &Item) -> Result<()> {
    if role_of(account.attributes.as_map()) == OrgRole::Superuser && !caller.is_superuser() {
        return Err(Error::forbidden("only superusers change a superuser"));
    }
    Ok(())
}

fn administrators_only(caller: &Caller, what: &str) -> Result<()> {
    if caller.is_admin() {
        Ok(())
    } else {
        Err(Error::forbidden(format!("only administrators change {what}")))
    }
}

/// A password never becomes part of an item.
fn no_password(account: &Item) -> Result<()> {
    for key in ["password", "current_password"] {
        if account.attributes.get(key).is_some() {
            let detail = "a password is no attribute of an account";
            return Err(Error::invalid(vec![Violation::new(format!("/attributes/{key}"), detail)]));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use realnet_core::{ErrorKind, Uuid};
    use serde_json::json;

    use super::*;

    /// An account with these attributes.
    fn account(attributes: Value) -> Item {
        let (org, id) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let Value::Object(attributes) = attributes else { unreachable!("an object is given") };
        let item = Item::new(id, Uuid::from_u128(3), Arc::from("Account"), org);
        Item { owner: Some(id), attributes: Attributes::from_map(attributes), ..item }
    }

    fn caller(account: u128, role: OrgRole) -> Caller {
        let org = Uuid::from_u128(1);
        Caller { account: Some(Uuid::from_u128(account)), role: Some(role), ..Caller::anonymous(org) }
    }

    #[test]
    fn what_an_account_may_do_is_changed_by_administrators_whatever_its_fields_and_grants_say() {
        let before = account(
            json!({"username": "ann", "role": "visitor", "disabled": true, "email": "ann@first.test"}),
        );
        for (key, value) in [
            ("role", json!("user")),
            ("disabled", json!(false)),
            ("username", json!("bob")),
            ("email", json!("bob@first.test")),
        ] {
            let changed = || {
                let mut after = before.attributes.as_map().clone();
                after.insert(key.to_owned(), value.clone());
                account(Value::Object(after))
            };
            for (number, role) in [(9, OrgRole::User), (9, OrgRole::Visitor), (2, OrgRole::User)] {
                assert!(
                    edit(&caller(number, role), &before, &mut changed()).is_err(),
                    "{key} {number} {role:?}"
                );
            }
            assert!(edit(&caller(9, OrgRole::Admin), &before, &mut changed()).is_ok(), "{key}");
        }
        let mut raised = account(json!({"username": "ann", "role": "superuser"}));
        let refused = edit(&caller(9, OrgRole::Admin), &before, &mut raised).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Forbidden);
    }
}
