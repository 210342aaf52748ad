//! SHA-256 of an upload that comes in several requests, maybe to several processes: between two of them it is eight words, which
//! are kept with the upload. So it is never read again to be digested.

use realnet_core::provider::Checksum;
use serde::{Deserialize, Serialize};
use sha2::compress256;
use sha2::digest::generic_array::GenericArray;

/// What is digested at a time.
const BLOCK: usize = 64;
/// FIPS 180-4, section 5.3.3.
const BEGIN: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The digest of so many whole blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hash {
    words: [u32; 8],
    length: u64,
}

impl Default for Hash {
    fn default() -> Self {
        Self { words: BEGIN, length: 0 }
    }
}

impl Hash {
    /// How many bytes there were.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Takes bytes that are whole blocks; what is beyond is left out, and how much was taken is answered.
    pub(super) fn update(&mut self, bytes: &[u8]) -> usize {
        let (blocks, _) = bytes.as_chunks::<BLOCK>();
        for block in blocks {
            compress256(&mut self.words, &[GenericArray::from(*block)]);
        }
        let taken = blocks.len() * BLOCK;
        self.length += taken as u64;
        taken
    }

    /// The checksum of what there was and of a rest.
    pub(super) fn finish(mut self, rest: &[u8]) -> Checksum {
        let length = self.length + rest.len() as u64;
        let taken = self.update(rest);
        let mut last = rest[taken..].to_vec();
        last.push(0x80);
        last.resize((last.len() + 8).next_multiple_of(BLOCK) - 8, 0);
        last.extend_from_slice(&(length * 8).to_be_bytes());
        self.update(&last);
        let mut digest = [0; 32];
        for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(self.words) {
            *bytes = word.to_be_bytes();
        }
        Checksum::new(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_another_library() {
        let bytes: Vec<u8> = (0..1000_u32).map(|index| (index * index) as u8).collect();
        for length in [0, 1, 55, 56, 63, 64, 65, 119, 120, 127, 128, 1000] {
            for cut in [0, 64, 128, 640] {
                let bytes = &bytes[..length];
                let (first, rest) = bytes.split_at(cut.min(length / 64 * 64));
                let mut hash = Hash::default();
                assert_eq!(hash.update(first), first.len());
                let text = serde_json::to_string(&hash).unwrap();
                let hash: Hash = serde_json::from_str(&text).unwrap();
                let expected = ring::digest::digest(&ring::digest::SHA256, bytes);
                assert_eq!(hash.finish(rest).as_bytes(), expected.as_ref(), "{length} cut at {cut}");
            }
        }
    }
}
