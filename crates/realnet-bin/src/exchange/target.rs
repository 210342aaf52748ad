//! Where an export goes: a folder, or an archive that gets its name when it is whole.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use realnet_core::Uuid;

use super::head::Head;
use super::layout::{self, HEAD};
use super::{at, folder};
use crate::cli::{Failure, digest};
use crate::wire::moving::archive::{Destination, Entries, LEVEL, Working};

/// The file that says that an export into a folder is under way.
const LOCK: &str = ".realnet-export.lock";
/// Copied at a time.
const BLOCK: usize = 256 * 1024;

/// Endings of archives, most of which are not written here.
const OTHERS: [&str; 11] =
    [".tar", ".zip", ".gz", ".zst", ".bz2", ".xz", ".7z", ".rar", ".tbz2", ".txz", ".lz4"];

/// A folder or an archive in the making.
pub enum Target {
    /// Documents as files.
    Folder {
        /// The folder.
        root: PathBuf,
        /// What has been written or found right.
        seen: HashSet<String>,
        /// How many files were written, but for the head.
        written: u64,
        /// Keeps others from writing to it.
        _working: Working,
    },
    /// Documents as entries.
    Archive {
        /// The file to be.
        destination: Destination,
        /// What is written to it.
        entries: Entries<Packer>,
        /// Where contents wait.
        scratch: tempfile::TempDir,
    },
}

/// Refuses a name by which another kind of archive is meant: it would become a folder.
pub fn check(path: &Path) -> Result<(), Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let is_meant = OTHERS.iter().any(|ending| name.ends_with(ending));
    if is_meant && Packing::of(path).is_none() && !path.is_dir() {
        return Err(at(path, "archives are .tar.gz or .tar.zst, and any other name is that of a folder"));
    }
    Ok(())
}

impl Target {
    /// A new export; or, with `update`, the one that is in a folder already, whose head is answered.
    pub fn open(path: &Path, update: bool) -> Result<(Self, Option<Head>), Failure> {
        let Some(pack) = Packing::of(path).filter(|_| !path.is_dir()) else {
            return Self::folder(path, update);
        };
        if update {
            return Err(at(path, "an archive is written anew: name another file, without --update"));
        }
        let (destination, out) = Destination::new(path).map_err(|error| at(path, error))?;
        let scratch = tempfile::tempdir()?;
        let entries = Entries::new(pack.packer(out)?);
        Ok((Self::Archive { destination, entries, scratch }, None))
    }

    fn folder(path: &Path, update: bool) -> Result<(Self, Option<Head>), Failure> {
        make_folder(path).map_err(|error| at(path, error))?;
        for name in ["types", "items", "data"] {
            refuse_link(&path.join(name)).map_err(|error| at(path, error))?;
        }
        let working = Working::new(path.join(LOCK)).map_err(|error| at(path, error))?;
        let mut names = fs::read_dir(path).map_err(|error| at(path, error))?.map_while(Result::ok);
        let is_empty = names.all(|entry| folder::is_passed_over("", &entry.file_name()));
        let before = if is_empty { None } else { folder::head(path)? };
        match (is_empty, &before, update) {
            (true, ..) | (false, Some(_), true) => {}
            (false, Some(_), false) => {
                return Err(at(path, "holds an export already: --update brings it up to date"));
            }
            (false, None, _) => {
                return Err(at(path, "is not empty, and holds no export: name another folder"));
            }
        }
        Ok((
            Self::Folder { root: path.to_owned(), seen: HashSet::new(), written: 0, _working: working },
            before,
        ))
    }

    /// Says that the export is under way.
    pub fn begin(&mut self, head: &Head) -> Result<(), Failure> {
        match self {
            Self::Folder { .. } => self.document(HEAD, &head.text()?),
            Self::Archive { .. } => Ok(()),
        }
    }

    /// Writes a document.
    pub fn document(&mut self, name: &str, text: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Folder { root, seen, written, .. } => {
                seen.insert(name.to_owned());
                let path = root.join(name);
                if let Some((folder, _)) = name.rsplit_once('/') {
                    refuse_link(&root.join(folder)).map_err(|error| at(root, error))?;
                }
                if folder::bytes(&path, text.len() as u64).is_ok_and(|present| present == text) {
                    return Ok(());
                }
                *written += u64::from(name != HEAD);
                replace(&path, text).map_err(|error| at(&path, error))
            }
            Self::Archive { entries, .. } => Ok(entries.whole(name, text)?),
        }
    }

    /// Whether a content is there already. If not, where its bytes are to be put together.
    pub fn place_of(&mut self, id: Uuid, checksum: &str) -> Result<Option<PathBuf>, Failure> {
        let name = layout::of_data(id);
        let part = format!(".{id}.{}.part", checksum.get(..16).unwrap_or(checksum));
        match self {
            Self::Folder { root, seen, .. } => {
                let path = root.join(&name);
                seen.insert(name);
                if is_file(&path) && digest(&path)? == checksum {
                    return Ok(None);
                }
                fs::create_dir_all(root.join("data"))?;
                let part = root.join("data").join(part);
                // A pipe would be read for ever.
                if fs::symlink_metadata(&part).is_ok() && !is_file(&part) {
                    return Err(at(&part, "is no file: remove it"));
                }
                Ok(Some(part))
            }
            Self::Archive { scratch, .. } => Ok(Some(scratch.path().join(part))),
        }
    }

    /// Takes a content whose bytes have been put together.
    pub async fn content(&mut self, id: Uuid, part: &Path) -> Result<(), Failure> {
        let name = layout::of_data(id);
        match self {
            Self::Folder { root, written, .. } => {
                *written += 1;
                #[cfg(unix)]
                fs::set_permissions(part, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
                Ok(fs::rename(part, root.join(name))?)
            }
            Self::Archive { entries, .. } => {
                let mut file = File::open(part)?;
                entries.begin_entry(&name, file.metadata()?.len())?;
                let mut block = vec![0; BLOCK];
                loop {
                    let count = file.read(&mut block)?;
                    if count == 0 {
                        break;
                    }
                    entries.data(&block[..count])?;
                    // So that an interruption is heard.
                    tokio::task::yield_now().await;
                }
                entries.end_entry()?;
                Ok(fs::remove_file(part)?)
            }
        }
    }

    /// A content that can not be had: what is there of it, or of an earlier one, is none.
    pub fn give_up(&mut self, id: Uuid, part: &Path) -> Result<(), Failure> {
        if let Self::Folder { seen, .. } = self {
            seen.remove(&layout::of_data(id));
        }
        match fs::remove_file(part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(part, error)),
            _ => Ok(()),
        }
    }

    /// Removes what a folder held before and is not in the export any more; answers how many files were written, and how many removed.
    pub fn sweep(&self) -> Result<(u64, u64), Failure> {
        match self {
            Self::Folder { root, seen, written, .. } => Ok((*written, folder::remove_others(root, seen)?)),
            Self::Archive { .. } => Ok((0, 0)),
        }
    }

    /// Says that the export is whole.
    pub fn finish(mut self, head: &Head) -> Result<(), Failure> {
        self.document(HEAD, &head.text()?)?;
        match self {
            Self::Folder { .. } => Ok(()),
            Self::Archive { destination, entries, .. } => Ok(destination.keep(entries.end()?.finish()?)?),
        }
    }
}

/// Writes a file beside and renames it, so that there is the old or the new one; for its owner alone, and through no link.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.part"));
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&beside)?.write_all(text)?;
    fs::rename(&beside, path)
}

/// Makes a folder, for its owner alone, unless it is there.
fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Whether there is a file, and neither a link nor a pipe.
fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|there| there.is_file())
}

/// A link would lead out of the export: whoever has made the folder may have put one there.
fn refuse_link(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|there| there.is_symlink()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        return Err(io::Error::other(format!("{name:?} is a link, which is not written through: remove it")));
    }
    Ok(())
}

/// How an archive is packed, by the ending of its name.
enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_lowercase();
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        match () {
            () if ends(&[".tar.gz", ".tgz"]) => Some(Self::Gzip),
            () if ends(&[".tar.zst", ".tzst"]) => Some(Self::Zstd),
            () => None,
        }
    }

    fn packer(self, out: BufWriter<File>) -> io::Result<Packer> {
        Ok(match self {
            Self::Gzip => Packer::Gzip(GzEncoder::new(out, Compression::default())),
            Self::Zstd => {
                let mut out = zstd::Encoder::new(out, LEVEL)?;
                out.include_checksum(true)?;
                Packer::Zstd(out)
            }
        })
    }
}

/// What packs an archive.
pub enum Packer {
    /// gzip.
    Gzip(GzEncoder<BufWriter<File>>),
    /// zstd.
    Zstd(zstd::Encoder<'static, BufWriter<File>>),
}

impl Packer {
    fn finish(self) -> io::Result<BufWriter<File>> {
        match self {
            Self::Gzip(out) => out.finish(),
            Self::Zstd(out) => out.finish(),
        }
    }
}

impl Write for Packer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(out) => out.write(bytes),
            Self::Zstd(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Gzip(out) => out.flush(),
            Self::Zstd(out) => out.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each would remove what the other has just written.
    #[test]
    fn two_do_not_export_into_one_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all");
        let (first, _) = Target::open(&path, false).unwrap();
        for update in [false, true] {
            let said = Target::open(&path, update).map(drop).unwrap_err().to_string();
            assert!(said.contains("by another process"), "{said}");
        }
        drop(first);
        drop(Target::open(&path, false).unwrap());
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0, "nothing is left");
        // As a killed one leaves it.
        fs::write(path.join(LOCK), "").unwrap();
        drop(Target::open(&path, true).unwrap());
    }

    #[test]
    fn names_of_other_archives_are_no_folders() {
        let folder = tempfile::tempdir().unwrap();
        for (name, is_taken) in [
            ("shop", true),
            ("shop.d", true),
            ("shop.tar.gz", true),
            ("shop.TGZ", true),
            ("shop.tar.zst", true),
            ("shop.tzst", true),
            ("shop.zip", false),
            ("shop.tar", false),
            ("shop.Tar.xz", false),
            ("shop.json.gz", false),
        ] {
            let taken = check(&folder.path().join(name));
            assert_eq!(taken.is_ok(), is_taken, "{name}: {taken:?}");
        }
        fs::create_dir(folder.path().join("old.zip")).unwrap();
        check(&folder.path().join("old.zip")).unwrap();
    }
}
