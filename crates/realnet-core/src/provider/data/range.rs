//! A part of a content, as it is asked for.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};

/// Which bytes are wanted, in the forms of HTTP (RFC 9110, section 14.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ByteRange {
    /// All of them.
    #[default]
    All,
    /// From this one on.
    From(u64),
    /// From the first to the last of these, both included; the last may lie behind the end.
    Span(u64, u64),
    /// So many at the end, or all when there are fewer.
    Last(u64),
}

impl ByteRange {
    /// The half-open range that it means in a content of `size` bytes.
    ///
    /// # Errors
    /// RangeNotSatisfiable when it begins behind the end, or asks for no byte.
    pub fn resolve(self, size: u64) -> Result<Range<u64>> {
        let range = match self {
            Self::All => return Ok(0..size),
            Self::From(first) => first..size,
            Self::Span(first, last) => first..last.saturating_add(1).min(size),
            Self::Last(count) => size.saturating_sub(count)..size,
        };
        if range.is_empty() {
            let message = format!("the range lies outside of the content, which has {size} bytes");
            return Err(Error::new(ErrorKind::RangeNotSatisfiable, message));
        }
        Ok(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_http() {
        let cases = [
            (ByteRange::All, 10, Some(0..10)),
            (ByteRange::All, 0, Some(0..0)),
            (ByteRange::From(0), 10, Some(0..10)),
            (ByteRange::From(9), 10, Some(9..10)),
            (ByteRange::From(10), 10, None),
            (ByteRange::From(0), 0, None),
            (ByteRange::Span(0, 0), 10, Some(0..1)),
            (ByteRange::Span(3, 5), 10, Some(3..6)),
            (ByteRange::Span(3, u64::MAX), 10, Some(3..10)),
            (ByteRange::Span(5, 3), 10, None),
            (ByteRange::Span(10, 12), 10, None),
            (ByteRange::Last(3), 10, Some(7..10)),
            (ByteRange::Last(11), 10, Some(0..10)),
            (ByteRange::Last(0), 10, None),
            (ByteRange::Last(1), 0, None),
        ];
        for (range, size, expected) in cases {
            let resolved = range.resolve(size);
            if let Err(error) = &resolved {
                assert_eq!(error.kind(), ErrorKind::RangeNotSatisfiable);
            }
            assert_eq!(resolved.ok(), expected, "{range:?} of {size}");
        }
    }
}
