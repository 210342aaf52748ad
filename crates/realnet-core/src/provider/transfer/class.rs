//! What kinds of records a store holds, and how many of each.

use std::collections::BTreeMap;
use std::fmt;

/// The class of a record, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordClass {
    /// A definition of a type.
    Type,
    /// Grants that an org has set on a type.
    TypeGrants,
    /// An item.
    Item,
    /// A change of the log.
    Change,
    /// The hash of a password, and the epoch of an account.
    Credential,
    /// What signing in stands on.
    Record,
    /// An event of signing in.
    Event,
    /// A setting of the store.
    Setting,
    /// What was applied from which document.
    Source,
    /// A session.
    Session,
    /// A reply kept under an idempotency key.
    Reply,
}

impl RecordClass {
    /// All classes, in their order.
    pub const ALL: [Self; 11] = [
        Self::Type,
        Self::TypeGrants,
        Self::Item,
        Self::Change,
        Self::Credential,
        Self::Record,
        Self::Event,
        Self::Setting,
        Self::Source,
        Self::Session,
        Self::Reply,
    ];

    /// The name used in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::TypeGrants => "type_grants",
            Self::Item => "item",
            Self::Change => "change",
            Self::Credential => "credential",
            Self::Record => "record",
            Self::Event => "event",
            Self::Setting => "setting",
            Self::Source => "source",
            Self::Session => "session",
            Self::Reply => "reply",
        }
    }

    /// What several of them are called.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Type => "types",
            Self::TypeGrants => "grants on types",
            Self::Item => "items",
            Self::Change => "changes",
            Self::Credential => "credentials",
            Self::Record => "records of signing in",
            Self::Event => "events",
            Self::Setting => "settings",
            Self::Source => "applied documents",
            Self::Session => "sessions",
            Self::Reply => "kept replies",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == text)
    }
}

/// How many records of each class there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Census(BTreeMap<RecordClass, u64>);

impl Census {
    /// How many of a class.
    pub fn get(&self, class: RecordClass) -> u64 {
        self.0.get(&class).copied().unwrap_or_default()
    }

    /// Counts `more` of a class.
    pub fn add(&mut self, class: RecordClass, more: u64) {
        if more > 0 {
            *self.0.entry(class).or_default() += more;
        }
    }

    /// How many there are of all classes together.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// The classes of which there are any, in their order, with how many.
    pub fn iter(&self) -> impl Iterator<Item = (RecordClass, u64)> {
        self.0.iter().map(|(class, count)| (*class, *count))
    }
}

impl FromIterator<(RecordClass, u64)> for Census {
    fn from_iter<I: IntoIterator<Item = (RecordClass, u64)>>(counts: I) -> Self {
        let mut census = Self::default();
        for (class, count) in counts {
            census.add(class, count);
        }
        census
    }
}

impl fmt::Display for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        for (index, (class, count)) in self.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{count} {}", class.plural())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_names_and_an_order() {
        for class in RecordClass::ALL {
            assert_eq!(RecordClass::parse(class.as_str()), Some(class));
        }
        assert!(RecordClass::ALL.is_sorted());
        assert_eq!(RecordClass::parse("Item"), None);
    }

    #[test]
    fn a_census_is_told_in_words() {
        let census: Census =
            [(RecordClass::Item, 3), (RecordClass::Type, 1), (RecordClass::Event, 0)].into_iter().collect();
        assert_eq!(census.to_string(), "1 types, 3 items");
        assert_eq!((census.total(), census.get(RecordClass::Event)), (4, 0));
        assert_eq!(Census::default().to_string(), "nothing");
    }
}
