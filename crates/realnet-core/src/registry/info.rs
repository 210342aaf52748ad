//! One resolved type: everything inherited already laid together.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::Together;
use super::problems::escaped;
use super::validator::Validator;
use crate::acl::{Caller, OrgRole, Subject};
use crate::error::{Error, Result, Violation};
use crate::model::{Field, FieldKind, Item, Map, RetiredField, TypeDefinition};
use crate::secret::is_stored_form;

/// Names a field's index: the topmost type that declares it, and its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldRef {
    /// The topmost declaring type; uniqueness and index span all its derived types.
    pub declared_by: Uuid,
    /// The field's name.
    pub name: Arc<str>,
}

/// A field as a type sees it, after inheritance and narrowing.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldInfo {
    /// The narrowed declaration.
    pub field: Field,
    /// Names its index.
    pub key: FieldRef,
    /// For references: the id of the type referred to.
    pub reference: Option<Uuid>,
    /// The patterns that hold: the field's own and those of the fields that it narrows.
    pub patterns: Vec<Arc<str>>,
    /// Whether its index is being built: entries are written, but do not answer queries yet.
    pub is_building: bool,
    /// How much memory it takes in a type, about.
    pub(super) weight: usize,
}

impl FieldInfo {
    /// Whether values are written only, and never returned, logged or indexed.
    pub fn is_secret(&self) -> bool {
        self.field.kind == FieldKind::Secret
    }

    /// Its index, if it has one that answers queries.
    pub fn index(&self) -> Option<&FieldRef> {
        (self.field.is_keyed() && !self.is_building).then_some(&self.key)
    }

    /// Whether the caller may see values: the field names no roles, or one that the caller has.
    pub fn is_readable_by(&self, caller: &Caller) -> bool {
        !self.is_secret() && has_role(caller, self.field.read.as_deref())
    }

    /// Whether the caller may set values.
    pub fn is_writable_by(&self, caller: &Caller) -> bool {
        !self.field.readonly && has_role(caller, self.field.write.as_deref())
    }
}

/// Whether a caller has one of the roles that a field names, if it names any.
pub(super) fn has_role(caller: &Caller, roles: Option<&[String]>) -> bool {
    caller.has_role(OrgRole::Superuser)
        || roles.is_none_or(|roles| {
            roles.iter().any(|role| caller.matches(&Subject::NamedRole(role.to_lowercase())))
        })
}

/// A resolved instance of a type.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceInfo {
    /// Its name.
    pub name: Arc<str>,
    /// The type that declares it.
    pub declared_by: Uuid,
    /// What the instance itself sets.
    pub own: Map,
    /// All effective attributes, `type | instance`, meta ones included.
    pub attributes: Map,
    /// The data attributes among them: constants of its items.
    pub constants: Map,
}

/// A resolved type.
#[derive(Debug)]
pub struct TypeInfo {
    pub(super) definition: Arc<TypeDefinition>,
    /// Position in the registry.
    pub(super) index: usize,
    /// Positions of the type itself and its bases, nearest first.
    pub(super) chain: Vec<usize>,
    pub(super) attributes: Map,
    pub(super) constants: Map,
    pub(super) fields: Vec<Arc<FieldInfo>>,
    /// Those of kind `secret`.
    pub(super) secrets: Vec<Arc<FieldInfo>>,
    pub(super) instances: Vec<Arc<InstanceInfo>>,
    pub(super) together: Vec<Arc<Together>>,
    /// Inherited ones included.
    pub(super) retired: Vec<Arc<RetiredField>>,
    /// How much memory it takes, about.
    pub(super) weight: usize,
    pub(super) is_abstract: bool,
    pub(super) is_strict: bool,
    pub(super) inherits_access: bool,
    pub(super) module: Option<Arc<str>>,
    pub(super) name: Arc<str>,
    pub(super) validator: Validator,
}

impl TypeInfo {
    /// Its id.
    pub fn id(&self) -> Uuid {
        self.definition.id
    }

    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// An item of the type of which nothing is said yet.
    pub fn item(&self, id: Uuid, org: Uuid) -> Item {
        Item::new(id, self.id(), Arc::clone(&self.name), org)
    }

    /// The org that owns it; `None` for the system layer.
    pub fn org(&self) -> Option<Uuid> {
        self.definition.org
    }

    /// The definition as declared.
    pub fn definition(&self) -> &Arc<TypeDefinition> {
        &self.definition
    }

    /// All effective attributes of the type, meta ones included.
    pub fn attributes(&self) -> &Map {
        &self.attributes
    }

    /// The data attributes: constants of its items that have no value of their own.
    pub fn constants(&self) -> &Map {
        &self.constants
    }

    /// Constants of items of this type and `instance`: the instance's lie over the type's.
    pub fn constants_of(&self, instance: Option<&str>) -> &Map {
        instance.and_then(|name| self.instance(name)).map_or(&self.constants, |instance| &instance.constants)
    }

    /// One constant.
    pub fn constant(&self, instance: Option<&str>, key: &str) -> Option<&Value> {
        self.constants_of(instance).get(key)
    }

    /// All fields, inherited ones first.
    pub fn fields(&self) -> &[Arc<FieldInfo>] {
        &self.fields
    }

    /// The fields of kind `secret`.
    pub fn secrets(&self) -> impl Iterator<Item = &Arc<FieldInfo>> {
        self.secrets.iter()
    }

    /// The names under which items hold secrets: those of fields, and of fields that are gone.
    pub fn secret_names(&self) -> impl Iterator<Item = &str> {
        let gone = self.retired.iter().filter(|field| field.read.is_none());
        let declared = self.secrets.iter().map(|info| info.field.name.as_str());
        declared.chain(gone.map(|field| field.name.as_str()))
    }

    /// The names under which items hold secrets that are none by `before`: what stands there is plain, whatever it looks like.
    pub fn newly_secret<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = &'a str> {
        self.secret_names().filter(|name| !before.secret_names().any(|known| known == *name))
    }

    /// The name of a value that would pass for a stored secret by this type, and was given as a plain one by `before`.
    pub fn planted<'a>(&'a self, before: &'a Self, attributes: &Map) -> Option<&'a str> {
        self.newly_secret(before).find(|name| attributes.get(*name).is_some_and(is_stored_form))
    }

    /// The name of a secret that stands among stored attributes as it was given, and not as secrets are stored.
    pub fn unsealed<'a>(&'a self, attributes: &Map) -> Option<&'a str> {
        let is_plain = |value: &Value| !value.is_null() && !is_stored_form(value);
        self.secret_names().find(|name| attributes.get(*name).is_some_and(is_plain))
    }

    /// A field by name (exact).
    pub fn field(&self, name: &str) -> Option<&Arc<FieldInfo>> {
        self.fields.iter().find(|info| info.field.name == name)
    }

    /// Combinations of fields whose values no two items share, inherited ones included.
    pub fn unique_together(&self) -> &[Arc<Together>] {
        &self.together
    }

    /// All instances, inherited ones included.
    pub fn instances(&self) -> &[Arc<InstanceInfo>] {
        &self.instances
    }

    /// An instance by name, without regard to case.
    pub fn instance(&self, name: &str) -> Option<&Arc<InstanceInfo>> {
        self.instances.iter().find(|instance| instance.name.eq_ignore_ascii_case(name))
    }

    /// Whether it has no items of its own.
    pub fn is_abstract(&self) -> bool {
        self.is_abstract
    }

    /// Whether undeclared attributes are refused.
    pub fn is_strict(&self) -> bool {
        self.is_strict
    }

    /// Whether its items have the grants on the items above them, too: see [`crate::acl::inherited`].
    pub fn inherits_access(&self) -> bool {
        self.inherits_access
    }

    /// The module (resource) that implements it: the nearest in the chain.
    pub fn module(&self) -> Option<&str> {
        self.module.as_deref()
    }

    /// The JSON Schema (2020-12) of the attributes of its items. Fields with a constant, a default or set by the
    /// system are not among the required ones.
    pub fn schema(&self) -> &Value {
        self.validator.schema()
    }

    /// Fills absent fields that have a default and no constant. For new items only.
    pub fn apply_defaults(&self, instance: Option<&str>, attributes: &mut Map) {
        let constants = self.constants_of(instance);
        for info in &self.fields {
            if let Some(default) = &info.field.default
                && !attributes.contains_key(&info.field.name)
                && !constants.contains_key(&info.field.name)
            {
                attributes.insert(info.field.name.clone(), default.clone());
            }
        }
    }

    /// Checks own attributes of an item against all fields, and brings field values to their canonical form.
    ///
    /// Every violation is reported at once, with JSON pointers below `/attributes`. A required field may be
    /// satisfied by a constant of the type or instance. An instance that the type does not have is one at `/instance`.
    pub fn validate(&self, instance: Option<&str>, attributes: &mut Map) -> Result<()> {
        self.validator.validate(self, instance, &[], attributes)
    }

    /// Checks attributes that follow on `before`, as [`Self::validate`] does; secrets that stay as they are stored, sealed,
    /// were checked when they were given.
    pub fn validate_next(&self, instance: Option<&str>, before: &Map, attributes: &mut Map) -> Result<()> {
        let stays = |name: &str| {
            let value = attributes.get(name);
            value.is_some_and(is_stored_form) && value == before.get(name)
        };
        let names = self.secrets.iter().map(|info| info.field.name.as_str());
        let kept: Vec<&str> = names.filter(|name| stays(name)).collect();
        self.validator.validate(self, instance, &kept, attributes)
    }

    /// Checks the attributes of an item as it is stored, as [`Self::validate`] does.
    pub fn validate_stored(&self, instance: Option<&str>, attributes: &mut Map) -> Result<()> {
        let stored = attributes.clone();
        self.validate_next(instance, &stored, attributes)
    }

    /// Checks what is there, as [`Self::validate`] does, whether or not something required is missing. Values that
    /// are valid become canonical even when others are not.
    pub fn check_present(&self, attributes: &mut Map) -> Result<()> {
        let mut violations = Vec::new();
        self.validator.check_present(self, attributes, &mut violations)?;
        if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
    }

    /// Checks that the caller may set what differs between `before` (nothing for a new item) and `after`: read-only
    /// fields are violations, fields that are left to certain roles are forbidden. Both canonical; what is new is without the
    /// defaults that are yet to be written.
    pub fn check_writable(&self, caller: &Caller, before: Option<&Map>, after: &Map) -> Result<()> {
        let mut violations = Vec::new();
        for info in &self.fields {
            let field = &info.field;
            if !field.readonly && field.write.is_none() {
                continue;
            }
            let old = before.and_then(|before| before.get(&field.name));
            let new = after.get(&field.name);
            // A default that is not shown is not repeated: else the right guess would be taken, and no other.
            let default = field.default.as_ref().filter(|_| info.is_readable_by(caller));
            let initial = before.is_none() && (new.is_none() || new == default);
            if new == old || initial {
                continue;
            }
            if field.readonly {
                let detail = "is set by the system only";
                violations.push(Violation::new(format!("/attributes/{}", field.name), detail));
            } else if !info.is_writable_by(caller) {
                return Err(Error::forbidden(format!("you may not set the field {}", field.name)));
            }
        }
        for name in self.retired_names() {
            let old = before.and_then(|before| before.get(name));
            if after.get(name).is_some_and(|new| Some(new) != old) {
                let detail = "was a field of this type that is gone: its name stays hidden, take another one";
                violations.push(Violation::new(format!("/attributes/{name}"), detail));
            }
        }
        // It would be taken for a secret, and shown to nobody.
        for (name, new) in after.iter().filter(|(_, new)| is_stored_form(new)) {
            let is_secret = self.field(name).is_some_and(|field| field.is_secret());
            if !is_secret && before.and_then(|before| before.get(name)) != Some(new) {
                let detail = "has the form in which secrets are stored: an object with another member, or more than one, has not";
                violations.push(Violation::new(format!("/attributes/{}", escaped(name)), detail));
            }
        }
        if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
    }

    /// Keeps in `after`, which replaces `before` as a whole, what the caller can not know or set: read-only fields,
    /// and absent ones that are secret, have the form of a stored secret, or are not readable for the caller.
    pub fn carry_over(&self, caller: &Caller, before: &Map, after: &mut Map) {
        for info in &self.fields {
            let name = &info.field.name;
            let Some(old) = before.get(name) else { continue };
            let unknown = info.field.readonly || !info.is_readable_by(caller) || !info.is_writable_by(caller);
            if unknown && !after.contains_key(name) {
                after.insert(name.clone(), old.clone());
            }
        }
        for name in self.retired_names().filter(|name| self.is_hidden_from(name, caller)) {
            if let (Some(old), false) = (before.get(name), after.contains_key(name)) {
                after.insert(name.to_owned(), old.clone());
            }
        }
        for (name, old) in before.iter().filter(|(_, old)| is_stored_form(old)) {
            if !after.contains_key(name) {
                after.insert(name.clone(), old.clone());
            }
        }
    }
}
