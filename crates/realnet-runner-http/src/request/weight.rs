//! What the values of a JSON body take in memory, by what stands between them: known before any of them is there.
//!
//! Two bytes of text can be a value of 32, or an object of hundreds: the length of a body says little of what is read from it.

/// A value in an array or an object.
const VALUE: usize = 32;
/// An array, which has room for a few values at first.
const ARRAY: usize = 128;
/// An object, whose entries are in nodes for eleven of them.
const OBJECT: usize = 640;
/// A key.
const KEY: usize = 64;
/// Shorter bodies are not worth a look.
const SHORT: usize = 1024;

/// About how many bytes the values of a text take, the characters of its strings included. `least`: less than this need not be
/// right.
pub(super) fn of_values(text: &[u8], least: usize) -> usize {
    if text.len() < SHORT || quick(text) < least {
        return text.len();
    }
    let (mut sum, mut rest) = (text.len(), text);
    while let Some(begin) = memchr::memchr(b'"', rest) {
        sum += between(&rest[..begin]);
        rest = behind_string(&rest[begin + 1..]);
    }
    sum + between(rest)
}

/// The same with what looks like a separator in strings: more than it is, and at the speed of memory.
fn quick(text: &[u8]) -> usize {
    let counted = |byte| memchr::memchr_iter(byte, text).count() * weight(byte);
    text.len() + [b',', b'[', b'{', b':'].into_iter().map(counted).sum::<usize>()
}

/// What the values take whose separators are these.
fn between(text: &[u8]) -> usize {
    text.iter().map(|byte| weight(*byte)).sum()
}

const fn weight(byte: u8) -> usize {
    match byte {
        b',' => VALUE,
        b'[' => ARRAY,
        b'{' => OBJECT,
        b':' => KEY,
        _ => 0,
    }
}

/// What comes behind the end of a string.
fn behind_string(text: &[u8]) -> &[u8] {
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        if rest[at] == b'"' {
            return &rest[at + 1..];
        }
        // The character behind a backslash ends nothing.
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_weigh_more_than_their_text() {
        let zeros = format!("[0{}]", ",0".repeat(100_000));
        assert_eq!(of_values(zeros.as_bytes(), 0), zeros.len() + ARRAY + 100_000 * VALUE);
        assert_eq!(of_values(zeros.as_bytes(), usize::MAX), zeros.len(), "nobody asks for less");
        let objects = format!("[{}{{}}]", r#"{"a":0},"#.repeat(1000));
        let one = OBJECT + KEY + VALUE;
        assert_eq!(of_values(objects.as_bytes(), 0), objects.len() + ARRAY + 1000 * one + OBJECT);
        assert_eq!(of_values(b"[0,0]", 0), 5, "what is short is small");
    }

    #[test]
    fn what_stands_in_strings_is_no_value() {
        let inner = r#"{[,:\"{[,:\\"#.repeat(200);
        let text = format!(r#"["{inner}","{inner}"]"#);
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        assert_eq!(of_values(text.as_bytes(), 0), text.len() + ARRAY + VALUE);
        // Whatever is no JSON ends somewhere.
        for broken in ["\"".repeat(2001), "\\".repeat(2000), "\"\\".repeat(1001), format!("\"{inner}\\")] {
            assert!(of_values(broken.as_bytes(), 0) >= broken.len());
        }
    }
}
