//! Keys of a type that are probably typing errors: every other key than those of a definition is an attribute, so that a slip
//! makes a constant that all items show.

use super::gather::GatheredType;
use super::parse_types::TYPE_KEYS;
use crate::near::mistakes;
use crate::registry::TypeInfo;

/// Words that steer a type, besides the parts of its definition; only those that are no likely names of data.
const WORDS: [&str; 10] = [
    "attributes",
    "abstract",
    "creatable",
    "endpoint",
    "inherits_access",
    "module",
    "provider",
    "resource",
    "strict",
    "unique_together",
];
/// Shorter names are too near to each other.
const SHORTEST: usize = 4;
/// From this length on, two letters may be wrong.
const LONG: usize = 8;

/// What a key of a type's document may have been meant to be, if it is nearly that: a part of a definition, or one of `fields`.
pub fn misspelt<'a>(key: &str, fields: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<&'a str> = TYPE_KEYS.iter().copied().chain(WORDS).chain(fields).collect();
    if known.contains(&key) {
        return None;
    }
    known.into_iter().filter(|known| known.len() >= SHORTEST).find(|known| is_near(key, known))
}

/// What an author should know of a type: attributes that may be slips. `info`: the type as it will be.
pub(super) fn warnings(found: &GatheredType, info: &TypeInfo) -> Vec<String> {
    let fields = || info.fields().iter().map(|info| info.field.name.as_str());
    let of_type = found.attributes.keys().map(|key| (key, &found.place));
    let of_instances =
        found.instances.iter().flat_map(|(one, place)| one.attributes.keys().map(move |key| (key, place)));
    let warn = |(key, place): (&String, &super::place::Place)| {
        let meant = misspelt(key, fields())?;
        let name = &found.name;
        Some(format!("{place}: type {name}: '{key}' becomes an attribute of all items: was '{meant}' meant?"))
    };
    of_type.chain(of_instances).filter_map(warn).collect()
}

fn is_near(key: &str, known: &str) -> bool {
    let [left, right] = [key, known].map(|text| text.to_lowercase().chars().collect::<Vec<char>>());
    // address1 and address2 are two names.
    let digits = |text: &[char]| text.iter().filter(|c| c.is_numeric()).collect::<String>();
    let most = if right.len() >= LONG { 2 } else { 1 };
    left.len().abs_diff(right.len()) <= most
        && digits(&left) == digits(&right)
        && mistakes(&left, &right) <= most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_seen_and_words_of_their_own_are_not() {
        for (key, meant) in [
            ("fieldss", "fields"),
            ("fiedls", "fields"),
            ("Fields", "fields"),
            ("bse", "base"),
            ("acces", "access"),
            ("atributs", "attributes"),
            ("endpont", "endpoint"),
            ("minuts", "minutes"),
            ("mintues", "minutes"),
        ] {
            assert_eq!(misspelt(key, ["minutes"]), Some(meant), "{key}");
        }
        for key in
            ["minutes", "fields", "color", "form", "from", "icon", "street", "title", "address2", "tax"]
        {
            assert_eq!(misspelt(key, ["minutes", "address1", "max"]), None, "{key}");
        }
    }
}
