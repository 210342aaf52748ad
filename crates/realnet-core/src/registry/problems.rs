//! Everything that is wrong with a set of types, collected so that an author sees all of it at once.

use std::fmt::Display;

use crate::error::{Error, Result, Violation};

/// Broken rules of definitions. Pointers are `/types/{name}[/fields/{field}|/instances/{name}|/attributes/{key}]`.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Violation>);

impl Problems {
    /// Something is wrong with a type as a whole.
    pub(super) fn of_type(&mut self, name: &str, detail: impl Display) {
        self.0.push(Violation::new(format!("/types/{name}"), format!("type {name} {detail}")));
    }

    /// Something is wrong with a field.
    pub(super) fn of_field(&mut self, name: &str, field: &str, detail: impl Display) {
        let pointer = format!("/types/{name}/fields/{}", escaped(field));
        self.0.push(Violation::new(pointer, format!("type {name}: field {field}: {detail}")));
    }

    /// Something is wrong with an instance.
    pub(super) fn of_instance(&mut self, name: &str, instance: &str, detail: impl Display) {
        let pointer = format!("/types/{name}/instances/{}", escaped(instance));
        self.0.push(Violation::new(pointer, format!("type {name}: instance {instance}: {detail}")));
    }

    /// Something is wrong with the value of an attribute that a type sets.
    pub(super) fn of_attribute(&mut self, name: &str, key: &str, detail: impl Display) {
        let pointer = format!("/types/{name}/attributes/{}", escaped(key));
        self.0.push(Violation::new(pointer, format!("type {name}: attribute {key}: {detail}")));
    }

    /// An error with all of them, if there is any.
    pub(super) fn into_result(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::invalid(self.0)) }
    }
}

/// A key as one segment of a JSON pointer.
pub(crate) fn escaped(key: &str) -> std::borrow::Cow<'_, str> {
    if key.contains(['~', '/']) { key.replace('~', "~0").replace('/', "~1").into() } else { key.into() }
}
