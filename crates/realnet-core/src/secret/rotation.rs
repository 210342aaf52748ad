//! Sealing everything anew under the primary key, beside writers, and telling which keys are in use where.
//!
//! Items are looked at page by page, and those that need it are sealed anew in short change sets: it can be stopped at any
//! moment and begun again, and what is done already is passed over. The log of changes is not rewritten.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::{Keyring, Sealed, fields};
use crate::acl::Caller;
use crate::change::{ChangeSet, Edit, Operation, Outcome};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Item, Map};
use crate::provider::Access;
use crate::query::{OrgScope, Query};
use crate::registry::{TypeInfo, TypeRegistry};
use crate::resource::Services;

/// Items that are looked at, and at most sealed anew, in one step.
const STEP: usize = 200;
/// How often all items are looked at, when others keep writing under old keys.
const PASSES: usize = 5;
/// How often a step is tried when types change at the same time.
pub(super) const ATTEMPTS: usize = 5;
/// Changes that are read at a time.
const CHANGES: usize = 500;
/// How many damaged items are named.
pub(super) const NAMED: usize = 20;
/// What uses are counted under that are sealed under no key.
const PLAIN: &str = "plain";

/// What sealing anew has done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Items that were looked at in this pass.
    pub seen: usize,
    /// Items that were sealed anew, in all passes.
    pub resealed: usize,
    /// Items with a secret that does not open, the first ones: damaged, or under a key that is not there.
    pub unreadable: Vec<Uuid>,
    /// The ids of the keys that they are sealed under and that are not there.
    pub missing: BTreeSet<String>,
    /// Whether the last pass has found nothing to do.
    pub complete: bool,
}

impl Rotated {
    fn note_unreadable(&mut self, keyring: &Keyring, registry: &TypeRegistry, item: &Item) {
        if self.unreadable.len() < NAMED {
            self.unreadable.push(item.id);
        }
        let keys = stored(registry, item)
            .filter_map(|(_, value)| Sealed::of_attribute(value)?.key().map(str::to_owned));
        self.missing.extend(keys.filter(|key| !keyring.has(key)));
    }
}

/// How many values are sealed under which key, by its id; `plain` are those under none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses {
    /// Secrets of items.
    pub items: BTreeMap<String, usize>,
    /// The same in the log of changes: earlier states, which nobody opens.
    pub history: BTreeMap<String, usize>,
    /// Key ids that are needed at each start: those that the store expects, and those of secrets of items.
    pub expected: Vec<String>,
}

/// Seals all secrets of items under the primary key. `progress` is told after each step.
pub async fn rotate(services: &Services, mut progress: impl FnMut(&Rotated) + Send) -> Result<Rotated> {
    let mut done = Rotated::default();
    for _ in 0..PASSES {
        let before = done.resealed;
        done.seen = 0;
        done.unreadable.clear();
        done.missing.clear();
        let mut walk = Walk::of_secrets(services);
        while let Some(items) = walk.next(services).await? {
            let keyring = services.secrets.keyring();
            let mut stale = Vec::new();
            for item in &items {
                match state(keyring, &walk.access.registry, item) {
                    State::Stale => stale.push(item.id),
                    State::Unreadable => done.note_unreadable(keyring, &walk.access.registry, item),
                    State::Current => {}
                }
            }
            done.resealed += reseal(services, &stale).await?;
            done.seen += items.len();
            progress(&done);
        }
        if done.resealed == before {
            done.complete = done.unreadable.is_empty();
            return Ok(done);
        }
    }
    Ok(done)
}

/// Seals what items of some types hold in plain text, or under another key than the primary: where a field has become secret.
/// Answers how many were sealed.
pub async fn seal_present(services: &Services, types: &[Uuid]) -> Result<usize> {
    let mut walk = Walk::new(services, |_, info| types.contains(&info.id()));
    let mut sealed = 0;
    while let Some(items) = walk.next(services).await? {
        let registry = &walk.access.registry;
        let stale = |item: &&Item| state(services.secrets.keyring(), registry, item) == State::Stale;
        let stale: Vec<Uuid> = items.iter().filter(stale).map(|item| item.id).collect();
        sealed += reseal(services, &stale).await?;
    }
    Ok(sealed)
}

/// Counts by which keys the secrets of items, and of their earlier states, are sealed.
pub async fn uses(services: &Services) -> Result<Uses> {
    let expected = super::settings::known_keys(&*services.credentials).await?;
    let mut uses = Uses { expected, ..Uses::default() };
    let mut walk = Walk::of_secrets(services);
    while let Some(items) = walk.next(services).await? {
        for item in &items {
            count(&walk.access.registry, item, &mut uses.items);
        }
    }
    let of_items = uses.items.keys().filter(|key| *key != PLAIN && !uses.expected.contains(key));
    let of_items: Vec<String> = of_items.cloned().collect();
    uses.expected.extend(of_items);
    let mut orgs = Walk::of_orgs(services);
    while let Some(items) = orgs.next(services).await? {
        for org in &items {
            count_changes(services, &orgs.access.registry, org.id, &mut uses.history).await?;
        }
    }
    Ok(uses)
}

async fn count_changes(
    services: &Services,
    registry: &TypeRegistry,
    org: Uuid,
    counts: &mut BTreeMap<String, usize>,
) -> Result<()> {
    let mut since = 0;
    loop {
        let records = services.items.changes(org, since, CHANGES).await?;
        for record in &records {
            record.before.iter().chain(&record.after).for_each(|item| count(registry, item, counts));
        }
        match records.last() {
            Some(last) => since = last.revision,
            None => return Ok(()),
        }
    }
}

fn count(registry: &TypeRegistry, item: &Item, counts: &mut BTreeMap<String, usize>) {
    for (_, stored) in stored(registry, item) {
        let key = Sealed::of_attribute(stored).and_then(|sealed| sealed.key().map(str::to_owned));
        *counts.entry(key.unwrap_or_else(|| PLAIN.to_owned())).or_default() += 1;
    }
}

/// The secrets of an item as they are stored.
pub(super) fn stored<'a>(
    registry: &'a TypeRegistry,
    item: &'a Item,
) -> impl Iterator<Item = (&'a str, &'a serde_json::Value)> {
    let attributes: &Map = item.attributes.as_map();
    let names = registry.by_id(item.type_id).map(|info| fields::given(info, attributes));
    names.into_iter().flatten().filter_map(|name| Some((name, attributes.get(name)?)))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Current,
    Stale,
    Unreadable,
}

fn state(keyring: &Keyring, registry: &TypeRegistry, item: &Item) -> State {
    let mut state = State::Current;
    for (name, stored) in stored(registry, item) {
        if fields::is_current(keyring, stored) {
            continue;
        }
        match fields::open(keyring, item.id, name, stored) {
            Ok(_) => return State::Stale,
            Err(_) => state = State::Unreadable,
        }
    }
    state
}

/// Seals items anew; answers how many of them needed it still.
async fn reseal(services: &Services, ids: &[Uuid]) -> Result<usize> {
    if ids.is_empty() {
        return Ok(0);
    }
    let mut attempt = 1;
    loop {
        let access = system(services);
        let operations = ids.iter().map(|id| Operation::Reseal { id: *id, edit: edit(services, &access) });
        let changes = ChangeSet::new(operations.collect(), services.clock.now(), Arc::from("rotation"));
        match services.items.commit(&access, changes).await {
            Ok(outcomes) => {
                return Ok(outcomes.iter().filter(|done| matches!(done, Outcome::Updated(_))).count());
            }
            Err(error) if attempt < ATTEMPTS && may_pass(&error) => {
                services.reload_types().await?;
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether what has failed may go well when it is tried again.
pub(super) fn may_pass(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Unavailable)
}

fn edit(services: &Services, access: &Access) -> Edit {
    let (secrets, registry) = (services.secrets.clone(), Arc::clone(&access.registry));
    Arc::new(move |item| fields::reseal(secrets.keyring(), registry.require(item.type_id)?, item))
}

/// The system, with the types of now.
pub(super) fn system(services: &Services) -> Access {
    Access { caller: Arc::new(Caller::system(Uuid::nil())), registry: services.registry.current() }
}

/// A walk through all items of some types, of all orgs, page by page.
pub(super) struct Walk {
    /// By which it is read.
    pub(super) access: Access,
    query: Option<Query>,
}

impl Walk {
    fn new(services: &Services, wanted: impl Fn(&TypeRegistry, &TypeInfo) -> bool) -> Self {
        let access = system(services);
        let registry = &access.registry;
        let types = registry.types().filter(|info| !info.is_abstract() && wanted(registry, info));
        let types: Vec<Uuid> = types.map(TypeInfo::id).collect();
        let query = Query { limit: STEP, ..Query::of(OrgScope::All, types) };
        let query = Some(query).filter(|query| !query.types.is_empty());
        Self { access, query }
    }

    /// Through the items that can have secrets.
    pub(super) fn of_secrets(services: &Services) -> Self {
        Self::new(services, |_, info| info.secret_names().next().is_some())
    }

    fn of_orgs(services: &Services) -> Self {
        let is_org = |registry: &TypeRegistry, info: &TypeInfo| {
            registry.system("Org").is_some_and(|org| registry.is_derived_from(info.id(), org.id()))
        };
        Self::new(services, is_org)
    }

    /// The next page; `None` at the end.
    pub(super) async fn next(&mut self, services: &Services) -> Result<Option<Vec<Item>>> {
        let Some(mut query) = self.query.take() else { return Ok(None) };
        let page = services.items.list(&self.access, &query).await?;
        if let Some(next) = page.next {
            query.after = Some(next);
            self.query = Some(query);
        }
        Ok(Some(page.items))
    }
}
