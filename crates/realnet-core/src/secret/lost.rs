//! Giving up what no key opens any more: a store whose key is lost would stay shut for ever otherwise.
//!
//! Items lose such secrets by changes like any others. It can be stopped at any moment and begun again: what the store expects of
//! keys is changed last, and until then it does not start without those that are lost. Only where the key to seal under has the id of
//! a lost one, it takes the place of that first: else values would be sealed under an id by which the store knows another key.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::rotation::{ATTEMPTS, NAMED, Walk, may_pass, system};
use super::settings::{DIGEST_KEY, forget_lost, is_lost_setting, lost_keys, note, renew_lost_setting};
use super::{Keyring, fields};
use crate::acl::Origin;
use crate::change::{ChangeSet, Edit, Operation};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Item;
use crate::provider::Access;
use crate::registry::TypeRegistry;
use crate::resource::Services;

/// What a store holds that does not open with the keys that are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lost {
    /// The ids of the keys that a start asks for and that are not there, or are others.
    pub keys: Vec<String>,
    /// Secrets of items, by the names of their types.
    pub secrets: BTreeMap<String, usize>,
    /// How many items have them.
    pub items: usize,
    /// Whether the store's own key for digests is among it.
    pub digests: bool,
}

impl Lost {
    /// Whether everything opens.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Counts what does not open.
pub async fn lost(services: &Services) -> Result<Lost> {
    let (store, keyring) = (&*services.credentials, services.secrets.keyring());
    let keys = lost_keys(store, keyring).await?;
    let digests = is_lost_setting(store, keyring, DIGEST_KEY).await?;
    let mut lost = Lost { keys, digests, ..Lost::default() };
    let mut walk = Walk::of_secrets(services);
    while let Some(items) = walk.next(services).await? {
        for item in &items {
            let count = count(keyring, &walk.access.registry, item);
            if count > 0 {
                *lost.secrets.entry(item.type_name.to_string()).or_default() += count;
                lost.items += 1;
            }
        }
    }
    Ok(lost)
}

/// What was given up.
#[derive(Debug, Default)]
pub struct GivenUp {
    /// Items that were changed.
    pub changed: usize,
    /// Items whose change was refused, and which keep what does not open; the first ones, each with the reason.
    pub refused: Vec<(Uuid, Error)>,
    /// How many these are in all.
    pub left: usize,
}

/// Takes the secrets that do not open out of their items, makes the key for digests anew where that does not open, and has the store
/// expect the keys no more that are lost. `progress` is told how many items have been changed so far. An item whose change is refused
/// keeps them, and keeps no store shut.
///
/// # Errors
/// A conflict when there is no key to seal under from here on; those of a store that is away.
pub async fn give_up(services: &Services, mut progress: impl FnMut(usize) + Send) -> Result<GivenUp> {
    let (store, keyring) = (&*services.credentials, services.secrets.keyring());
    if keyring.primary().is_none() {
        return Err(Error::conflict("there is no key to seal under from here on"));
    }
    note(store, keyring).await?;
    renew_lost_setting(store, keyring, DIGEST_KEY).await?;
    let mut done = GivenUp::default();
    let mut walk = Walk::of_secrets(services);
    while let Some(items) = walk.next(services).await? {
        for item in &items {
            if count(keyring, &walk.access.registry, item) > 0 {
                done.note(item.id, take_out(services, item.id).await)?;
                progress(done.changed);
            }
        }
    }
    forget_lost(store, keyring).await?;
    Ok(done)
}

impl GivenUp {
    /// Whether an item was changed; the error again where no other item would be changed either.
    fn note(&mut self, item: Uuid, changed: Result<()>) -> Result<()> {
        match changed {
            Ok(()) => self.changed += 1,
            Err(error) if error.kind() == ErrorKind::Unavailable => return Err(error),
            Err(error) => {
                self.left += 1;
                if self.refused.len() < NAMED {
                    self.refused.push((item, error));
                }
            }
        }
        Ok(())
    }
}

fn count(keyring: &Keyring, registry: &TypeRegistry, item: &Item) -> usize {
    registry.by_id(item.type_id).map_or(0, |info| fields::lost(keyring, info, item).len())
}

/// Changes one item. One that is gone is passed over.
async fn take_out(services: &Services, id: Uuid) -> Result<()> {
    let mut attempt = 1;
    loop {
        let access = system(services);
        let update = Operation::Update { id, expected_version: None, edit: edit(services, &access) };
        let changes = ChangeSet::new(vec![update], services.clock.now(), Arc::from("give-up"))
            .with_origin(Some(Arc::new(Origin::new("console"))));
        match services.items.commit(&access, changes).await {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) if attempt < ATTEMPTS && may_pass(&error) => {
                services.reload_types().await?;
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

fn edit(services: &Services, access: &Access) -> Edit {
    let (secrets, registry) = (services.secrets.clone(), Arc::clone(&access.registry));
    Arc::new(move |item| Ok(fields::without_lost(secrets.keyring(), registry.require(item.type_id)?, item)))
}
