//! `realnet upload FILE …`: sends files in a way that can be gone on with, and goes on with what was interrupted.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use futures::stream;
use realnet_client::{Client, UploadProgress};
use realnet_core::provider::Meter;
use structopt::StructOpt;

use super::download::digest;
use super::progress::Progress;
use super::tries::{PATIENCE, Tries, kept};
use super::{Failure, Outcome, ServerAddress, check_id, output, session};
use crate::exchange::replace_content;

/// The endpoint when none is named: the type follows from the content.
const FILES: &str = "files";
/// Read at a time.
const BLOCK: usize = 256 * 1024;

/// Sends files; each becomes an item.
#[derive(Debug, StructOpt)]
#[structopt(after_help = "\
EXAMPLES:
    realnet upload report.pdf
    realnet upload *.jpg --parent 0198a7c2-…           into a folder
    realnet upload scan.pdf --name \"Contract\" --attribute description=signed
    realnet upload report.pdf --replace 0198a7c2-…     as the content of an item that is there

The id of each item is printed. The type follows from the kind of file: images become Image, and so on. What was
interrupted is gone on with by the same command, for a day.")]
pub struct UploadCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    /// The files
    #[structopt(name = "FILE", required = true, parse(from_os_str))]
    files: Vec<PathBuf>,
    /// The folder that they go into
    #[structopt(long)]
    parent: Option<String>,
    /// The endpoint or type [default: files]
    #[structopt(long = "type")]
    resource: Option<String>,
    /// The name of the item; that of the file when absent
    #[structopt(long)]
    name: Option<String>,
    /// A property or attribute: key=value
    #[structopt(long = "attribute", number_of_values = 1)]
    attributes: Vec<String>,
    /// The item whose content is replaced, instead of making one
    #[structopt(long, name = "ID")]
    replace: Option<String>,
}

impl UploadCommand {
    /// What there is to say when it is broken off.
    pub fn when_interrupted(&self) -> &'static str {
        match (&self.replace, self.files.len()) {
            (Some(_), _) => "interrupted: the item has the content of before, or this one",
            (None, 1) => "interrupted: the same command goes on with it",
            (None, _) => {
                "interrupted: the files with an id above are done; the same command with the others goes on"
            }
        }
    }
}

/// Sends the files, one after the other.
pub async fn run(command: &UploadCommand) -> Outcome {
    if let Some(parent) = &command.parent {
        check_id(parent)?;
    }
    if command.name.is_some() && command.files.len() > 1 {
        return Err(super::Usage("--name names one file".to_owned()).into());
    }
    if let Some(id) = &command.replace {
        return replace(command, id).await;
    }
    let mut client = session::connect(&command.address).await?;
    client.wait_when_told(PATIENCE);
    for path in &command.files {
        let item = send(&client, command, path).await;
        output::line(&item.map_err(|error| named(path, error))?);
    }
    Ok(())
}

/// Puts a file in the place of the content of an item, in one piece.
async fn replace(command: &UploadCommand, id: &str) -> Outcome {
    let UploadCommand { parent, resource, name, attributes, .. } = command;
    let [path] = command.files.as_slice() else {
        return Err(super::Usage("--replace takes one file".to_owned()).into());
    };
    if parent.is_some() || resource.is_some() || name.is_some() || !attributes.is_empty() {
        let words = "--replace changes the content alone: `realnet update` changes the rest of an item";
        return Err(super::Usage(words.to_owned()).into());
    }
    check_id(id)?;
    let mut client = session::connect(&command.address).await?;
    client.wait_when_told(PATIENCE);
    replace_content(&client, id, path).await.map_err(|error| named(path, error))?;
    output::line(id);
    Ok(())
}

/// The failure with the file that it is about, unless it is one that words of its own are known for.
fn named(path: &Path, error: Failure) -> Failure {
    match error.downcast_ref::<realnet_client::Error>().and_then(realnet_client::Error::status) {
        Some(401) => error,
        _ => format!("{}: {error}", path.display()).into(),
    }
}

async fn send(client: &Client, command: &UploadCommand, path: &Path) -> Result<String, Failure> {
    if path == Path::new("-") && !path.exists() {
        return Err("what comes from another program can not be sent anew: write it into a file first".into());
    }
    let about = std::fs::metadata(path)?;
    if !about.is_file() {
        return Err("is no file".into());
    }
    let size = about.len();
    let begun = Kept::of(command, path, size, about.modified().ok())?;
    let (upload, mut at) = if let Some(known) = resume(client, &begun).await.map_err(kept)? {
        known
    } else {
        let upload = begin(client, command, path, size).await?;
        begun.keep(&upload)?;
        (upload, UploadProgress { offset: 0, length: size, item: None })
    };
    let (mut tries, mut was_refused) = (Tries::default(), false);
    while at.item.is_none() {
        match append(client, path, &upload, &at).await {
            Ok(next) => at = next,
            // With the next token, if there is one by now.
            Err(error) if !was_refused && error.status() == Some(401) => was_refused = true,
            Err(error) if is_passing(&error) => {
                let Some(pause) = tries.after(at.offset, &error) else { return Err(kept(error.into())) };
                tokio::time::sleep(pause).await;
                // Where the server is away, the next try finds out.
                match client.upload_progress(&upload).await {
                    Ok(next) => at = next,
                    Err(error) if is_passing(&error) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Err(error) => {
                if is_over(&error) {
                    begun.forget();
                }
                return Err(error.into());
            }
        }
    }
    begun.forget();
    let item = at.item.ok_or("the server made no item of it")?;
    compare(client, path, &item).await?;
    Ok(item)
}

/// Sees that what has come is the file as it is now: a file may change between the first piece and the last.
async fn compare(client: &Client, path: &Path, item: &str) -> Outcome {
    let checksum = match client.content("items", item).await {
        Ok((_, checksum)) => checksum,
        // Who may create need not be able to read.
        Err(error) if matches!(error.status(), Some(403 | 404)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if digest(path)? == checksum {
        return Ok(());
    }
    Err(format!("the file has changed while it was sent: item {item} has a mixture, send it once more")
        .into())
}

/// Whether an upload that is refused so is not gone on with: who may not now may after signing in.
fn is_over(error: &realnet_client::Error) -> bool {
    !matches!(error.status(), Some(401 | 403))
}

/// Whether another try may help.
pub fn is_passing(error: &realnet_client::Error) -> bool {
    match error {
        realnet_client::Error::Unreachable { .. } => true,
        error => matches!(error.status(), Some(408 | 409 | 429 | 500 | 502 | 503 | 504)),
    }
}

async fn begin(client: &Client, command: &UploadCommand, path: &Path, size: u64) -> Result<String, Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut said = vec![("filename", &*name), ("resource", command.resource.as_deref().unwrap_or(FILES))];
    said.extend(command.parent.as_deref().map(|parent| ("parent_id", parent)));
    said.extend(command.name.as_deref().map(|name| ("name", name)));
    for pair in &command.attributes {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| super::Usage(format!("--attribute {pair}: expected key=value")))?;
        said.push((key, value));
    }
    Ok(client.begin_upload(size, &said).await?)
}

/// An upload of the same file that was interrupted, if the server still knows it.
async fn resume(client: &Client, kept: &Kept) -> Result<Option<(String, UploadProgress)>, Failure> {
    let Some(upload) = kept.read() else { return Ok(None) };
    match client.upload_progress(&upload).await {
        Ok(at) => Ok(Some((upload, at))),
        Err(error) if error.status() == Some(404) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn append(
    client: &Client,
    path: &Path,
    upload: &str,
    at: &UploadProgress,
) -> Result<UploadProgress, realnet_client::Error> {
    let opened = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(at.offset))?;
        Ok(file)
    });
    let progress =
        Progress::new(&path.file_name().unwrap_or_default().to_string_lossy(), at.offset, at.length);
    let length = at.length;
    let begin = (opened, at.offset, progress);
    let data = stream::try_unfold(begin, move |(opened, offset, mut progress)| async move {
        let mut file = opened?;
        progress.at(offset);
        let mut block = vec![0; BLOCK.min(usize::try_from(length - offset).unwrap_or(BLOCK))];
        let count = file.read(&mut block)?;
        if count == 0 {
            let is_whole = offset == length;
            let error = std::io::Error::other("the file has become shorter");
            return if is_whole { Ok(None) } else { Err(error) };
        }
        block.truncate(count);
        Ok(Some((bytes::Bytes::from(block), (Ok(file), offset + count as u64, progress))))
    });
    client.append_upload(upload, at.offset, data).await
}

/// Where the id of an upload is kept until it is through: by server, file, and what is asked for.
struct Kept {
    path: PathBuf,
}

impl Kept {
    fn of(
        command: &UploadCommand,
        path: &Path,
        size: u64,
        modified: Option<SystemTime>,
    ) -> Result<Self, Failure> {
        let path = path.canonicalize()?;
        let UploadCommand { address, parent, resource, name, attributes, .. } = command;
        let resource = resource.as_deref().unwrap_or(FILES);
        let about =
            format!("{:?}", (address.url(), path, size, modified, parent, resource, name, attributes));
        let mut digest = Meter::new();
        digest.update(about.as_bytes());
        let name = digest.checksum().to_string();
        Ok(Self { path: session::folder()?.join("uploads").join(name) })
    }

    fn read(&self) -> Option<String> {
        let id = std::fs::read_to_string(&self.path).ok()?;
        realnet_core::Uuid::parse_str(&id).ok().map(|id| id.to_string())
    }

    fn keep(&self, upload: &str) -> Outcome {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(std::fs::write(&self.path, upload)?)
    }

    fn forget(&self) {
        // One that stays leads to an upload that the server does not know.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_kept_for_who_signs_in_again() {
        let refused = |status| {
            let problem = realnet_client::Problem { status, ..Default::default() };
            realnet_client::Error::Refused(Box::new(problem))
        };
        assert!([404, 410, 413, 422].into_iter().all(|status| is_over(&refused(status))));
        assert!(![401, 403].into_iter().any(|status| is_over(&refused(status))));
    }

    #[test]
    fn what_is_done_is_not_sent_once_more() {
        let words = |words: &[&str]| UploadCommand::from_iter(words).when_interrupted();
        assert!(words(&["upload", "a"]).contains("the same command goes on with it"));
        assert!(words(&["upload", "a", "b"]).contains("with the others"));
        assert!(!words(&["upload", "a", "--replace", "x"]).contains("goes on"));
    }
}
