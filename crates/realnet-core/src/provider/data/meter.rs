//! Length and checksum of a content, computed while its bytes go by, and what was expected of them.

use std::fmt;

use ring::digest::{Context, SHA256};

use super::{Checksum, Content};
use crate::error::{Error, ErrorKind, Result};

/// Counts and digests bytes.
#[derive(Clone)]
pub struct Meter {
    digest: Context,
    size: u64,
}

impl Meter {
    /// Of no bytes yet.
    pub fn new() -> Self {
        Self { digest: Context::new(&SHA256), size: 0 }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// How many bytes there were so far.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The checksum of all of them.
    pub fn checksum(self) -> Checksum {
        let mut digest = [0; 32];
        digest.copy_from_slice(self.digest.finish().as_ref());
        Checksum::new(digest)
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Meter({} bytes)", self.size)
    }
}

/// What a content must be to be stored. What is not said, is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expectation {
    /// Its length in bytes.
    pub size: Option<u64>,
    /// Its checksum.
    pub checksum: Option<Checksum>,
    /// The most bytes that it may have.
    pub limit: Option<u64>,
}

impl Expectation {
    /// The very bytes of a content.
    pub const fn of(content: &Content) -> Self {
        Self { size: Some(content.size), checksum: Some(content.checksum), limit: None }
    }

    /// Whether so many bytes may come: to be asked while they do.
    ///
    /// # Errors
    /// TooLarge above the limit, InvalidInput above the announced length.
    pub fn admit(&self, size: u64) -> Result<()> {
        if let Some(limit) = self.limit.filter(|limit| size > *limit) {
            let message =
                format!("the content is larger than {limit} bytes, which is the most that is taken");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        match self.size {
            Some(announced) if size > announced => {
                let message = format!("the content is longer than the {announced} bytes that were announced");
                Err(Error::new(ErrorKind::InvalidInput, message))
            }
            _ => Ok(()),
        }
    }

    /// Whether so many bytes may be all: [`Self::admit`], and no fewer than announced.
    pub fn admit_whole(&self, size: u64) -> Result<()> {
        self.admit(size)?;
        match self.size {
            Some(announced) if size < announced => {
                let message = format!("the content ended after {size} of the {announced} bytes announced");
                Err(Error::new(ErrorKind::InvalidInput, message))
            }
            _ => Ok(()),
        }
    }

    /// Whether a content that has come to its end is what was expected.
    ///
    /// # Errors
    /// TooLarge above the limit, InvalidInput when the length or the checksum is another.
    pub fn check(&self, size: u64, checksum: Checksum) -> Result<()> {
        self.admit_whole(size)?;
        match self.checksum {
            Some(announced) if announced != checksum => {
                let message = format!("the content has the checksum {checksum}, announced was {announced}");
                Err(Error::new(ErrorKind::InvalidInput, message))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_have_the_checksum_of_the_whole() {
        let mut meter = Meter::new();
        for piece in ["a", "", "bc"] {
            meter.update(piece.as_bytes());
        }
        assert_eq!(meter.size(), 3);
        // FIPS 180-2, appendix B.1.
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(meter.checksum().to_string(), known);
    }

    #[test]
    fn expectations_are_kept() {
        let checksum = Meter::new().checksum();
        let kind =
            |expected: Expectation, size| expected.check(size, checksum).err().map(|error| error.kind());
        let nothing = Expectation::default();
        assert_eq!(kind(nothing, u64::MAX), None);
        let sized = Expectation { size: Some(5), ..nothing };
        assert_eq!([4, 5, 6].map(|size| kind(sized, size).is_none()), [false, true, false]);
        assert_eq!(kind(sized, 6), Some(ErrorKind::InvalidInput));
        assert!(sized.admit(4).is_ok() && sized.admit_whole(4).is_err());
        let limited = Expectation { limit: Some(5), ..nothing };
        assert_eq!((kind(limited, 5), kind(limited, 6)), (None, Some(ErrorKind::TooLarge)));
        let other = Expectation { checksum: Some(Checksum::new([7; 32])), ..nothing };
        assert_eq!(kind(other, 5), Some(ErrorKind::InvalidInput));
    }
}
