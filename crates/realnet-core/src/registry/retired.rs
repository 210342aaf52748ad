//! Protected fields that are gone: their values are still in items and in earlier states, so their names stay hidden.
//!
//! A change of types notes what it takes the protection from (a field that is dropped or renamed, a base that is another
//! one). That is worked out from the definitions alone: items are not looked at. The note stands in the definition of the type,
//! so that it lasts, and derived types inherit it. It goes when the field comes back as protected as it was.

use std::sync::Arc;

use super::info::has_role;
use super::problems::Problems;
use super::{FieldInfo, TypeInfo, TypeRegistry, TypeSnapshot, unseen};
use crate::acl::Caller;
use crate::error::{Error, Result};
use crate::model::{Field, FieldKind, RetiredField, TypeDefinition};

/// The most names of its own that a type keeps hidden.
const MAX_RETIRED: usize = 500;
/// What one takes besides its texts.
const WEIGHT: usize = 128;

impl RetiredField {
    /// What has to stay of a field, if it is not for everybody.
    fn of(field: &Field) -> Option<Self> {
        let name = field.name.clone();
        match field.kind {
            FieldKind::Secret => Some(Self { name, read: None }),
            _ => field.read.clone().map(|roles| Self { name, read: Some(roles) }),
        }
    }

    /// Whether nobody sees more under the protection of `other`.
    fn is_covered_by(&self, other: &Self) -> bool {
        match (&self.read, &other.read) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(own), Some(others)) => others.iter().all(|role| has(own, role)),
        }
    }

    fn is_readable_by(&self, caller: &Caller) -> bool {
        self.read.is_some() && has_role(caller, self.read.as_deref())
    }

    /// Who could read it, for people.
    fn readers(&self) -> String {
        self.read
            .as_ref()
            .map_or_else(|| "nobody".to_owned(), |roles| format!("the roles {}", roles.join(", ")))
    }
}

fn has(roles: &[String], role: &str) -> bool {
    roles.iter().any(|own| own.to_lowercase() == role.to_lowercase())
}

impl TypeInfo {
    /// The names of protected fields that are gone, those of bases included; a name may come twice.
    pub fn retired_names(&self) -> impl Iterator<Item = &str> {
        self.retired.iter().map(|retired| retired.name.as_str())
    }

    /// Whether the name is that of a protected field that is gone. Such attributes are in no query and in no index.
    pub fn is_retired(&self, name: &str) -> bool {
        self.retired_names().any(|retired| retired == name)
    }

    /// Whether a caller is not shown the attribute of this name.
    pub fn is_hidden_from(&self, name: &str, caller: &Caller) -> bool {
        self.hidden_from(caller).any(|hidden| hidden == name)
    }

    /// The attributes that a caller is not shown: fields that it may not read, and such fields that are gone.
    pub fn hidden_from<'a>(&'a self, caller: &'a Caller) -> impl Iterator<Item = &'a str> {
        let fields = self.fields.iter().filter(|field| !field.is_readable_by(caller));
        let retired = self.retired.iter().filter(|retired| !retired.is_readable_by(caller));
        fields.map(|info| info.field.name.as_str()).chain(retired.map(|retired| retired.name.as_str()))
    }

    /// What has to stay hidden of it: fields that are not for everybody, and such fields that are gone already.
    fn protected(&self) -> impl Iterator<Item = RetiredField> {
        let fields = self.fields.iter().filter_map(|info| RetiredField::of(&info.field));
        fields.chain(self.retired.iter().map(|retired| RetiredField::clone(retired)))
    }

    fn retires(&self, protected: &RetiredField) -> bool {
        let same_name = |retired: &&Arc<RetiredField>| retired.name == protected.name;
        self.retired.iter().filter(same_name).any(|retired| protected.is_covered_by(retired))
    }
}

/// What a type keeps hidden: what its base does, and its own.
pub(super) fn inherit(definition: &TypeDefinition, base: Option<&TypeInfo>) -> Vec<Arc<RetiredField>> {
    let inherited = base.map(|base| base.retired.clone()).unwrap_or_default();
    inherited.into_iter().chain(definition.retired.iter().cloned().map(Arc::new)).collect()
}

/// Notes in a type what would lose its protection by having been `before`.
pub(super) fn keep(info: &mut TypeInfo, before: &TypeInfo) {
    let own = std::mem::take(&mut Arc::make_mut(&mut info.definition).retired);
    // What came back as protected as it was is a field again. The own notes are worked out anew from what was before.
    info.retired.truncate(info.retired.len() - own.len());
    let mut kept: Vec<RetiredField> = Vec::new();
    for protected in before.protected().chain(own) {
        let is_kept = info.retires(&protected) || kept.iter().any(|other| covers(other, &protected));
        if !is_kept && !is_protected_still(info, before, &protected) {
            kept.push(protected);
        }
    }
    let texts = |retired: &RetiredField| -> usize {
        retired.name.len() + retired.read.iter().flatten().map(|role| WEIGHT + role.len()).sum::<usize>()
    };
    info.weight += kept.iter().map(|retired| WEIGHT + texts(retired)).sum::<usize>();
    info.retired.extend(kept.iter().cloned().map(Arc::new));
    Arc::make_mut(&mut info.definition).retired = kept;
}

fn covers(other: &RetiredField, protected: &RetiredField) -> bool {
    other.name == protected.name && protected.is_covered_by(other)
}

/// Whether a field stands for what was protected: as protected as it was, or the same field, which those who write the type
/// may open to more. A secret never is.
fn is_protected_still(info: &TypeInfo, before: &TypeInfo, protected: &RetiredField) -> bool {
    let Some(now) = info.field(&protected.name) else { return false };
    let is_covered = RetiredField::of(&now.field).is_some_and(|now| protected.is_covered_by(&now));
    is_covered || (protected.read.is_some() && is_same(before, now) && !before.is_retired(&protected.name))
}

fn is_same(before: &TypeInfo, now: &FieldInfo) -> bool {
    before.field(&now.field.name).is_some_and(|field| field.key.declared_by == now.key.declared_by)
}

impl TypeSnapshot {
    /// Notes in each type what was protected of its own fields `before` and is gone: for definitions of before that make no registry
    /// any more, so that it is not known what else a type inherited.
    #[must_use]
    pub fn keeping_own(mut self, before: &TypeSnapshot) -> Self {
        for before in &before.definitions {
            let Some(now) = self.definitions.iter_mut().find(|now| now.id == before.id) else { continue };
            let own = before.fields.iter().filter_map(RetiredField::of).chain(before.retired.iter().cloned());
            for protected in own {
                let is_there = now.fields.iter().any(|field| field.name == protected.name);
                if !is_there && !now.retired.iter().any(|other| covers(other, &protected)) {
                    now.retired.push(protected);
                }
            }
        }
        self
    }
}

impl TypeRegistry {
    /// Refuses fields that would show what was protected under their name, or tell of it. Only what somebody writes is refused:
    /// a type that comes to such a field by its base keeps the name hidden.
    pub(super) fn check_retired(&self, previous: &Self, problems: &mut Problems) -> Result<()> {
        for info in &self.types {
            let before = previous.by_id(info.id());
            if let Some(lost) = before.and_then(|before| lost(info, before)) {
                let message = format!("type {} would show what {lost} held: it has to be noted", info.name());
                return Err(Error::internal(message));
            }
            let is_changed = |info: &TypeInfo| {
                let before = previous.by_id(info.id());
                before.is_none_or(|before| is_written(&before.definition, &info.definition))
            };
            if is_changed(info) {
                check_names(info, problems);
                check_count(info, before, problems);
            }
            // What a base makes unique may be hidden by a type that is derived from it.
            if self.chain(info).any(is_changed) {
                unseen::check(self, info, problems);
            }
        }
        Ok(())
    }
}

/// A name that was protected before and is not any more.
fn lost(info: &TypeInfo, before: &TypeInfo) -> Option<String> {
    let is_lost =
        |protected: &RetiredField| !info.retires(protected) && !is_protected_still(info, before, protected);
    before.protected().find(is_lost).map(|protected| protected.name)
}

/// Whether somebody has changed a definition, apart from what is noted in it.
fn is_written(before: &TypeDefinition, now: &TypeDefinition) -> bool {
    before.version != now.version || before.base != now.base || before.fields != now.fields
}

fn check_names(info: &TypeInfo, problems: &mut Problems) {
    for retired in &info.retired {
        let Some(now) = info.field(&retired.name) else { continue };
        if RetiredField::of(&now.field).is_some_and(|now| retired.is_covered_by(&now)) {
            continue;
        }
        let name = &retired.name;
        let detail = match &retired.read {
            None => format!(
                "was a secret, and items may hold its values: it stays one, or take another name, such as {name}_2"
            ),
            Some(_) => format!(
                "was a field that {} could read, and items may hold its values: let no others read it, or take another name, such as {name}_2",
                retired.readers()
            ),
        };
        problems.of_field(info.name(), name, detail);
    }
}

fn check_count(info: &TypeInfo, before: Option<&TypeInfo>, problems: &mut Problems) {
    let count = info.definition.retired.len();
    if count > MAX_RETIRED && before.is_none_or(|before| count > before.definition.retired.len()) {
        let detail = format!(
            "would keep the names of more than {MAX_RETIRED} protected fields hidden that are gone: leave them declared"
        );
        problems.of_type(info.name(), detail);
    }
}
