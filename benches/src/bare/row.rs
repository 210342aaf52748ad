//! Rows of notes and their JSON, byte by byte as RealNet answers them.

use std::borrow::Cow;
use std::io::Write as _;

use diesel::deserialize::{self, FromSql, FromSqlRow, Queryable};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::{Binary, Uuid as PgUuid};
use diesel::sqlite::{Sqlite, SqliteValue};
use realnet_core::clock::Timestamp;
use uuid::Uuid;

/// An id: 16 bytes on SQLite, a type of its own on PostgreSQL.
#[derive(Debug, Clone, Copy, FromSqlRow)]
pub struct Id(pub Uuid);

impl FromSql<Binary, Sqlite> for Id {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(Uuid::from_slice(value.read_blob())?))
    }
}

impl FromSql<PgUuid, Pg> for Id {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Uuid::from_sql(value).map(Self)
    }
}

/// A note as it is stored: all columns, as RealNet reads them. In two halves, since diesel's tuples end at sixteen. Tags
/// differ between the engines.
#[derive(Debug, Queryable)]
pub struct Row<Tags> {
    /// Up to the tags.
    pub head: Head<Tags>,
    /// What follows.
    pub tail: Tail,
}

/// The first columns of a note.
#[derive(Debug, Queryable)]
pub struct Head<Tags> {
    pub id: Id,
    pub org: Id,
    pub type_id: Id,
    pub instance: Option<String>,
    pub name: String,
    pub attributes: String,
    pub tags: Tags,
    pub status: Option<String>,
    pub visibility: i16,
    pub location: Option<String>,
}

/// The last columns of a note.
#[derive(Debug, Queryable)]
pub struct Tail {
    pub valid_from: Option<i64>,
    pub valid_to: Option<i64>,
    pub parent: Option<Id>,
    pub linked: Option<Id>,
    pub owner: Option<Id>,
    pub public: bool,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
    /// Not shown, but read, as RealNet does.
    pub _grants: Option<String>,
}

/// What is shown of a note.
#[derive(Debug)]
pub struct Shown<'a> {
    pub id: Uuid,
    pub org: Uuid,
    pub instance: Option<&'a str>,
    pub name: &'a str,
    pub attributes: &'a str,
    pub tags: &'a str,
    pub status: Option<&'a str>,
    pub visibility: i16,
    pub location: Option<&'a str>,
    pub valid_from: Option<i64>,
    pub valid_to: Option<i64>,
    pub parent: Option<Uuid>,
    pub linked: Option<Uuid>,
    pub owner: Option<Uuid>,
    pub public: bool,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

/// Tags as an engine gives them.
pub trait Tags {
    /// As a JSON array.
    fn json(&self) -> Cow<'_, str>;
}

/// SQLite: JSON, or absent.
impl Tags for Option<String> {
    fn json(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.as_deref().unwrap_or("[]"))
    }
}

/// PostgreSQL: a list.
impl Tags for Vec<String> {
    fn json(&self) -> Cow<'_, str> {
        if self.is_empty() {
            return Cow::Borrowed("[]");
        }
        Cow::Owned(serde_json::Value::from(self.as_slice()).to_string())
    }
}

impl<T: Tags> Row<T> {
    /// Its JSON.
    pub fn json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        let (head, tail) = (&self.head, &self.tail);
        let shown = Shown {
            id: head.id.0,
            org: head.org.0,
            instance: head.instance.as_deref(),
            name: &head.name,
            attributes: &head.attributes,
            tags: &head.tags.json(),
            status: head.status.as_deref(),
            visibility: head.visibility,
            location: head.location.as_deref(),
            valid_from: tail.valid_from,
            valid_to: tail.valid_to,
            parent: tail.parent.map(|id| id.0),
            linked: tail.linked.map(|id| id.0),
            owner: tail.owner.map(|id| id.0),
            public: tail.public,
            version: tail.version,
            created_at: tail.created_at,
            updated_at: tail.updated_at,
        };
        shown.write(out);
    }
}

impl Shown<'_> {
    /// Appends its JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.reserve(self.attributes.len() + 640);
        id(out, "{\"id\":", Some(self.id));
        out.extend_from_slice(b",\"type\":\"Memo\"");
        string(out, ",\"instance\":", self.instance);
        string(out, ",\"name\":", Some(self.name));
        raw(out, ",\"attributes\":", Some(self.attributes));
        raw(out, ",\"tags\":", Some(self.tags));
        string(out, ",\"status\":", self.status);
        string(
            out,
            ",\"visibility\":",
            ["visible", "hidden", "restricted"].get(self.visibility as usize).copied(),
        );
        raw(out, ",\"location\":", self.location);
        time(out, ",\"valid_from\":", self.valid_from);
        time(out, ",\"valid_to\":", self.valid_to);
        id(out, ",\"parent_id\":", self.parent);
        id(out, ",\"linked_item_id\":", self.linked);
        id(out, ",\"owner\":", self.owner);
        id(out, ",\"org\":", Some(self.org));
        let _ = write!(out, ",\"public\":{},\"version\":{}", self.public, self.version);
        time(out, ",\"created_at\":", Some(self.created_at));
        time(out, ",\"updated_at\":", Some(self.updated_at));
        out.push(b'}');
    }
}

/// Appends rows as a JSON array.
pub fn write_page<T: Tags>(rows: &[Row<T>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.len() * 1024);
    out.push(b'[');
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        row.write(&mut out);
    }
    out.push(b']');
    out
}

fn raw(out: &mut Vec<u8>, key: &str, json: Option<&str>) {
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(json.unwrap_or("null").as_bytes());
}

fn string(out: &mut Vec<u8>, key: &str, text: Option<&str>) {
    out.extend_from_slice(key.as_bytes());
    // Memory takes whatever is written.
    let _ = serde_json::to_writer(out, &text);
}

fn id(out: &mut Vec<u8>, key: &str, id: Option<Uuid>) {
    out.extend_from_slice(key.as_bytes());
    let Some(id) = id else { return out.extend_from_slice(b"null") };
    out.push(b'"');
    out.extend_from_slice(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
    out.push(b'"');
}

/// Times of notes made in one run differ in their last digits only, so the day is worth remembering: without that, two
/// dates cost as much as the rest.
fn time(out: &mut Vec<u8>, key: &str, micros: Option<i64>) {
    const DAY: i64 = 86_400_000_000;
    thread_local! {
        static LAST: std::cell::RefCell<(i64, String)> = const { std::cell::RefCell::new((i64::MIN, String::new())) };
    }
    out.extend_from_slice(key.as_bytes());
    let Some(micros) = micros else { return out.extend_from_slice(b"null") };
    let (day, rest) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    LAST.with_borrow_mut(|(last, date)| {
        if *last != day {
            let text = Timestamp::from_micros(day * DAY).to_string();
            *last = day;
            text.split('T').next().unwrap_or_default().clone_into(date);
        }
        out.push(b'"');
        out.extend_from_slice(date.as_bytes());
    });
    let mut text = *b"T00:00:00.000000Z\"";
    let seconds = rest / 1_000_000;
    for (place, mut number) in
        [(1..3, seconds / 3600), (4..6, seconds / 60 % 60), (7..9, seconds % 60), (10..16, rest % 1_000_000)]
    {
        for digit in text[place].iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
    }
    out.extend_from_slice(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_their_text_form() {
        for micros in [0, -1, 1_769_000_000_123_456, 86_399_999_999, 86_400_000_000] {
            let mut out = Vec::new();
            time(&mut out, "", Some(micros));
            assert_eq!(String::from_utf8(out).unwrap(), format!("\"{}\"", Timestamp::from_micros(micros)));
        }
    }
}
