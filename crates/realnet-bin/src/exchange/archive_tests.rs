//! Which archives are unpacked, and which are refused.

use flate2::Compression;
use flate2::write::GzEncoder;
use realnet_core::Uuid;
use tar::EntryType;

use super::*;
use crate::exchange::layout::Form;

const HEAD: (&str, EntryType, &[u8]) = ("realnet-export.json", EntryType::Regular, b"{\"format\": 1}");
const BOUNDS: Bounds = Bounds { bytes: 1 << 20, entries: 10 };

/// Entries as they are, without a look at what they are; those that say that they are larger than they are, are.
fn tarred(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, kind, bytes) in entries {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_entry_type(*kind);
        header.set_cksum();
        out.extend(header.as_bytes());
        out.extend(*bytes);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// Unpacks into a folder of its own; answers the paths of what is there then, or what was said.
async fn unpacked(bytes: &[u8], bounds: Bounds) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().unwrap();
    let (packed, into) = (folder.path().join("x"), folder.path().join("into/it"));
    std::fs::create_dir_all(&into).unwrap();
    std::fs::write(&packed, bytes).unwrap();
    let done = unpack_from(File::open(&packed).unwrap(), &into, bounds).await;
    let besides = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(besides, 2, "something was written beside the folder");
    done.map_err(|error| error.to_string())?;
    let mut paths = Vec::new();
    let mut walk = folder::walk(&into).unwrap();
    while let Some(found) = walk.next().unwrap() {
        match found {
            folder::Found::Part(path, _) => paths.push(path),
            folder::Found::Foreign(path, _) => panic!("{path} was unpacked"),
        }
    }
    Ok(paths)
}

async fn refused(bytes: &[u8]) -> String {
    unpacked(bytes, BOUNDS).await.unwrap_err()
}

fn good() -> Vec<u8> {
    let id = Uuid::from_u128(3);
    let item = layout::of_item("Note", id, Form::Yaml).unwrap();
    tarred(&[
        ("./", EntryType::Directory, b""),
        ("./items/", EntryType::Directory, b""),
        (&format!("./{item}"), EntryType::Regular, b"id: 3"),
        ("types/Note.json", EntryType::Regular, b"{}"),
        (&layout::of_data(id), EntryType::Regular, &[7; 3000]),
        HEAD,
    ])
}

#[tokio::test]
async fn archives_are_unpacked() {
    let expected = [
        "data/00000000-0000-0000-0000-000000000003",
        "items/Note/00000000-0000-0000-0000-000000000003.yaml",
        "realnet-export.json",
        "types/Note.json",
    ];
    assert_eq!(unpacked(&gzip(&good()), BOUNDS).await.unwrap(), expected);
    let zstd = zstd::encode_all(&*good(), 3).unwrap();
    assert_eq!(unpacked(&zstd, BOUNDS).await.unwrap(), expected);
}

#[tokio::test]
async fn wherever_it_ends_too_early_it_is_refused() {
    for bytes in [gzip(&good()), zstd::encode_all(&*good(), 3).unwrap()] {
        for end in (4..bytes.len()).step_by(3) {
            let said = refused(&bytes[..end]).await;
            assert!(said.contains("truncated") || said.contains("damaged"), "cut at {end}: {said}");
        }
        assert!(
            refused(&bytes[..3]).await.contains("truncated")
                || refused(&bytes[..3]).await.contains("no export")
        );
    }
    // What was packed ends too early, in whole blocks.
    let tar = good();
    for end in [0, 512, 1024, 1536] {
        let said = refused(&gzip(&tar[..end])).await;
        assert!(said.contains("truncated"), "cut at {end}: {said}");
    }
}

#[tokio::test]
async fn damage_is_seen() {
    let bytes = gzip(&good());
    for place in 0..bytes.len() {
        let mut other = bytes.clone();
        other[place] ^= 0x10;
        if unpacked(&other, BOUNDS).await.is_ok() {
            // Not every bit says something of the bytes that are packed.
            let mut same = Vec::new();
            GzDecoder::new(&*other).read_to_end(&mut same).unwrap();
            assert!(same == good(), "changed at {place}");
        }
    }
    for bytes in [bytes, zstd::encode_all(&*good(), 3).unwrap()] {
        assert!(refused(&[&*bytes, b"more of it"].concat()).await.contains("archive"));
    }
    assert!(refused(b"not packed at all").await.contains("is no export"));
    assert!(refused(b"").await.contains("is no export"));
}

#[tokio::test]
async fn foreign_entries_are_refused_by_name() {
    for (name, kind, word) in [
        ("../types/Note.json", EntryType::Regular, "\"../types/Note.json\" that does not belong there"),
        ("types/../../Note.json", EntryType::Regular, "does not belong there"),
        ("/etc/passwd", EntryType::Regular, "does not belong there"),
        ("notes.txt", EntryType::Regular, "does not belong there"),
        ("types/N\u{1b}[2J.json", EntryType::Regular, "\\u{1b}[2J.json"),
        ("types/Note.json", EntryType::Symlink, "is no file"),
        ("types/Note.json", EntryType::Link, "is no file"),
        ("types/Note.json", EntryType::Block, "is no file"),
        ("types/Note.json", EntryType::Char, "is no file"),
        ("types/Note.json", EntryType::Fifo, "is no file"),
        ("types/Note.json", EntryType::GNUSparse, "is no file"),
        ("types/Note.json", EntryType::XHeader, "is no file"),
        ("types/Note.json", EntryType::GNULongName, "is no file"),
        ("../x/", EntryType::Directory, "is no file"),
        ("more/", EntryType::Directory, "is no file"),
    ] {
        let said = refused(&gzip(&tarred(&[(name, kind, b""), HEAD]))).await;
        assert!(said.contains(word), "{name} {kind:?}: {said}");
    }
    let twice = ("types/Note.json", EntryType::Regular, &b"{}"[..]);
    assert!(refused(&gzip(&tarred(&[twice, twice, HEAD]))).await.contains("comes twice"));
    assert!(refused(&gzip(&tarred(&[twice]))).await.contains("truncated, or no export"));
    let counting = br#"{"format": 1, "counts": {"types": 2, "items": 0, "contents": 0}}"#;
    let said = refused(&gzip(&tarred(&[twice, (HEAD.0, HEAD.1, counting)]))).await;
    assert!(said.contains("1 type, 0 contents instead of 0 items, 2 types"), "{said}");
}

#[tokio::test]
async fn what_unpacks_to_too_much_is_refused() {
    let zeros = vec![0; 2 << 20];
    let id = Uuid::from_u128(3);
    let bomb = tarred(&[(&layout::of_data(id), EntryType::Regular, &zeros), HEAD]);
    assert!(gzip(&bomb).len() < 5000);
    for packed in [gzip(&bomb), zstd::encode_all(&*bomb, 3).unwrap()] {
        let said = refused(&packed).await;
        assert!(said.contains("more than is expected") && said.contains("--max-size"), "{said}");
        assert!(unpacked(&packed, Bounds { bytes: 4 << 20, ..BOUNDS }).await.is_ok());
    }
    // Behind the last entry.
    let said = refused(&gzip(&[good(), zeros].concat())).await;
    assert!(said.contains("more than is expected"), "{said}");
    let entry = |number: u128| (layout::of_data(Uuid::from_u128(number)), EntryType::Regular);
    let names: Vec<_> = (0..11).map(entry).collect();
    let many: Vec<_> = names.iter().map(|(name, kind)| (name.as_str(), *kind, &b""[..])).collect();
    assert!(refused(&gzip(&tarred(&many))).await.contains("more than 10 entries"));
    // An entry that says that it is larger than a document may be.
    let mut large = tarred(&[("types/Note.json", EntryType::Regular, b"")]);
    let mut header = tar::Header::from_byte_slice(&large[..512]).clone();
    header.set_size(1 << 40);
    header.set_cksum();
    large[..512].copy_from_slice(header.as_bytes());
    assert!(refused(&gzip(&large)).await.contains("unpacks to 1099511627776 bytes"));
}

#[test]
fn bounds_grow_with_what_is_packed() {
    assert_eq!(Bounds::of(0).bytes, 256 << 20);
    assert_eq!(Bounds::of(1 << 30).bytes, (256 << 20) + (200 << 30));
    assert_eq!(Bounds::of(u64::MAX / 8).entries, 5_000_000);
}
