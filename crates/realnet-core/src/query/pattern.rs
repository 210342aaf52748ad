//! Text patterns of `like` and `ilike`.

use caseless::Caseless as _;

/// Text with Unicode case folded away (full folding: `ß` becomes `ss`).
pub fn fold_case(text: &str) -> String {
    text.chars().default_case_fold().collect()
}

/// The longest pattern, in bytes.
pub const MAX_PATTERN: usize = 1000;

/// Whether the whole of `text` matches `pattern`: `*` or `%` stands for any characters, `_` for one, `\` takes the
/// next character literally. With `fold`, pattern and text are folded first, so `_` is one folded character.
pub fn like(pattern: &str, text: &str, fold: bool) -> bool {
    if fold { matches(&fold_case(pattern), &fold_case(text)) } else { matches(pattern, text) }
}

/// What stands between two wildcards of any length: a fixed number of characters.
type Segment = Vec<Piece>;

enum Piece {
    Text(String),
    /// So many characters, whichever.
    Gap(usize),
}

/// The segments of a pattern; between two of them stands anything.
fn parse(pattern: &str) -> Vec<Segment> {
    let mut segments = vec![Segment::new()];
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        if letter == '*' || letter == '%' {
            segments.push(Segment::new());
            continue;
        }
        let Some(segment) = segments.last_mut() else { continue };
        let letter = if letter == '\\' {
            Some(letters.next().unwrap_or('\\'))
        } else {
            Some(letter).filter(|l| *l != '_')
        };
        match (segment.last_mut(), letter) {
            (Some(Piece::Text(text)), Some(letter)) => text.push(letter),
            (_, Some(letter)) => segment.push(Piece::Text(letter.into())),
            (Some(Piece::Gap(count)), None) => *count += 1,
            (_, None) => segment.push(Piece::Gap(1)),
        }
    }
    segments
}

/// The first segment begins the text, the last one ends it, and the others follow each other at the first place that fits:
/// a segment has a fixed length, so a later place is never better.
fn matches(pattern: &str, text: &str) -> bool {
    let segments = parse(pattern);
    let [first, between @ ..] = segments.as_slice() else { return false };
    let Some(mut rest) = begins(first, text) else { return false };
    let Some((last, between)) = between.split_last() else { return rest.is_empty() };
    for segment in between {
        match found(segment, rest) {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    ending(rest, length(last)).and_then(|end| begins(last, end)).is_some()
}

/// What follows a segment at the beginning of the text.
fn begins<'a>(segment: &[Piece], text: &'a str) -> Option<&'a str> {
    segment.iter().try_fold(text, |rest, piece| match piece {
        Piece::Text(text) => rest.strip_prefix(text.as_str()),
        Piece::Gap(count) => skipped(rest, *count),
    })
}

/// What follows the first place where a segment fits.
fn found<'a>(segment: &[Piece], text: &'a str) -> Option<&'a str> {
    match segment {
        [] => Some(text),
        [Piece::Gap(count), others @ ..] => found(others, skipped(text, *count)?),
        [Piece::Text(head), others @ ..] => {
            let mut from = text;
            loop {
                #[cfg(test)]
                tests::PLACES.with(|places| places.set(places.get() + 1));
                let behind = &from[from.find(head.as_str())? + head.len()..];
                if let Some(rest) = begins(others, behind) {
                    return Some(rest);
                }
                let place = from.len() - behind.len() - head.len();
                from = skipped(&from[place..], 1)?;
            }
        }
    }
}

/// The text without its first `count` characters, if it has as many.
fn skipped(text: &str, count: usize) -> Option<&str> {
    let mut letters = text.chars();
    (0..count).all(|_| letters.next().is_some()).then_some(letters.as_str())
}

/// The last `count` characters, if there are as many.
fn ending(text: &str, count: usize) -> Option<&str> {
    let mut letters = text.chars();
    (0..count).all(|_| letters.next_back().is_some()).then(|| &text[letters.as_str().len()..])
}

/// How many characters a segment takes.
fn length(segment: &[Piece]) -> usize {
    let count = |piece: &Piece| match piece {
        Piece::Text(text) => text.chars().count(),
        Piece::Gap(count) => *count,
    };
    segment.iter().map(count).sum()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wildcards_and_escapes() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("%b%", "abc", true),
            ("a_c", "abc", true),
            ("a_c", "ac", false),
            ("_", "ä", true),
            ("*ab*ab", "abxabab", true),
            ("*ab*abc", "abxabab", false),
            (r"100\%", "100%", true),
            (r"100\%", "1000", false),
            (r"a\_b", "a_b", true),
            (r"a\\", r"a\", true),
            ("Abc", "abc", false),
        ] {
            assert_eq!(like(pattern, text, false), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn folding_is_unicode() {
        assert!(like("STRASSE", "Straße", true));
        assert!(like("*ΣΟΣ", "όσος", true));
        assert!(like("ÄB_", "äbC", true));
        assert!(!like("ÄB_", "äb", true));
    }

    thread_local! {
        /// At how many places segments were held against a text.
        pub(super) static PLACES: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn long_patterns_are_held_against_few_places_of_long_texts() {
        let places = |pattern: &str, text: &str| {
            PLACES.set(0);
            assert!(!like(pattern, text, false), "{pattern:.20}");
            PLACES.get()
        };
        let text = "a".repeat(100_000);
        // What stands together is looked for as one text: it is not there, which one search tells.
        assert_eq!(places(&format!("*{}b*", "a".repeat(900)), &text), 1);
        // Each segment goes on behind the one before, however many there are, and never comes back.
        assert_eq!(places(&format!("{}b*", "*a".repeat(400)), &text), 400);
        assert_eq!(places(&format!("{}b", "*a_a".repeat(200)), &text), 199);
        // With a gap, each place of its beginning is tried once, and the end is seen.
        assert_eq!(places("*a_b*", &text), 100_001);
    }

    proptest! {
        #[test]
        fn agrees_with_regular_expressions(pattern in "[abß*%_]{0,9}", text in "[abß]{0,12}") {
            let expression: String = pattern
                .chars()
                .map(|letter| match letter {
                    '*' | '%' => ".*".to_owned(),
                    '_' => ".".to_owned(),
                    letter => letter.to_string(),
                })
                .collect();
            let expected = regex::Regex::new(&format!("^{expression}$")).unwrap().is_match(&text);
            prop_assert_eq!(like(&pattern, &text, false), expected);
        }
    }
}
