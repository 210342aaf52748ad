//! Writing an archive, entry by entry; the file that it goes into is that of [`super::Destination`].

use std::io::{self, Write};

use serde::Serialize;

use super::{BLOCK, HEAD, Head, MANIFEST, Manifest, part_name};

/// How hard zstd tries; more takes much longer and gives little.
pub const LEVEL: i32 = 3;

/// Entries of a tar file in the making.
pub struct Entries<W: Write> {
    out: W,
    /// How many bytes of the present entry are still to come.
    missing: u64,
    /// The size of the present entry.
    size: u64,
}

impl<W: Write> Entries<W> {
    /// Before the first one.
    pub const fn new(out: W) -> Self {
        Self { out, missing: 0, size: 0 }
    }

    /// Begins an entry of so many bytes, which [`Self::data`] gives.
    pub fn begin_entry(&mut self, name: &str, size: u64) -> io::Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_path(name)?;
        header.set_size(size);
        header.set_mode(0o600);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        self.out.write_all(header.as_bytes())?;
        (self.size, self.missing) = (size, size);
        Ok(())
    }

    /// Adds bytes of the present entry.
    pub fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        let given = bytes.len() as u64;
        self.missing =
            self.missing.checked_sub(given).ok_or_else(|| io::Error::other("a content has grown"))?;
        self.out.write_all(bytes)
    }

    /// Ends the present entry.
    pub fn end_entry(&mut self) -> io::Result<()> {
        if self.missing > 0 {
            return Err(io::Error::other("a content has shrunk"));
        }
        let rest = (self.size % BLOCK as u64) as usize;
        self.out.write_all(&[0; BLOCK][..(BLOCK - rest) % BLOCK])
    }

    /// Adds an entry whose bytes are there already.
    pub fn whole(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.begin_entry(name, bytes.len() as u64)?;
        self.data(bytes)?;
        self.end_entry()
    }

    /// Ends the tar file; answers what it was written to.
    pub fn end(mut self) -> io::Result<W> {
        self.out.write_all(&[0; 2 * BLOCK])?;
        Ok(self.out)
    }
}

/// An archive in the making.
pub struct Writer<W: Write> {
    entries: Entries<zstd::Encoder<'static, W>>,
    parts: u32,
}

impl<W: Write> Writer<W> {
    /// Begins an archive.
    pub fn begin(out: W, head: &Head) -> io::Result<Self> {
        let mut out = zstd::Encoder::new(out, LEVEL)?;
        // So that damage is found where it is.
        out.include_checksum(true)?;
        let mut writer = Self { entries: Entries::new(out), parts: 0 };
        writer.json(HEAD, head)?;
        Ok(writer)
    }

    /// Adds lines of records.
    pub fn records(&mut self, lines: &str) -> io::Result<()> {
        let name = part_name(self.parts);
        self.parts += 1;
        self.entries.whole(&name, lines.as_bytes())
    }

    /// Begins an entry of so many bytes, which [`Self::data`] gives.
    pub fn begin_entry(&mut self, name: &str, size: u64) -> io::Result<()> {
        self.entries.begin_entry(name, size)
    }

    /// Adds bytes of the present entry.
    pub fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.entries.data(bytes)
    }

    /// Ends the present entry.
    pub fn end_entry(&mut self) -> io::Result<()> {
        self.entries.end_entry()
    }

    /// Ends the archive; answers what it was written to.
    pub fn end(mut self, manifest: &Manifest) -> io::Result<W> {
        self.json(MANIFEST, manifest)?;
        self.entries.end()?.finish()
    }

    fn json(&mut self, name: &str, value: &impl Serialize) -> io::Result<()> {
        let mut bytes = serde_json::to_vec_pretty(value)?;
        bytes.push(b'\n');
        self.entries.whole(name, &bytes)
    }
}
