//! Archives of whole stores: a tar file in zstd, which other tools can unpack as well.
//!
//! In it stand, in this order: `realnet-backup.json`, which says what it is; `records/000000.jsonl` and so on, the canonical
//! lines of the records; `contents/ID`, the bytes of files; and `manifest.json`, which counts and sums up all of that. The
//! manifest comes last, since only then it is known: an archive without one is not whole. What an archive holds beside
//! these, or in another order, is refused by name.

mod destination;
mod manifest;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use destination::{Destination, Working, clear};
pub use manifest::{Contents, ContentsDigest, FORMAT, Head, Manifest};
pub use read::{EXPORT, MAX_WINDOW, Visitor, nothing_behind, read, unreadable};
pub use write::{Entries, LEVEL, Writer};

/// The first entry.
pub const HEAD: &str = "realnet-backup.json";
/// The last one.
const MANIFEST: &str = "manifest.json";
/// Tar pads everything to blocks of so many bytes.
const BLOCK: usize = 512;

/// The name of a part of the records.
fn part_name(number: u32) -> String {
    format!("records/{number:06}.jsonl")
}
