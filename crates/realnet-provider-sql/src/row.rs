//! Rows as the stores give them to the collector, and how enumerations stand in columns.

use realnet_core::model::{Item, Visibility};

/// The number of [`Visibility::Restricted`] in the column `visibility`.
pub(crate) const RESTRICTED: u8 = visibility_number(Visibility::Restricted);

/// A row of a list.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// The item, which is handed around.
    pub(crate) item: Box<Item>,
    /// The key that a walk along the key index stands at.
    pub(crate) key: Option<Vec<u8>>,
}

/// How a visibility stands in its column.
pub(crate) const fn visibility_number(visibility: Visibility) -> u8 {
    match visibility {
        Visibility::Visible => 0,
        Visibility::Hidden => 1,
        Visibility::Restricted => 2,
    }
}

/// The inverse of [`visibility_number`].
pub(crate) fn visibility_of(number: i64) -> Option<Visibility> {
    Visibility::ALL.into_iter().find(|visibility| i64::from(visibility_number(*visibility)) == number)
}
