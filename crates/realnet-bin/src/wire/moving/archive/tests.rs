//! What archives are read, and which are refused.

use std::io::Write as _;

use realnet_core::Uuid;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{Checksum, StoreRecord};
use realnet_core::transfer::Digest;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::cli::Failure;

const CONTENT: &[u8] = b"the bytes of a file";

/// Remembers what it is given.
#[derive(Default)]
struct Seen {
    records: Vec<StoreRecord>,
    contents: Vec<(Uuid, Vec<u8>)>,
}

impl Visitor for Seen {
    fn record(&mut self, record: StoreRecord) -> Result<(), Failure> {
        self.records.push(record);
        Ok(())
    }

    fn begin_content(&mut self, id: Uuid, _: u64) -> Result<(), Failure> {
        self.contents.push((id, Vec::new()));
        Ok(())
    }

    fn content(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.contents.last_mut().unwrap().1.extend(bytes);
        Ok(())
    }

    fn end_content(&mut self, checksum: Checksum) -> Result<(), Failure> {
        let found: [u8; 32] = Sha256::digest(&self.contents.last().unwrap().1).into();
        assert_eq!(checksum, Checksum::new(found));
        Ok(())
    }
}

fn settings() -> Vec<StoreRecord> {
    let setting = |number| StoreRecord::Setting { name: format!("{number:03}"), value: vec![7; 100] };
    (0..50).map(setting).collect()
}

fn head() -> Head {
    Head { format: FORMAT, made_by: "RealNet".to_owned(), made_at: Timestamp::from_micros(5) }
}

/// An archive of [`settings`] and one content, after `change` has been asked what else to write.
fn archive(change: impl FnOnce(&mut Writer<Vec<u8>>)) -> Vec<u8> {
    let mut writer = Writer::begin(Vec::new(), &head()).unwrap();
    let (mut digest, mut contents) = (Digest::default(), ContentsDigest::default());
    let mut lines = String::new();
    for record in settings() {
        lines.push_str(digest.add(&record).unwrap());
    }
    let (first, second) = lines.split_at(lines.match_indices('\n').nth(20).unwrap().0 + 1);
    writer.records(first).unwrap();
    writer.records(second).unwrap();
    let id = Uuid::from_u128(0x77);
    writer.begin_entry(&format!("contents/{id}"), CONTENT.len() as u64).unwrap();
    writer.data(CONTENT).unwrap();
    writer.end_entry().unwrap();
    let checksum: [u8; 32] = Sha256::digest(CONTENT).into();
    contents.add(id, CONTENT.len() as u64, Checksum::new(checksum));
    change(&mut writer);
    let manifest = Manifest::new(Timestamp::from_micros(5), &digest.finish(), contents.finish(Vec::new()));
    writer.end(&manifest).unwrap()
}

fn refusal(bytes: &[u8]) -> String {
    read(bytes, &mut Seen::default()).unwrap_err().to_string()
}

/// Entries as they are, without a look at what they are.
fn packed(entries: &[(&str, tar::EntryType, u64, &[u8])]) -> Vec<u8> {
    let mut out = zstd::Encoder::new(Vec::new(), 3).unwrap();
    for (name, kind, size, bytes) in entries {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(*size);
        header.set_entry_type(*kind);
        header.set_cksum();
        out.write_all(header.as_bytes()).unwrap();
        out.write_all(bytes).unwrap();
        out.write_all(&vec![0; (BLOCK - bytes.len() % BLOCK) % BLOCK]).unwrap();
    }
    out.write_all(&[0; 2 * BLOCK]).unwrap();
    out.finish().unwrap()
}

#[test]
fn an_archive_is_read_back() {
    let bytes = archive(|_| {});
    let mut seen = Seen::default();
    let manifest = read(&*bytes, &mut seen).unwrap();
    assert!(seen.records == settings());
    assert_eq!(seen.contents, [(Uuid::from_u128(0x77), CONTENT.to_vec())]);
    assert_eq!(
        (manifest.census().to_string().as_str(), manifest.contents.bytes),
        ("50 settings", CONTENT.len() as u64)
    );
}

#[test]
fn wherever_it_ends_too_early_it_is_refused() {
    let bytes = archive(|_| {});
    for end in 0..bytes.len() {
        let said = refusal(&bytes[..end]);
        assert!(said.contains("truncated") || said.contains("damaged"), "cut at {end}: {said}");
    }
}

#[test]
fn whatever_is_damaged_is_refused() {
    let bytes = archive(|_| {});
    for place in (0..bytes.len()).step_by(7) {
        let mut other = bytes.clone();
        other[place] ^= 0x10;
        assert!(read(&*other, &mut Seen::default()).is_err(), "changed at {place}");
    }
    let mut longer = bytes.clone();
    longer.extend(zstd::encode_all(&b"more"[..], 3).unwrap());
    assert!(refusal(&longer).contains("behind the end"));
}

#[test]
fn foreign_entries_are_refused_by_name() {
    let good = format!("{}\n", serde_json::to_string(&head()).unwrap());
    let first = (HEAD, tar::EntryType::Regular, good.len() as u64, good.as_bytes());
    for (name, kind, word) in [
        ("../../etc/passwd", tar::EntryType::Regular, "\"../../etc/passwd\" that does not belong there"),
        ("/etc/passwd", tar::EntryType::Regular, "does not belong there"),
        ("notes.txt", tar::EntryType::Regular, "does not belong there"),
        ("records/000000.jsonl", tar::EntryType::Symlink, "is no file"),
        ("records/000000.jsonl", tar::EntryType::Link, "is no file"),
        ("records/000000.jsonl", tar::EntryType::Directory, "is no file"),
        ("records/000000.jsonl", tar::EntryType::XHeader, "is no file"),
        ("records/000000.jsonl", tar::EntryType::GNULongName, "is no file"),
        ("records/000001.jsonl", tar::EntryType::Regular, "does not belong there"),
        ("contents/../../x", tar::EntryType::Regular, "no content"),
        ("contents/00000000-0000-0000-0000-00000000000A", tar::EntryType::Regular, "no content"),
    ] {
        let said = refusal(&packed(&[first, (name, kind, 0, b"")]));
        assert!(said.contains(word), "{name} {kind:?}: {said}");
    }
    assert!(refusal(&packed(&[("notes.txt", tar::EntryType::Regular, 2, b"no")])).contains("no backup"));
    assert!(refusal(&packed(&[first])).contains("no manifest"));
    assert!(refusal(b"not packed at all, but some text").contains("is none of ours"));
    assert!(refusal(b"").contains("truncated"));
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    let good = serde_json::to_vec(&head()).unwrap();
    let first = (HEAD, tar::EntryType::Regular, good.len() as u64, &*good);
    for name in ["records/000000.jsonl", MANIFEST] {
        let said = refusal(&packed(&[first, (name, tar::EntryType::Regular, 1 << 40, b"")]));
        assert!(said.contains("unpacks to 1099511627776 bytes"), "{said}");
    }
    // Packed so that unpacking takes 128 MiB.
    let mut wide = zstd::Encoder::new(Vec::new(), 3).unwrap();
    wide.window_log(27).unwrap();
    wide.write_all(&vec![0; 1 << 20]).unwrap();
    assert!(refusal(&wide.finish().unwrap()).contains("can not be read"));
    // A line that is nested without end.
    let deep = "[".repeat(1_000_000);
    let said = refusal(&packed(&[
        first,
        ("records/000000.jsonl", tar::EntryType::Regular, 1_000_000, deep.as_bytes()),
    ]));
    assert!(said.contains("line 1") && said.contains("recursion"), "{said}");
}

#[test]
fn a_line_without_end_is_not_read_as_a_value() {
    let good = serde_json::to_vec(&head()).unwrap();
    let first = (HEAD, tar::EntryType::Regular, good.len() as u64, &*good);
    let long = [b"[".to_vec(), b"0,".repeat(13 << 20)].concat();
    let said = refusal(&packed(&[
        first,
        ("records/000000.jsonl", tar::EntryType::Regular, long.len() as u64, &long),
    ]));
    assert!(said.contains("line 1: it is longer than 24 MiB"), "{said}");
}

#[test]
fn what_the_manifest_does_not_say_is_refused() {
    let id = Uuid::from_u128(0x99);
    let more = archive(|writer| {
        writer.begin_entry(&format!("contents/{id}"), 1).unwrap();
        writer.data(b"x").unwrap();
        writer.end_entry().unwrap();
    });
    assert!(refusal(&more).contains("does not hold what its manifest says"));
    let mut writer = Writer::begin(Vec::new(), &head()).unwrap();
    let (mut twice, mut digest) = (String::new(), Digest::default());
    twice.push_str(digest.add(&settings()[0]).unwrap());
    twice.push_str(&twice.clone());
    writer.records(&twice).unwrap();
    let manifest = Manifest::new(Timestamp::from_micros(5), &digest.finish(), Contents::default());
    assert!(refusal(&writer.end(&manifest).unwrap()).contains("line 2: Setting(000, …) comes twice"));
    let newer = Head { format: FORMAT + 1, ..head() };
    let writer = Writer::begin(Vec::new(), &newer).unwrap();
    let manifest = Manifest::new(Timestamp::from_micros(5), &Digest::default().finish(), Contents::default());
    assert!(refusal(&writer.end(&manifest).unwrap()).contains("newer form"));
}

#[test]
fn a_content_that_changes_while_it_is_written_is_an_error() {
    let mut writer = Writer::begin(Vec::new(), &head()).unwrap();
    writer.begin_entry("contents/x", 2).unwrap();
    assert!(writer.data(b"abc").is_err());
    let mut writer = Writer::begin(Vec::new(), &head()).unwrap();
    writer.begin_entry("contents/x", 2).unwrap();
    writer.data(b"a").unwrap();
    assert!(writer.end_entry().is_err());
}
