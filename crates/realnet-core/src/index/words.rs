//! Words of the full text: Unicode words, case folded, without stemming, so that every store finds the same.

use std::collections::BTreeSet;

use caseless::Caseless as _;
use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation as _;

use crate::model::{Field, FieldKind, Item};
use crate::registry::TypeInfo;

/// The longest token, in bytes; longer words are cut at a character.
pub const MAX_TOKEN: usize = 128;

/// The most distinct tokens of one item; further ones are not found.
pub const MAX_TOKENS: usize = 20_000;

/// The tokens of a text, in order, repeated ones kept: case-folded runs of letters, marks and digits.
pub fn tokens(text: &str) -> Vec<String> {
    text_tokens(text).collect()
}

pub(crate) fn text_tokens(text: &str) -> impl Iterator<Item = String> {
    // Among ASCII every rule of Unicode words joins only what is split again: five times as fast without.
    let (ascii, other) = if text.is_ascii() { (text, "") } else { ("", text) };
    ascii_tokens(ascii).chain(unicode_tokens(other))
}

fn ascii_tokens(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| cut(word).to_ascii_lowercase())
}

fn unicode_tokens(text: &str) -> impl Iterator<Item = String> {
    text.unicode_words().flat_map(|word| {
        let folded: String = word.chars().default_case_fold().collect();
        // A Unicode word may hold points and apostrophes; stores split there, so we do it first.
        let parts: Vec<String> = folded
            .split(|letter: char| !letter.is_alphanumeric())
            .filter(|part| !part.is_empty())
            .map(|part| cut(part).to_owned())
            .collect();
        parts
    })
}

fn cut(word: &str) -> &str {
    let mut end = word.len().min(MAX_TOKEN);
    while !word.is_char_boundary(end) {
        end -= 1;
    }
    &word[..end]
}

/// Whether the full text holds words of a declared field: text that everybody who reads the item may read.
pub fn is_searchable(field: &Field) -> bool {
    !field.hidden
        && field.read.is_none()
        && matches!(
            field.kind,
            FieldKind::String
                | FieldKind::Text
                | FieldKind::Email
                | FieldKind::Url
                | FieldKind::Slug
                | FieldKind::Enum
        )
}

/// The distinct tokens of an item's name and own text attributes, sorted.
pub fn item_tokens(info: &TypeInfo, item: &Item) -> BTreeSet<String> {
    let own = item.attributes.as_map().iter();
    let texts = own.filter(|(key, _)| is_searched(info, key)).flat_map(|(_, value)| texts_of(value));
    std::iter::once(item.name.as_str()).chain(texts).flat_map(text_tokens).fold(
        BTreeSet::new(),
        |mut set, token| {
            if set.len() < MAX_TOKENS {
                set.insert(token);
            }
            set
        },
    )
}

/// Whether an attribute, declared or not, is part of the full text.
pub(crate) fn is_searched(info: &TypeInfo, key: &str) -> bool {
    !info.is_retired(key) && info.field(key).is_none_or(|info| is_searchable(&info.field))
}

/// The texts of a value: itself, or the elements of a list.
pub(crate) fn texts_of(value: &Value) -> impl Iterator<Item = &str> {
    let (own, list) = match value {
        Value::String(text) => (Some(text.as_str()), &[][..]),
        Value::Array(values) => (None, values.as_slice()),
        _ => (None, &[][..]),
    };
    own.into_iter().chain(list.iter().filter_map(Value::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_split() {
        assert_eq!(
            tokens("Don't STOP: über-Straße, v2.5!"),
            ["don", "t", "stop", "über", "strasse", "v2", "5"]
        );
        assert_eq!(tokens("ΌΣΟΣ"), tokens("όσος"));
        assert_eq!(tokens("— … !"), Vec::<String>::new());
    }

    proptest::proptest! {
        #[test]
        fn ascii_has_the_tokens_of_unicode(text in "[\\x00-\\x7f]{0,40}") {
            let unicode: Vec<String> = unicode_tokens(&text).collect();
            proptest::prop_assert_eq!(ascii_tokens(&text).collect::<Vec<_>>(), unicode);
        }
    }

    #[test]
    fn long_words_are_cut_at_a_character() {
        let token = tokens(&"ä".repeat(500)).remove(0);
        assert!(token.len() <= MAX_TOKEN && token.chars().all(|letter| letter == 'ä'));
    }
}
