//! The tree of contents: two levels of folders, 65,536 at most, made when they are needed and never removed.

use std::fs;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use realnet_core::provider::{Content, ContentEntry, ContentId, ContentPage};
use realnet_core::{Error, Result};

use super::name;
use crate::files;

/// How many folders there are on the lower level, and on the upper.
const LOWER: usize = 0x1_0000;
const UPPER: usize = 0x100;

/// The files of contents, and where they are.
pub(super) struct Tree {
    root: PathBuf,
    /// Which folders are known to be durable, one bit each: the lower ones, then the upper ones.
    durable: Mutex<Vec<u64>>,
    /// Held while a content gets its name, so that an id is taken once.
    publishing: Mutex<()>,
}

impl Tree {
    /// The tree below a folder that is there.
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, durable: Mutex::new(vec![0; (LOWER + UPPER) / 64]), publishing: Mutex::new(()) }
    }

    fn folder(&self, [upper, lower]: [u8; 2]) -> PathBuf {
        self.root.join(format!("{upper:02x}")).join(format!("{lower:02x}"))
    }

    /// The names of contents in a folder; none when it is not there. Neither it nor what it is in may be links.
    fn contents(&self, folders: [u8; 2]) -> Result<Vec<(Content, PathBuf)>> {
        let folder = self.folder(folders);
        let above = folder.parent().unwrap_or(&folder);
        if !(files::is_folder(above)? && files::is_folder(&folder)?) {
            return Ok(Vec::new());
        }
        let plain = files::names(&folder)?.into_iter().filter(|(_, kind)| kind.is_file());
        Ok(plain.filter_map(|(text, _)| Some((name::parse(&text)?, folder.join(text)))).collect())
    }

    /// A content and its file, if there is one.
    pub(super) fn find(&self, id: ContentId) -> Result<Option<(Content, PathBuf)>> {
        let mut contents = self.contents(name::folders(id))?.into_iter();
        Ok(contents.find(|(content, _)| content.id == id))
    }

    /// Gives a durable file its place in the tree, and makes that durable. Conflict when the id is taken.
    pub(super) fn publish(&self, staged: &Path, content: &Content) -> Result<()> {
        let folder = self.make_folder(name::folders(content.id))?;
        let path = folder.join(name::format(content));
        {
            let _publishing = self.publishing.lock();
            if self.find(content.id)?.is_some() {
                return Err(Error::conflict(format!("there is a content {} already", content.id)));
            }
            fs::rename(staged, &path).map_err(|error| files::failed("moved", staged, error))?;
        }
        files::sync_folder(&folder).inspect_err(|_| {
            // Not durable, so not stored: an upload can be finished again.
            let _ = fs::rename(&path, staged);
        })
    }

    /// The folder of a content, durably.
    fn make_folder(&self, folders: [u8; 2]) -> Result<PathBuf> {
        let folder = self.folder(folders);
        let above = folder.parent().unwrap_or(&folder);
        // One that was made before may be a link by now.
        files::is_folder(above)?;
        // Held throughout: who finds a folder that another has made, finds it durable.
        let mut durable = self.durable.lock();
        let lower = usize::from(folders[0]) << 8 | usize::from(folders[1]);
        for (bit, folder, holder) in
            [(LOWER + usize::from(folders[0]), above, &*self.root), (lower, &folder, above)]
        {
            if durable[bit / 64] & 1 << (bit % 64) == 0 {
                files::make_folder(folder)?;
                files::sync_folder(holder)?;
                durable[bit / 64] |= 1 << (bit % 64);
            }
        }
        drop(durable);
        Ok(folder)
    }

    /// The contents behind one, by their folders and ids.
    pub(super) fn list(&self, after: Option<ContentId>, limit: usize) -> Result<ContentPage> {
        let from = after.map(name::folders);
        let mut page = ContentPage::default();
        for folders in self.folders_from(from.unwrap_or_default())? {
            let folders = folders?;
            if from.is_some_and(|from| folders < from) {
                continue;
            }
            let mut contents = self.contents(folders)?;
            contents.sort_unstable_by_key(|(content, _)| content.id);
            for (Content { id, size, .. }, path) in contents {
                if from == Some(folders) && after.is_some_and(|after| id <= after) {
                    continue;
                }
                // Gone since it was listed.
                let Some(found) = files::look(&path)? else { continue };
                if page.contents.len() == limit {
                    page.next = page.contents.last().map(|last| last.id);
                    return Ok(page);
                }
                page.contents.push(ContentEntry { id, size, stored_at: files::written_at(&path, &found)? });
            }
        }
        Ok(page)
    }

    /// The folders that are there, in order, from one on.
    fn folders_from(&self, from: [u8; 2]) -> Result<impl Iterator<Item = Result<[u8; 2]>>> {
        let upper = numbers(&self.root)?.into_iter().filter(move |upper| *upper >= from[0]);
        Ok(upper.flat_map(move |upper| match numbers(&self.root.join(format!("{upper:02x}"))) {
            Ok(lower) => lower.into_iter().map(|lower| Ok([upper, lower])).collect(),
            Err(error) => vec![Err(error)],
        }))
    }

    /// The bytes of all contents, as their names say.
    pub(super) fn count(&self) -> Result<u64> {
        let mut bytes = 0_u64;
        for folders in self.folders_from([0, 0])? {
            let sizes = self.contents(folders?)?.into_iter().map(|(content, _)| content.size);
            bytes = sizes.fold(bytes, u64::saturating_add);
        }
        Ok(bytes)
    }
}

/// The numbers that name folders in a folder, in order.
fn numbers(folder: &Path) -> Result<Vec<u8>> {
    let number = |(text, kind): (String, fs::FileType)| {
        let number = u8::from_str_radix(&text, 16).ok()?;
        (kind.is_dir() && format!("{number:02x}") == text).then_some(number)
    };
    let mut numbers: Vec<u8> = files::names(folder)?.into_iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}
