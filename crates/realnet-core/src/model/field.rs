//! Field declarations: the validated part of a type's attributes.

use serde_json::Value;

/// What happens to a referring item when the item that it refers to is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    /// The deletion is refused.
    #[default]
    Restrict,
    /// The reference is removed.
    Clear,
    /// The referring item is deleted too.
    Cascade,
}

/// The type of a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Short text.
    String,
    /// Long text.
    Text,
    /// An e-mail address.
    Email,
    /// An absolute URL.
    Url,
    /// A UUID.
    Uuid,
    /// Lower-case letters, digits and single hyphens.
    Slug,
    /// A whole number within ±2^53.
    Integer,
    /// A number.
    Number,
    /// An exact decimal, as a string.
    Decimal,
    /// true or false.
    Boolean,
    /// A date, `2026-01-31`.
    Date,
    /// A moment, RFC 3339; stored in UTC with microseconds.
    Datetime,
    /// A time of day, `23:59:59`.
    Time,
    /// An ISO 8601 duration, `PT15M`.
    Duration,
    /// One of `values`.
    Enum,
    /// The id of an item of the type `reference`.
    Reference,
    /// The id of a File item.
    File,
    /// A GeoJSON geometry.
    Geo,
    /// Any JSON.
    Json,
    /// Written, never returned.
    Secret,
}

/// A declared field. Options that do not fit the kind are an error at load.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "independent options, as declared in documents")]
pub struct Field {
    /// The attribute that it describes.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: FieldKind,
    /// Must be present and not null.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// Written into an item at creation when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// No two items of the declaring type (derived ones included) of an org share a value.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unique: bool,
    /// Kept in the index: fast filters and order.
    #[serde(default, skip_serializing_if = "is_false")]
    pub index: bool,
    /// A list of such values.
    #[serde(default, skip_serializing_if = "is_false")]
    pub multiple: bool,
    /// Set by the system only.
    #[serde(default, skip_serializing_if = "is_false")]
    pub readonly: bool,
    /// Not shown by interfaces.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hidden: bool,
    /// What it means, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A short name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Names of the roles that may read it; everybody when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Vec<String>>,
    /// Names of the roles that may write it; everybody when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<Vec<String>>,
    /// Shortest text, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// Longest text, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// Regular expression that the text matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The values that are allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Value>>,
    /// Smallest value (a number, or text for decimals, dates and times).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Value>,
    /// Largest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Value>,
    /// The number is a multiple of this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multiple_of: Option<f64>,
    /// Digits of a decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<u32>,
    /// Digits of a decimal behind the point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<u32>,
    /// Name of the type that a reference refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What a deletion of the referred item does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_delete: Option<OnDelete>,
    /// Media types that a file may have, such as `image/*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime: Option<Vec<String>>,
    /// Largest file, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_size: Option<u64>,
    /// JSON Schema (2020-12) that a `json` value satisfies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Field {
    /// Whether values of the field refer to items.
    pub fn is_reference(&self) -> bool {
        matches!(self.kind, FieldKind::Reference | FieldKind::File)
    }

    /// Whether the field has rows in the index: declared so, unique, or a reference (deletions look there).
    pub fn is_keyed(&self) -> bool {
        (self.index || self.unique || self.is_reference())
            && !matches!(self.kind, FieldKind::Json | FieldKind::Geo | FieldKind::Secret)
    }

    /// The rule for deletions of the referred item.
    pub fn on_delete(&self) -> OnDelete {
        self.on_delete.unwrap_or_default()
    }
}
