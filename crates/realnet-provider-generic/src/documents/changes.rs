//! The change log as files: one line of JSON for each change, in order, a thousand in a file. Whatever the format of the
//! documents, so that a change adds a line and touches nothing before it.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use realnet_core::change::ChangeRecord;
use realnet_core::{Error, Result, Uuid};

use super::codec::{Fault, unfinished_merge};
use super::layout::{self, first_of_segment};
use super::problem::Problem;
use super::shelf::Stamp;
use super::{parallel, wire};
use crate::files;

/// What helps where two servers have written.
const ONE_SIDE: &str =
    "keep the file as the server has written it that goes on (git checkout --ours -- changes, or --theirs)";

/// Where the log of an org ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tail {
    /// The last revision.
    pub(super) revision: i64,
    /// The length of the last file.
    pub(super) length: u64,
}

/// The logs of all orgs, as far as they count.
#[derive(Default)]
pub(super) struct Logs {
    pub(super) changes: HashMap<Uuid, Vec<ChangeRecord>>,
    pub(super) tails: HashMap<Uuid, Tail>,
    /// The files with their stamps.
    pub(super) stamps: Vec<(String, Stamp)>,
}

/// Reads all logs, each up to the first change that the journal has: from there on the journal decides.
pub(super) fn read(
    root: &Path,
    in_journal: &HashMap<Uuid, i64>,
    problems: &mut Vec<Problem>,
) -> Result<Logs> {
    let mut logs = Logs::default();
    for (name, kind) in files::names(&root.join("changes"))? {
        let Ok(org) = Uuid::parse_str(&name) else {
            tracing::warn!(file = ?format!("changes/{name}"), "is no change log, and is passed over");
            continue;
        };
        if kind.is_dir() {
            let end = in_journal.get(&org).copied().unwrap_or(i64::MAX);
            read_org(root, org, end, &mut logs, problems)?;
        }
    }
    Ok(logs)
}

fn read_org(root: &Path, org: Uuid, end: i64, logs: &mut Logs, problems: &mut Vec<Problem>) -> Result<()> {
    let mut tail = Tail::default();
    let mut first = 1;
    loop {
        let document = layout::segment(org, first);
        let path = root.join(&document);
        let Some(stamp) = Stamp::of(&path)? else { break };
        logs.stamps.push((document.clone(), stamp));
        let Some(text) = text_at(&path)? else { break };
        let wanted = usize::try_from(end.saturating_sub(first).clamp(0, layout::SEGMENT)).unwrap_or_default();
        let lines: Vec<&str> = text.split_inclusive('\n').take(wanted).collect();
        let changes = logs.changes.entry(org).or_default();
        let read = parallel::map(&lines, |line| line_of(line));
        for (index, change) in read.into_iter().enumerate() {
            let expected = first + index as i64;
            let (column, message) = match change {
                Ok(change) if change.org == org && change.revision == expected => {
                    changes.push(change);
                    continue;
                }
                Ok(_) => (1, format!("expected change {expected} of the org: {ONE_SIDE}")),
                Err(wrong) => wrong,
            };
            let fault = unfinished_merge(text.as_bytes())
                .map(|fault| Fault { message: format!("a merge that is not finished: {ONE_SIDE}"), ..fault });
            let fault = fault.unwrap_or_else(|| Fault::new(index + 1, column, message));
            problems.push(Problem { document, fault });
            return Ok(());
        }
        if !lines.is_empty() {
            let length = lines.iter().map(|line| line.len() as u64).sum();
            tail = Tail { revision: first + lines.len() as i64 - 1, length };
        }
        first += layout::SEGMENT;
        if tail.revision < first - 1 && tail.revision + 1 < end {
            break;
        }
    }
    // Changes are found by their place: without those before them they would be others.
    if tail.revision + 1 < end
        && let Some(later) = later(root, org, tail.revision + 1)?
    {
        let missing = tail.revision + 1;
        let why = format!("changes from {missing} on are missing, and there is {later}");
        problems.push(Problem::new(format!("changes/{org}"), why));
        return Ok(());
    }
    if tail.revision + 1 < end.min(i64::MAX - 1) && end != i64::MAX {
        problems.push(Problem::new(
            format!("changes/{org}"),
            format!("changes {} to {} are missing", tail.revision + 1, end - 1),
        ));
    }
    if first > 1 {
        logs.tails.insert(org, tail);
    }
    Ok(())
}

/// A file of the log with changes behind those of the file that a revision belongs to.
fn later(root: &Path, org: Uuid, revision: i64) -> Result<Option<String>> {
    let own = layout::segment(org, revision);
    let folder = format!("changes/{org}");
    let names = files::names(&root.join(&folder))?;
    let documents = names.into_iter().map(|(name, _)| format!("{folder}/{name}"));
    let is_log = |document: &str| Path::new(document).extension().is_some_and(|ending| ending == "jsonl");
    let is_later = |document: &String| *document > own && is_log(document);
    Ok(documents.filter(is_later).min())
}

/// The text of a file, as long as it is when it is opened; `None` when there is none. Links, pipes and devices are no files.
fn text_at(path: &Path) -> Result<Option<String>> {
    let Some(file) = files::open(path, false)? else { return Ok(None) };
    let failed = |error| files::failed("read", path, error);
    let length = file.metadata().map_err(failed)?.len();
    let mut text = String::new();
    file.take(length).read_to_string(&mut text).map_err(failed)?;
    Ok(Some(text))
}

fn line_of(line: &str) -> Result<ChangeRecord, (usize, String)> {
    let Some(line) = line.strip_suffix('\n') else {
        return Err((line.chars().count() + 1, "the line is cut off".to_owned()));
    };
    wire::change_of(line).map_err(|error| {
        let message = error.to_string();
        // The place stands at the end of the message, too, of the line alone.
        (error.column(), message.split(" at line ").next().unwrap_or_default().to_owned())
    })
}

/// Adds changes of an org behind its tail, durably. `whole` gives the lines of a file from a revision on: asked when
/// the file is not as it was left.
pub(super) fn append(
    root: &Path,
    org: Uuid,
    tail: Tail,
    lines: &BTreeMap<i64, String>,
    whole: impl Fn(i64, i64) -> Result<String>,
) -> Result<(Tail, Vec<(String, Stamp)>)> {
    let mut tail = tail;
    let mut stamps = Vec::new();
    let mut left: Vec<(&i64, &String)> =
        lines.iter().filter(|(revision, _)| **revision > tail.revision).collect();
    while let Some((begin, _)) = left.first() {
        let begin = **begin;
        let first = first_of_segment(begin);
        let here = left.iter().take_while(|(revision, _)| **revision < first + layout::SEGMENT).count();
        let rest = left.split_off(here);
        let text: String = left.iter().flat_map(|(_, line)| [line.as_str(), "\n"]).collect();
        let last = left.last().map_or(begin, |(revision, _)| **revision);
        let document = layout::segment(org, begin);
        let kept = if first == begin { 0 } else { tail.length };
        let length = write(&root.join(&document), kept, &text, || whole(first, begin - 1))?;
        tail = Tail { revision: last, length };
        let stamp = Stamp::of(&root.join(&document))?;
        stamps.extend(stamp.map(|stamp| (document, stamp)));
        left = rest;
    }
    Ok((tail, stamps))
}

/// Writes a text behind so many bytes of a file; answers its length.
fn write(path: &Path, kept: u64, text: &str, before: impl Fn() -> Result<String>) -> Result<u64> {
    let failed = |error| files::failed("written", path, error);
    if let Some(folder) = path.parent() {
        files::make_folder(folder.parent().unwrap_or(folder))?;
        files::make_folder(folder)?;
    }
    files::create(path)?;
    let present = Stamp::of(path)?.map_or(0, |stamp| stamp.size);
    let file = files::edit(path)?;
    let mut file = file.ok_or_else(|| Error::unavailable(format!("{} is gone", path.display())))?;
    let mut end = kept;
    if present < kept {
        // Somebody has cut it: what was there is written anew.
        let before = before()?;
        file.set_len(0).and_then(|()| file.write_all(before.as_bytes())).map_err(failed)?;
        end = before.len() as u64;
    } else if present > kept {
        file.set_len(kept).map_err(failed)?;
    }
    file.seek(SeekFrom::Start(end)).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    files::sync(&file, path)?;
    if let Some(folder) = path.parent().filter(|_| kept == 0) {
        files::sync_folder(folder)?;
        folder.parent().map_or(Ok(()), files::sync_folder)?;
    }
    Ok(end + text.len() as u64)
}

/// The lines of changes from one revision to another, of a state.
pub(super) fn text_of(changes: &[ChangeRecord], from: i64, to: i64) -> Result<String> {
    let mut text = String::new();
    for change in changes.iter().filter(|change| (from..=to).contains(&change.revision)) {
        text.push_str(&wire::change_line(change)?);
        text.push('\n');
    }
    if text.is_empty() && from <= to {
        return Err(Error::internal(format!("changes {from} to {to} are not in the state")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use realnet_core::change::ChangeKind;
    use realnet_core::clock::Timestamp;

    use super::*;

    const ORG: Uuid = Uuid::from_u128(3);

    fn lines(from: i64, to: i64) -> String {
        let line = |revision| {
            let change = ChangeRecord {
                revision,
                org: ORG,
                item_id: Uuid::from_u128(1),
                type_id: Uuid::from_u128(2),
                kind: ChangeKind::Update,
                version: revision,
                before: None,
                after: None,
                actor: None,
                at: Timestamp::from_micros(1),
                request_id: Arc::from("test"),
                origin: None,
                passed_down: None,
            };
            format!("{}\n", wire::change_line(&change).unwrap())
        };
        (from..=to).map(line).collect()
    }

    /// What is read of such files, with a journal from a revision on: how many changes, or what is wrong.
    fn read_log(files: &[(i64, i64)], journaled: Option<i64>) -> Result<usize, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join(format!("changes/{ORG}"))).unwrap();
        for (from, to) in files {
            std::fs::write(folder.path().join(layout::segment(ORG, *from)), lines(*from, *to)).unwrap();
        }
        let in_journal = journaled.map(|first| (ORG, first)).into_iter().collect();
        let mut problems = Vec::new();
        let logs = read(folder.path(), &in_journal, &mut problems).unwrap();
        match problems.as_slice() {
            [] => Ok(logs.changes.get(&ORG).map_or(0, Vec::len)),
            problems => Err(problems[0].to_string()),
        }
    }

    #[test]
    fn changes_that_are_missing_in_the_middle_are_told() {
        let (first, second) = ((1, 1000), (1001, 2000));
        assert_eq!(read_log(&[first, second, (2001, 2003)], None), Ok(2003));
        assert_eq!(read_log(&[first, (1001, 1000)], None), Ok(1000));
        for (files, from) in [
            (&[(1, 999), second][..], "from 1000 on"),
            (&[first, (2001, 2003)], "from 1001 on"),
            (&[second], "from 1 on"),
            (&[first, (1001, 1999), (2001, 2003)], "from 2000 on"),
        ] {
            let told = read_log(files, None).unwrap_err();
            assert!(told.contains(from) && told.contains("are missing, and there is"), "{told}");
        }
        // From there on the journal decides, whatever is in the files.
        assert_eq!(read_log(&[first, second, (2001, 2003)], Some(1500)), Ok(1499));
        assert_eq!(read_log(&[first, (2001, 2003)], Some(1001)), Ok(1000));
        assert!(read_log(&[first, (2001, 2003)], Some(1002)).unwrap_err().contains("from 1001 on"));
        assert!(read_log(&[first], Some(1002)).unwrap_err().contains("changes 1001 to 1001 are missing"));
    }

    #[test]
    fn what_git_has_left_of_two_sides_is_told_with_the_next_step() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join(format!("changes/{ORG}"))).unwrap();
        let (both, own) = (lines(1, 2), lines(3, 3));
        for (text, expected) in [
            (
                format!("{both}<<<<<<< HEAD\n{own}=======\n{own}>>>>>>> theirs\n"),
                ":3:1: a merge that is not finished",
            ),
            (format!("{both}{own}{own}"), ":4:1: expected change 4 of the org"),
            (format!("{both}no line\n"), ":3:2: expected"),
        ] {
            std::fs::write(folder.path().join(layout::segment(ORG, 1)), text).unwrap();
            let mut problems = Vec::new();
            read(folder.path(), &HashMap::new(), &mut problems).unwrap();
            let told = problems[0].to_string();
            assert!(told.contains(expected), "{told}");
            assert_eq!(told.contains("git checkout --ours"), !told.contains(":3:2:"), "{told}");
            assert!(!told.contains(" at line "), "{told}");
        }
    }

    /// What stands in the place of a file may lead out of the folder.
    #[cfg(unix)]
    #[test]
    fn nothing_is_read_or_written_through_links() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        std::fs::write(&victim, lines(1, 2)).unwrap();
        std::fs::create_dir_all(folder.path().join(format!("changes/{ORG}"))).unwrap();
        let path = folder.path().join(layout::segment(ORG, 1));
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        assert!(write(&path, 0, "more\n", || Ok(String::new())).is_err());
        let mut problems = Vec::new();
        assert!(read(folder.path(), &HashMap::new(), &mut problems).is_err());
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), lines(1, 2));
        std::fs::remove_file(&path).unwrap();
        write(&path, 0, &lines(1, 2), || Ok(String::new())).unwrap();
        assert!(read(folder.path(), &HashMap::new(), &mut problems).is_ok());
    }
}
