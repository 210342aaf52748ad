//! How far the filling of a store has come: kept in the store itself, in the same transaction as what was written.

use sha2::{Digest as _, Sha256};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::provider::Checksum;

/// How many records were read, and a chain of hashes over them: whoever goes on reads them again, and sees whether they are the
/// same. (Not one hash over all: that could not be stopped in the middle and gone on with.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub records: u64,
    chain: [u8; 32],
}

impl Place {
    /// Before the first record.
    pub(super) const START: Self = Self { records: 0, chain: [0; 32] };

    /// Goes on by one record.
    pub(super) fn pass(&mut self, line: &str) {
        let mut hash = Sha256::new();
        hash.update(self.chain);
        hash.update(line);
        self.chain = hash.finalize().into();
        self.records += 1;
    }
}

/// What the mark says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// The moment as of which the source was dumped; the same when one goes on, so that nothing has expired meanwhile.
    pub now: Timestamp,
    pub place: Place,
}

impl Mark {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let Self { now, place } = self;
        format!("1 {} {} {}", now.as_micros(), place.records, Checksum::new(place.chain)).into_bytes()
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        let read = || {
            let text = std::str::from_utf8(bytes).ok()?;
            let mut words = text.split(' ');
            let (version, now) = (words.next()?, words.next()?);
            let (records, chain) = (words.next()?, words.next()?);
            let mark = Self {
                now: Timestamp::from_micros(now.parse().ok()?),
                place: Place { records: records.parse().ok()?, chain: *Checksum::parse(chain)?.as_bytes() },
            };
            (version == "1" && words.next().is_none()).then_some(mark)
        };
        read().ok_or_else(|| {
            Error::conflict("the target was begun to be filled by another version: empty it, and begin anew")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_back() {
        let mut place = Place::START;
        place.pass("one\n");
        place.pass("two\n");
        let mark = Mark { now: Timestamp::from_micros(-5), place };
        assert_eq!(Mark::parse(&mark.to_bytes()).unwrap(), mark);
        let mut other = Place::START;
        other.pass("two\n");
        other.pass("one\n");
        assert_ne!(other, mark.place);
        for bad in [&b""[..], b"1 2 3", b"2 5 0 00", b"\xff", b"nothing of ours here"] {
            assert!(Mark::parse(bad).is_err());
        }
    }
}
