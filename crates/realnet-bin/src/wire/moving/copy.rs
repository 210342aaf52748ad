//! Copying a whole store into an empty one.

use std::sync::Arc;

use realnet_core::clock::{Clock as _, System};
use realnet_core::provider::{Census, ContentSource, CredentialProvider, MARK_SETTING};
use realnet_core::transfer::{Filling, Summary};

use super::super::store::Store;
use super::Place;
use super::contents::{self, Found};
use super::keys;
use super::named::Named;
use super::open::{Others, Source, source};
use super::progress::Bar;
use super::verify::read;
use crate::cli::Failure;
use crate::config::StoragePlace;

/// What to copy, and how.
#[derive(Debug)]
pub struct Copy {
    /// From where.
    pub from: Place,
    /// To where.
    pub to: Place,
    /// Go on with what was broken off.
    pub resume: bool,
}

/// What was copied.
#[derive(Debug)]
pub struct Copied {
    /// What both hold now.
    pub summary: Summary,
    /// The contents of files that were copied.
    pub contents: Option<Found>,
    /// What is left to be done by the operator.
    pub next: Vec<String>,
}

/// What would be copied.
#[derive(Debug)]
pub struct Rehearsal {
    /// The records, as the copy counts them.
    pub counts: Census,
    /// How many contents items name.
    pub contents: usize,
    /// Why they would stay where they are, in words.
    pub note: Option<String>,
}

impl Copy {
    fn check(&self) -> Result<(), Failure> {
        let (from, to) = (&self.from.database, &self.to.database);
        if from.is_same_store(to) {
            return Err(format!("--from and --to are the same store: {to}").into());
        }
        Ok(())
    }

    /// Sees that contents can go where they are to go, if any are: before anything is copied.
    async fn check_storage(&self, owner: Option<&[u8]>) -> Result<(), Failure> {
        let (from, to) = (&self.from.storage, &self.to.storage);
        if from == to || (*from == StoragePlace::None && !self.to.storage_is_said) {
            return Ok(());
        }
        let checked = match contents::check_target(to, owner).await {
            Ok(true) => Err(contents::of_another_copy(to)),
            checked => checked.map(drop),
        };
        checked.map_err(|failure| format!("{failure} (--to-storage)").into())
    }

    /// Why so many contents stay where they are, in words; nothing where they go along.
    fn staying(&self, count: usize, are_not: &str) -> Option<String> {
        let (from, to) = (&self.from.storage, &self.to.storage);
        if from == to && *to != StoragePlace::None {
            return Some(format!(
                "{count} items have contents, which stay in {to}: both stores use it now, so keep it when the first one goes; a copy beginning \
                 anew with --to-storage puts them into another place"
            ));
        }
        let is_either = [from, to].contains(&&StoragePlace::None);
        is_either.then(|| {
            format!(
                "{count} items have contents, which {are_not} copied: give the servers of the target the storage that they are in, or \
                 begin anew with --from-storage and --to-storage"
            )
        })
    }

    /// What would be copied. The target is looked at, too, and nothing is changed or made.
    pub async fn rehearse(&self) -> Result<Rehearsal, Failure> {
        self.check()?;
        let now = System.now();
        let Source { store, owner } = source(&self.from.database, Others::Refused).await?;
        contents::source(&self.from.storage).await?;
        self.check_storage(owner.as_deref()).await?;
        // One that is not there yet is an empty one in memory here.
        let (target, _) = Store::look(&self.to.database).await?;
        let begun = Filling::begin(target.target(), now, self.resume).await.map(drop);
        target.close().await?;
        begun?;
        let (summary, named) = read(&*store, now).await?;
        let contents = named.ids().len();
        let note = if contents == 0 { None } else { self.staying(contents, "would not be") };
        Ok(Rehearsal { counts: summary.counts, contents, note })
    }
}

/// Copies everything and compares both.
pub async fn copy(plan: &Copy) -> Result<Copied, Failure> {
    plan.check()?;
    let Source { store: source, owner } = source(&plan.from.database, Others::Refused).await?;
    let storage = contents::source(&plan.from.storage).await?;
    plan.check_storage(owner.as_deref()).await?;
    let store = Store::open(&plan.to.database).await?;
    let copied = async {
        let target = store.target();
        let mut filling = Filling::begin(target, System.now(), plan.resume).await?;
        // Before the source is read, which may take its time: no server takes the target for a new store.
        filling.announce().await?;
        let total = source.census(filling.now()).await?.total();
        let named = Named::default();
        let records = named.watch(source.dump(filling.now()).await?);
        let bar = Bar::new("copying", total);
        let summary = filling.write(records, &mut bar.steps()).await?;
        drop(bar);
        let bar = Bar::new("comparing", total);
        filling.compare(&summary, &mut bar.steps()).await?;
        drop(bar);
        let (contents, note) = copy_contents(plan, &named, storage, target).await?;
        let keys = keys::hand_over(&plan.from.database, &plan.to.database, target).await?;
        let next: Vec<String> = note.into_iter().chain(keys).collect();
        filling.finish().await?;
        Ok::<_, Failure>(Copied { summary, contents, next })
    };
    let copied = copied.await;
    let is_begun =
        copied.is_err() && store.target().setting(MARK_SETTING).await.is_ok_and(|mark| mark.is_some());
    store.close().await?;
    copied.map_err(|failure| if is_begun { super::unfinished(&failure, &plan.to.database) } else { failure })
}

/// Copies the contents that items name; where that can not be done, what is left to be done.
async fn copy_contents(
    plan: &Copy,
    named: &Named,
    from: Option<Arc<dyn ContentSource>>,
    credentials: &dyn CredentialProvider,
) -> Result<(Option<Found>, Option<String>), Failure> {
    let count = named.ids().len();
    if count == 0 {
        return Ok((None, None));
    }
    if let Some(note) = plan.staying(count, "were not") {
        return Ok((None, Some(note)));
    }
    let (Some(from), Some(to)) = (from, contents::target(&plan.to.storage).await?) else {
        return Ok((None, None));
    };
    // A server would refuse what is another's, and sweep what it does not know.
    if realnet_resource_files::claim_for(credentials, &*to).await? {
        return Err(contents::of_another_copy(&plan.to.storage));
    }
    Ok((Some(contents::copy(named, &*from, &*to).await?), None))
}
