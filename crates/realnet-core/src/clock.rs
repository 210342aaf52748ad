//! Time and identity as parameters, so that tests are deterministic.

use std::fmt;

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};
use uuid::Uuid;

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
///
/// Its text form is RFC 3339 in UTC with exactly six fractional digits, so that text sorts as time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Parses RFC 3339 with any offset; digits beyond microseconds are cut. Years 0 to 9999 in UTC, which are those that the
    /// text form has.
    pub fn parse(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let year = moment.checked_to_offset(UtcOffset::UTC)?.year();
        if !(0..=9999).contains(&year) {
            return None;
        }
        i64::try_from(moment.unix_timestamp_nanos().div_euclid(1000)).ok().map(Self)
    }

    /// This moment, later by `seconds`.
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(moment) = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1000) else {
            return write!(f, "invalid time {}", self.0);
        };
        let utc = moment.to_offset(UtcOffset::UTC);
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
            utc.year(),
            u8::from(utc.month()),
            utc.day(),
            utc.hour(),
            utc.minute(),
            utc.second(),
            utc.microsecond()
        )
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected an RFC 3339 time"))
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Where ids come from.
pub trait IdSource: Send + Sync {
    /// A new id that sorts after all earlier ones of this source.
    fn next_id(&self) -> Uuid;
}

/// The clock of the machine and UUIDv7 ids.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Clock for System {
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

impl IdSource for System {
    #[allow(clippy::disallowed_methods, reason = "the one place that makes ids")]
    fn next_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_canonical() {
        let moment = Timestamp::parse("2026-01-02T03:04:05.6+01:00").unwrap();
        assert_eq!(moment.to_string(), "2026-01-02T02:04:05.600000Z");
        assert_eq!(Timestamp::parse(&moment.to_string()), Some(moment));
    }

    #[test]
    fn years_beyond_the_text_form_are_refused() {
        for text in ["9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-23:59"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
        for text in ["9999-12-31T23:59:59.999999Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59+00:01"] {
            let moment = Timestamp::parse(text).unwrap();
            assert_eq!(Timestamp::parse(&moment.to_string()), Some(moment), "{text}");
        }
    }

    #[test]
    fn before_the_epoch_rounds_down() {
        let moment = Timestamp::parse("1969-12-31T23:59:59.999999900Z").unwrap();
        assert_eq!(moment.as_micros(), -1);
    }

    #[test]
    fn ids_sort_by_creation() {
        let ids: Vec<Uuid> = (0..1000).map(|_| System.next_id()).collect();
        assert!(ids.is_sorted());
    }
}
