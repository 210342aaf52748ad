//! Single values of the state, as a transaction sets them: each notes what it touches, and how it is taken back.

use std::collections::HashSet;
use std::sync::Arc;

use realnet_core::Uuid;
use realnet_core::change::StoredReply;
use realnet_core::error::{Error, Result};
use realnet_core::index::{KeyEntry, value_taken};
use realnet_core::model::Item;
use realnet_core::provider::Credential;
use realnet_core::registry::TypeGrants;

use super::effects::Touch;
use super::state::ReplyKey;
use super::transaction::MemoryTransaction;
use super::undo::{member, set, set_ordered};

impl MemoryTransaction<'_> {
    pub(super) fn set_item(&mut self, id: Uuid, type_name: Arc<str>, item: Option<Item>) {
        self.log.touch(Touch::Item(id, type_name));
        set_ordered(self.state, &mut self.log, |state| &mut state.items, id, item);
    }

    pub(super) fn set_child(&mut self, parent: Option<Uuid>, id: Uuid, present: bool) {
        if let Some(parent) = parent {
            member(self.state, &mut self.log, |state| &mut state.children, &parent, id, present);
        }
    }

    /// Replaces the index entries of an item; a unique value that another item has is a conflict.
    pub(super) fn set_keys(&mut self, id: Uuid, org: Uuid, keys: Option<Vec<KeyEntry>>) -> Result<()> {
        for old in self.state.keys.get(&id).cloned().unwrap_or_default() {
            let key = (old.field, org, old.value);
            member(self.state, &mut self.log, |state| &mut state.by_key, &key, id, false);
        }
        for new in keys.iter().flatten() {
            let key = (new.field.clone(), org, new.value.clone());
            if new.unique && self.state.by_key.get(&key).is_some_and(|others| !others.is_empty()) {
                return Err(value_taken(&new.field.name));
            }
            member(self.state, &mut self.log, |state| &mut state.by_key, &key, id, true);
        }
        set(self.state, &mut self.log, |state| &mut state.keys, id, keys);
        Ok(())
    }

    /// Notes which content an item names; one that another item names is a conflict, since it goes with its item.
    pub(super) fn set_content(&mut self, id: Uuid, content: Option<Uuid>) -> Result<()> {
        let before = self.state.items.get(&id).and_then(|item| item.content);
        if before == content {
            return Ok(());
        }
        if let Some(content) = content {
            if self.state.contents.contains_key(&content) {
                return Err(Error::conflict("another item has this content"));
            }
            set(self.state, &mut self.log, |state| &mut state.contents, content, Some(id));
        }
        if let Some(before) = before {
            set(self.state, &mut self.log, |state| &mut state.contents, before, None);
        }
        Ok(())
    }

    /// Once per change set, however many types it changes.
    pub(super) fn raise_type_revision(&mut self) {
        if !std::mem::replace(&mut self.types_changed, true) {
            self.state.type_revision += 1;
            self.log.push(|state| state.type_revision -= 1);
            self.log.touch(Touch::TypeRevision);
        }
    }

    /// Notes the document of a type as it is named now.
    pub(super) fn touch_type(&mut self, id: Uuid) {
        if let Some(info) = self.state.types.get(&id) {
            self.log.touch(Touch::Type(id, info.org, info.name.clone()));
        }
    }

    pub(super) fn set_type_grants(&mut self, grants: Vec<TypeGrants>) {
        let orgs = |grants: &[TypeGrants]| grants.iter().map(|grants| grants.org).collect::<HashSet<_>>();
        let touched = orgs(&self.state.type_grants).into_iter().chain(orgs(&grants));
        touched.for_each(|org| self.log.touch(Touch::Grants(org)));
        let before = std::mem::replace(&mut self.state.type_grants, grants);
        self.log.push(|state| state.type_grants = before);
    }

    pub(super) fn set_reply(&mut self, name: ReplyKey, reply: Option<StoredReply>) {
        self.log.touch(Touch::Reply(name.clone()));
        set(self.state, &mut self.log, |state| &mut state.replies, name, reply);
    }

    pub(super) fn set_credential(&mut self, account: Uuid, password_hash: Option<&str>) {
        let before = self.state.credentials.get(&account);
        let hash = password_hash.or(before.map(|before| before.password_hash.as_str()));
        let credential = Credential {
            account,
            password_hash: hash.unwrap_or_default().to_owned(),
            epoch: self.state.epoch(account) + 1,
        };
        self.put_credential(account, Some(credential));
    }
}
