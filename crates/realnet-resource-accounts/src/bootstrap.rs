//! The first start: the first org and its superuser.

use std::sync::Arc;

use realnet_core::acl::Caller;
use realnet_core::change::{ChangeSet, Operation};
use realnet_core::model::{Attributes, Item, Map};
use realnet_core::provider::Access;
use realnet_core::registry::{TypeInfo, TypeRegistry};
use realnet_core::resource::Services;
use realnet_core::{Error, ErrorKind, Result, Uuid};

use crate::directory::Directory;
use crate::kind::fold;
use crate::passwords::Passwords;
use crate::policy;

/// What the first org and its superuser are called.
#[derive(Clone)]
pub struct Bootstrap {
    /// Name of the org.
    pub org: String,
    /// Name that the superuser signs in with.
    pub username: String,
    /// The password.
    pub password: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// Cost of the password's hash: 2^cost rounds, 4 to 31.
    pub bcrypt_cost: u32,
}

impl Bootstrap {
    /// What can be judged without a store.
    ///
    /// # Errors
    /// A password that is too short or too long is invalid.
    pub fn check(&self) -> Result<()> {
        policy::length(&self.password)
    }
}

/// Whether there is no account yet, so that [`bootstrap`] would make the first. The types must be loaded.
pub async fn is_first_start(services: &Services) -> Result<bool> {
    Ok(Directory::new(services).any_account().await?.is_none())
}

/// What was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bootstrapped {
    /// The org.
    pub org: Uuid,
    /// The superuser.
    pub account: Uuid,
}

/// Creates the first org with its superuser, unless there is an account already. The types must be loaded.
///
/// # Errors
/// A password or name that breaks the rules is invalid; without the types `Org` and `Account` it is a conflict.
pub async fn bootstrap(services: &Services, first: Bootstrap) -> Result<Option<Bootstrapped>> {
    let directory = Directory::new(services);
    if directory.any_account().await?.is_some() {
        return Ok(None);
    }
    first.check()?;
    if policy::is_common(&first.password) {
        // Whoever runs the server may choose; everybody else may not.
        tracing::warn!("the administrator's password is one of the most common ones: change it");
    }
    let registry = services.registry.current();
    // Replicas that start at the same time settle on the same ids, so that only one of them creates.
    let org = agreed(services, "accounts.first_org").await?;
    let account = agreed(services, "accounts.first_account").await?;
    let password_hash = Passwords::new(first.bcrypt_cost).hash(&first.password).await?;
    let operations = vec![
        Operation::Create(Box::new(org_item(&registry, org, first.org)?)),
        Operation::Create(Box::new(account_item(&registry, org, account, first.username, first.email)?)),
        Operation::SetPassword { account, password_hash },
    ];
    let access = Access { caller: Arc::new(Caller::system(org)), registry };
    let changes = ChangeSet::new(operations, services.clock.now(), Arc::from("first-start"));
    match services.items.commit(&access, changes).await {
        Ok(_) => Ok(Some(Bootstrapped { org, account })),
        Err(error) if error.kind() == ErrorKind::Conflict && directory.any_account().await?.is_some() => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn agreed(services: &Services, setting: &str) -> Result<Uuid> {
    let mine = services.ids.next_id().as_bytes().to_vec();
    let id = services.credentials.setting_or_insert(setting, mine).await?;
    Uuid::from_slice(&id).map_err(|error| Error::internal("a stored id can not be read").with_source(error))
}

fn org_item(registry: &TypeRegistry, id: Uuid, name: String) -> Result<Item> {
    item(required(registry, "Org")?, id, id, name, None, Map::new())
}

fn account_item(
    registry: &TypeRegistry,
    org: Uuid,
    id: Uuid,
    username: String,
    email: Option<String>,
) -> Result<Item> {
    let mut attributes = Map::new();
    attributes.insert("username".to_owned(), username.clone().into());
    attributes.insert("role".to_owned(), "superuser".into());
    if let Some(email) = email {
        attributes.insert("email".to_owned(), email.into());
    }
    fold(&mut attributes);
    item(required(registry, "Account")?, id, org, username, Some(id), attributes)
}

fn required<'a>(registry: &'a TypeRegistry, name: &str) -> Result<&'a TypeInfo> {
    let found = registry.system(name);
    found.ok_or_else(|| {
        Error::conflict(format!("the type {name} is not there: load the initialization files first"))
    })
}

/// An item with the defaults of its type, checked.
pub(crate) fn item(
    info: &TypeInfo,
    id: Uuid,
    org: Uuid,
    name: String,
    owner: Option<Uuid>,
    mut attributes: Map,
) -> Result<Item> {
    info.apply_defaults(None, &mut attributes);
    info.validate(None, &mut attributes)?;
    Ok(Item { name, attributes: Attributes::from_map(attributes), owner, ..info.item(id, org) })
}
