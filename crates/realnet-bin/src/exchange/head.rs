//! What an export says of itself, in `realnet-export.json`: written last, so that one without it (or that says so) is not whole.

use std::collections::BTreeMap;

use realnet_core::Uuid;
use realnet_core::clock::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cli::Failure;

/// The form of exports that this program writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// The largest head, in bytes.
pub const MAX_HEAD: u64 = 1024 * 1024;

/// The head. Who makes an import by hand need say no more than `{"format": 1}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The form of the export.
    pub format: u32,
    /// Of this export: by it, what it has become on a server is known again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// The program that has written it.
    #[serde(default)]
    pub made_by: String,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<Timestamp>,
    /// Whether it was finished.
    #[serde(default = "yes")]
    pub complete: bool,
    /// What was asked for.
    #[serde(default)]
    pub asked: Asked,
    /// How many there are, which is compared where nobody can have edited them: in archives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// How many items are of which org, where they are of several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub orgs: BTreeMap<String, u64>,
}

/// What an export is to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Of these types; of all that are not left out when empty.
    #[serde(default)]
    pub types: Vec<String>,
    /// Only what matches.
    #[serde(default)]
    pub filters: Vec<String>,
    /// With the bytes of files.
    #[serde(default)]
    pub with_data: bool,
    /// In this format, by its name.
    #[serde(default)]
    pub format: String,
}

/// How many of each there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Declarations of types.
    pub types: u64,
    /// Items.
    pub items: u64,
    /// Contents of files.
    pub contents: u64,
}

const fn yes() -> bool {
    true
}

impl Asked {
    /// Why an export can not become one of what is asked for now, without losing what it has: the option that is missing.
    pub fn lacks(&self, now: &Self) -> Option<String> {
        if (&self.types, &self.filters) != (&now.types, &now.filters) {
            return Some(
                "holds an export of other types or by other filters: name another folder".to_owned(),
            );
        }
        if !self.format.is_empty() && self.format != now.format {
            return Some(format!("holds documents in another format: --format {0} keeps to it", self.format));
        }
        (self.with_data && !now.with_data)
            .then(|| "holds contents of files as well, which would go: --with-data keeps them".to_owned())
    }
}

impl Head {
    /// The head of a new export.
    pub fn new(id: Uuid, now: Timestamp, asked: Asked) -> Self {
        let made_by = concat!("RealNet ", env!("CARGO_PKG_VERSION")).to_owned();
        Self {
            format: FORMAT,
            id: Some(id),
            made_by,
            made_at: Some(now),
            complete: false,
            asked,
            counts: None,
            orgs: BTreeMap::new(),
        }
    }

    /// From the text of the file.
    pub fn read(text: &[u8]) -> Result<Self, Failure> {
        let said: serde_json::Value = serde_json::from_slice(text)?;
        let format = said.get("format").and_then(serde_json::Value::as_u64);
        if format.is_some_and(|format| format > u64::from(FORMAT)) {
            return Err("the export is of a newer form than this program knows".into());
        }
        Ok(serde_json::from_value(said)?)
    }

    /// The text of the file.
    pub fn text(&self) -> Result<Vec<u8>, Failure> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { types, items, contents } = *self;
        let [types, items, contents] = [(types, "type"), (items, "item"), (contents, "content")]
            .map(|(count, one)| super::counted(count, one));
        write!(f, "{items}, {types}, {contents}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_by_what_is_not_said_again() {
        let before = Asked { with_data: true, format: "yaml".to_owned(), ..Asked::default() };
        assert_eq!(before.lacks(&before), None);
        for (now, word) in [
            (Asked { with_data: false, ..before.clone() }, "--with-data"),
            (Asked { format: "json".to_owned(), ..before.clone() }, "--format yaml"),
            (Asked { types: vec!["Note".to_owned()], ..before.clone() }, "other types"),
            (Asked { filters: vec!["a=b".to_owned()], ..before.clone() }, "other filters"),
        ] {
            assert!(before.lacks(&now).is_some_and(|said| said.contains(word)), "{word}");
        }
        let without = Asked { with_data: false, ..before.clone() };
        assert_eq!(without.lacks(&before), None);
    }

    #[test]
    fn heads_are_read_back() {
        let asked = Asked { types: vec!["Note".to_owned()], with_data: true, ..Asked::default() };
        let head = Head::new(Uuid::from_u128(5), Timestamp::from_micros(7), asked);
        assert_eq!(Head::read(&head.text().unwrap()).unwrap(), head);
        let plain = Head::read(b"{\"format\": 1}").unwrap();
        assert!(plain.complete && plain.counts.is_none());
        let text = String::from_utf8(head.text().unwrap()).unwrap();
        assert!(!text.contains("orgs"), "programs that know nothing of it read what is of one org: {text}");
        for (text, words) in [
            ("{\"format\": 2, \"more\": 1}", "newer form"),
            ("{\"format\": 1, \"more\": 1}", "unknown field"),
            ("{}", "format"),
            ("{", "EOF"),
        ] {
            let said = Head::read(text.as_bytes()).unwrap_err().to_string();
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}
