//! The bytes of files on the way in: those that the server has already stay.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::Path;

use bytes::Bytes;
use futures::stream;
use realnet_client::Client;
use realnet_core::provider::{Checksum, Meter};

use super::folder;
use crate::cli::{Failure, Tries, is_passing};

/// Read at a time.
const BLOCK: usize = 256 * 1024;

/// What has become of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It was sent.
    Sent,
    /// The item has it.
    Same,
    /// The item has another one, which stays.
    Other,
}

/// A content to be sent.
pub struct Content<'a> {
    /// The item on the server.
    pub id: &'a str,
    /// Its bytes.
    pub path: &'a Path,
    /// The checksum that the document says, if it says any.
    pub said: Option<&'a str>,
    /// The media type that the document says.
    pub media_type: Option<&'a str>,
    /// The checksum of the content that the item has of its own, if it has one: one that a template lends it is none.
    pub present: Option<&'a str>,
    /// Whether it comes in the place of another one.
    pub replaces: bool,
    /// Whether it comes where there is none: somebody may have taken it away.
    pub fills: bool,
}

/// Sends a content, unless the item has it.
pub async fn put(client: &Client, content: &Content<'_>) -> Result<Put, Failure> {
    let mut file = opened(content.path)?;
    let checksum = sum(&mut file)?;
    if content.said.is_some_and(|said| said != checksum) {
        return Err("has other bytes than its document says: where they were changed on purpose, take 'checksum' and 'size' out of that".into());
    }
    let may_send = if content.present.is_some() { content.replaces } else { content.fills };
    if content.present.is_some_and(|present| present == checksum) {
        // What the storage has lost can be had from the export.
        if !is_lost(client, content.id).await {
            return Ok(Put::Same);
        }
    } else if !may_send {
        return Ok(Put::Other);
    }
    let (mut tries, mut was_refused) = (Tries::default(), false);
    loop {
        let Err(failure) = send(client, content, &file, &checksum).await else { return Ok(Put::Sent) };
        let error = failure.downcast_ref::<realnet_client::Error>();
        // With the next token, if there is one by now.
        if !was_refused && error.and_then(realnet_client::Error::status) == Some(401) {
            was_refused = true;
            continue;
        }
        // A content is sent as a whole: it never comes further.
        match error.filter(|error| is_passing(error)).and_then(|error| tries.after(0, error)) {
            Some(wait) => tokio::time::sleep(wait).await,
            None => return Err(failure),
        }
    }
}

/// What would become of a content, as far as that can be told without reading it.
pub fn rehearse(content: &Content<'_>) -> Put {
    match (content.present, content.said) {
        (Some(present), Some(said)) if present != said && content.replaces => Put::Sent,
        (Some(present), Some(said)) if present != said => Put::Other,
        (None, _) if content.fills => Put::Sent,
        (None, _) => Put::Other,
        _ => Put::Same,
    }
}

/// Sends a file as the content of an item, in the place of what it has, or has lost.
pub async fn replace(client: &Client, id: &str, path: &Path) -> Result<(), Failure> {
    // Who names a link means what it names.
    let path = &path.canonicalize()?;
    let content =
        Content { id, path, said: None, media_type: None, present: None, replaces: true, fills: true };
    put(client, &content).await.map(drop)
}

/// The file of a content, and not what a link names that has come in its place.
fn opened(path: &Path) -> Result<File, Failure> {
    let file = folder::open(path)?;
    let is_linked = |folder: &Path| std::fs::symlink_metadata(folder).is_ok_and(|there| there.is_symlink());
    if path.parent().is_some_and(is_linked) {
        return Err("its folder has been replaced by a link meanwhile".into());
    }
    Ok(file)
}

fn sum(file: &mut File) -> std::io::Result<String> {
    let (mut sum, mut block) = (Meter::new(), vec![0; BLOCK]);
    loop {
        match file.read(&mut block)? {
            0 => return Ok(sum.checksum().to_string()),
            count => sum.update(&block[..count]),
        }
    }
}

/// Whether the storage has lost the content that an item names.
async fn is_lost(client: &Client, id: &str) -> bool {
    client.content("items", id).await.is_err_and(|error| error.status() == Some(404))
}

async fn send(client: &Client, content: &Content<'_>, file: &File, checksum: &str) -> Result<(), Failure> {
    let mut file = file.try_clone()?;
    file.rewind()?;
    let size = file.metadata()?.len();
    let checksum = Checksum::parse(checksum).ok_or("a checksum has another form")?;
    let data = stream::try_unfold(file, |mut file| async move {
        let mut block = vec![0; BLOCK];
        let count = file.read(&mut block)?;
        block.truncate(count);
        Ok::<_, std::io::Error>((count > 0).then(|| (Bytes::from(block), file)))
    });
    client.put_content(("items", content.id), (size, checksum.as_bytes()), content.media_type, data).await?;
    Ok(())
}
