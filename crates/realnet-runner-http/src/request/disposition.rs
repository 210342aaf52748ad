//! `Content-Disposition` of what comes: the name of a file, as browsers and programs write it.

use percent_encoding::percent_decode_str;

/// What a part, or a body, says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Disposition {
    /// The name of the field.
    pub(crate) name: String,
    /// The name of the file; there is one where it is a file.
    pub(crate) file_name: Option<String>,
}

impl Disposition {
    /// Of a part of a form.
    pub(crate) fn of_part(text: &str) -> Option<Self> {
        let kind = text.split(';').next().unwrap_or_default().trim();
        let disposition = Self::parse(text);
        (kind.eq_ignore_ascii_case("form-data") && !disposition.name.is_empty()).then_some(disposition)
    }

    /// Of a whole body.
    pub(crate) fn parse(text: &str) -> Self {
        let mut disposition = Self::default();
        let mut is_extended = false;
        for (name, value) in parameters(text) {
            match name.as_str() {
                "name" => disposition.name = value,
                // RFC 8187; it counts before the plain one.
                "filename*" => {
                    if let Some(value) = extended(&value) {
                        disposition.file_name = Some(value);
                        is_extended = true;
                    }
                }
                "filename" if !is_extended => disposition.file_name = Some(unescaped(&value)),
                _ => {}
            }
        }
        disposition
    }
}

/// Browsers write quotes and new lines of names so, and nothing else.
fn unescaped(value: &str) -> String {
    value.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

/// `UTF-8''a%20b`.
fn extended(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_, text) = rest.split_once('\'')?;
    let bytes: Vec<u8> = percent_decode_str(text).collect();
    charset.eq_ignore_ascii_case("utf-8").then(|| String::from_utf8(bytes).ok())?
}

/// The parameters behind the first word of a header, names in lower case. Values may stand in quotes.
pub(crate) fn parameters(text: &str) -> impl Iterator<Item = (String, String)> {
    let mut rest = text.split_once(';').map_or("", |(_, rest)| rest);
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start_matches([' ', '\t', ';']);
            let end = rest.find(['=', ';'])?;
            let (name, after) = rest.split_at(end);
            let Some(after) = after.strip_prefix('=') else {
                rest = after;
                continue;
            };
            let (value, after) = value(after.trim_start());
            rest = after;
            return Some((name.trim().to_ascii_lowercase(), value));
        }
    })
}

/// A value, and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &quoted[at + 1..]),
            // Only what would end the text is escaped: some write whole paths of other systems.
            '\\' if quoted[at + 1..].starts_with(['"', '\\']) => {
                value.extend(letters.next().map(|(_, letter)| letter));
            }
            letter => value.push(letter),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_name(text: &str) -> Option<String> {
        Disposition::parse(text).file_name
    }

    #[test]
    fn names_of_files_are_read() {
        for (text, name) in [
            ("form-data; name=\"f\"; filename=\"a b.txt\"", "a b.txt"),
            ("form-data; name=f; filename=a.txt", "a.txt"),
            ("attachment; filename=\"a;b\\\"c\\\\d.txt\"", "a;b\"c\\d.txt"),
            ("attachment;filename=\"C:\\dir\\file.txt\"", "C:\\dir\\file.txt"),
            ("attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%A4.txt", "ä.txt"),
            ("attachment; filename*=utf-8'de'%C3%A4.txt; filename=\"_.txt\"", "ä.txt"),
            ("attachment; filename*=latin1''%E4.txt; filename=\"a.txt\"", "a.txt"),
            ("form-data; name=\"f\"; filename=\"a%22b.txt\"", "a\"b.txt"),
            ("form-data; name=\"f\"; filename=\"\u{e4}.txt\"", "ä.txt"),
            ("attachment; filename=\"open", "open"),
        ] {
            assert_eq!(file_name(text).as_deref(), Some(name), "{text}");
        }
        for none in [
            "",
            "attachment",
            "attachment; size=5",
            "attachment; filename",
            ";;;=",
            "form-data; name=\"filename=x\"",
        ] {
            assert_eq!(file_name(none), None, "{none}");
        }
    }

    #[test]
    fn parts_have_names() {
        assert_eq!(Disposition::of_part("form-data; NAME=\"a\"").unwrap().name, "a");
        for bad in ["", "form-data", "attachment; name=a", "form-data; name=\"\""] {
            assert_eq!(Disposition::of_part(bad), None, "{bad}");
        }
    }
}
