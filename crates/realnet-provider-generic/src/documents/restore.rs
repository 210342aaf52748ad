//! After a look through the folder: documents that were removed by hand and are needed come back, and those that say what the
//! store has are noted as they are.

use std::sync::Arc;

use realnet_core::error::{Error, Result};
use realnet_core::{ErrorKind, Uuid};

use super::edits::words;
use super::layout::Place;
use super::shelf::Stamp;
use super::watch::{Edit, Watch};
use super::{index, wire};
use crate::memory::{Effect, State, Touch};

/// Does what waits for files or locks beside what does not.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::internal("looking through documents").with_source(error))?
}

/// What a document is to say.
fn present(state: &State, place: &Place) -> Option<Effect> {
    let touch = match place {
        Place::Item(id) => Touch::Item(*id, Arc::clone(&state.items.get(id)?.type_name)),
        Place::Type(org, name) => {
            let info = state.types.values().find(|info| info.org == *org && info.name == *name)?;
            Touch::Type(info.id, *org, name.clone())
        }
        Place::Grants(org) => Touch::Grants(*org),
        Place::Source(org, kind, object) => Touch::Source((*org, *kind, *object)),
    };
    match Effect::of(state, touch) {
        Effect::Gone(_) => None,
        Effect::Grants(_, grants) if grants.is_empty() => None,
        effect => Some(effect),
    }
}

impl Watch {
    /// Puts a document back that was removed by hand, when it is still needed.
    pub(super) async fn come_back(&self, edit: &Edit, error: &Error) -> Result<()> {
        // It has gone with something else.
        if error.kind() == ErrorKind::NotFound {
            return Ok(());
        }
        let (document, reason) = (&edit.document, words(error));
        tracing::warn!(document, %reason, "a document was removed by hand, and is needed: it comes back");
        let place = edit.place.clone();
        let Some(effect) = self.store.read(|state| present(state, &place)).await else { return Ok(()) };
        let (store, scribe, codec) = (self.store.clone(), Arc::clone(&self.scribe), Arc::clone(&self.codec));
        blocking(move || {
            let mut scribe = scribe.lock();
            let kept = wire::effects_text(std::slice::from_ref(&effect))?;
            // What has been changed since is written anyway, when that is kept.
            let now = store.peek(|state| present(state, &place));
            let now = now.map(|now| wire::effects_text(&[now])).transpose()?;
            if now.as_ref() != Some(&kept) {
                return Ok(());
            }
            scribe.work.add(vec![effect], codec.extension())?;
            scribe.write()
        })
        .await
    }

    /// Enters into the index that documents say what the store has of their items.
    pub(super) async fn note_unchanged(&self, documents: Vec<(String, Uuid, Stamp)>) -> Result<()> {
        if documents.is_empty() {
            return Ok(());
        }
        let look = |state: &State| {
            let items = documents.iter().map(|(_, id, _)| state.items.get(id).cloned());
            items.collect::<Vec<_>>()
        };
        let items = self.store.read(look).await;
        let scribe = Arc::clone(&self.scribe);
        blocking(move || {
            let mut scribe = scribe.lock();
            for ((document, _, stamp), item) in documents.into_iter().zip(items) {
                let Some(item) = item else { continue };
                let entry = index::entry(stamp, &wire::item_text(&item)?);
                scribe.note(document, stamp, entry);
            }
            Ok(())
        })
        .await
    }
}
