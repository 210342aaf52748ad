//! `realnet download ID`: fetches the content of a file, goes on after an interruption, and compares it with its checksum.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use futures::TryStreamExt as _;
use realnet_client::Client;
use realnet_core::provider::{Checksum, Meter};
use structopt::StructOpt;

use super::progress::Progress;
use super::tries::{PATIENCE, Tries, kept};
use super::{Failure, Outcome, ServerAddress, check_id, output, session};

/// The longest name of a file that is made here, in bytes: most systems know 255, and what is not whole has more in its name.
const LONGEST: usize = 200;

/// Fetches the content of a file.
#[derive(Debug, StructOpt)]
#[structopt(after_help = "\
EXAMPLES:
    realnet download 0198a7c2-…                     under its own name, here
    realnet download 0198a7c2-… -o report.pdf
    realnet download 0198a7c2-… -o - | tar x        to another program

What was interrupted is gone on with by the same command. A file that is there already is not overwritten without
--force.")]
pub struct DownloadCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    /// The item
    #[structopt(name = "ID")]
    id: String,
    /// Where to: a file, a folder, or - for stdout
    #[structopt(short = "o", long = "output", parse(from_os_str))]
    output: Option<PathBuf>,
    /// Overwrites what is there
    #[structopt(long)]
    force: bool,
}

impl DownloadCommand {
    /// What there is to say when it is broken off.
    pub fn when_interrupted(&self) -> &'static str {
        if self.output.as_deref() == Some(Path::new("-")) {
            return "interrupted";
        }
        "interrupted: the same command goes on with it"
    }
}

/// Fetches it.
pub async fn run(command: &DownloadCommand) -> Outcome {
    check_id(&command.id)?;
    let mut client = session::connect(&command.address).await?;
    client.wait_when_told(PATIENCE);
    if command.output.as_deref() == Some(Path::new("-")) {
        return to_stdout(&client, &command.id).await;
    }
    let (size, checksum) = client.content("items", &command.id).await?;
    // It becomes part of a path.
    let checksum =
        Checksum::parse(&checksum).ok_or("the server tells no checksum of the content")?.to_string();
    let target = target(&client, command).await?;
    check_folder(&target)?;
    if target.exists() && !command.force {
        return Err(format!("{} is there already: --force overwrites it", target.display()).into());
    }
    // The checksum in its name tells that it is a part of this content.
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let part = format!(".{}.{}.part", cut(&name), checksum.get(..16).unwrap_or(&checksum));
    let part = target.with_file_name(part);
    if std::fs::symlink_metadata(&part).is_ok_and(|there| !there.is_file()) {
        return Err(
            format!("{} is there already and is no file of this command: remove it", part.display()).into()
        );
    }
    fetch(&client, &command.id, &part, &name, size, &checksum).await.map_err(kept)?;
    if digest(&part)? != checksum {
        std::fs::remove_file(&part)?;
        return Err("what came is not what the server has: it is removed, try again".into());
    }
    std::fs::rename(&part, &target)?;
    output::line(&target.display().to_string());
    Ok(())
}

/// Where the file goes.
async fn target(client: &Client, command: &DownloadCommand) -> Result<PathBuf, Failure> {
    if let Some(output) = command.output.as_deref().filter(|output| !output.is_dir()) {
        return Ok(output.to_owned());
    }
    let item = client.get("items", &command.id).await?;
    let name = safe(item.get("name").and_then(|name| name.as_str()).unwrap_or_default());
    Ok(command.output.as_deref().unwrap_or(Path::new("")).join(name))
}

/// Sees that there is a folder for the file: later the system says only that something is missing.
fn check_folder(target: &Path) -> Outcome {
    match target.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        Some(folder) => Err(format!("the folder {} is not there", folder.display()).into()),
        None => Ok(()),
    }
}

/// The name of an item as the name of a file here: it leads nowhere else.
fn safe(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|letter| !letter.is_control()).collect();
    match cut(clean.trim().trim_start_matches('.')) {
        "" => "file".to_owned(),
        name => name.to_owned(),
    }
}

/// The beginning of a name that is not too long.
fn cut(name: &str) -> &str {
    let end = name.char_indices().map(|(index, letter)| index + letter.len_utf8());
    &name[..end.take_while(|end| *end <= LONGEST).last().unwrap_or_default()]
}

/// Puts a content together in a file, and goes on with what is there. Where the file can not be written, it ends at once.
pub async fn fetch(client: &Client, id: &str, part: &Path, name: &str, size: u64, checksum: &str) -> Outcome {
    let mut tries = Tries::default();
    loop {
        let opened = OpenOptions::new().create(true).append(true).open(part);
        let mut file = opened.map_err(|error| at(part, &error))?;
        let there = length(&file, part)?;
        if there == size {
            return file.sync_all().map_err(|error| at(part, &error));
        }
        if there > size {
            file.set_len(0).map_err(|error| at(part, &error))?;
            continue;
        }
        let known = Known { name, size, checksum };
        let Err(failure) = piece(client, id, (&mut file, part), there, &known).await else { continue };
        let reached = length(&file, part)?;
        let broken = failure.downcast_ref::<realnet_client::Error>().filter(|error| may_pass(error));
        let Some(pause) = broken.and_then(|error| tries.after(reached, error)) else { return Err(failure) };
        tokio::time::sleep(pause).await;
    }
}

/// Whether another try may help.
fn may_pass(error: &realnet_client::Error) -> bool {
    error.status().is_none_or(|status| status >= 500 || status == 429)
}

/// A failure of this machine, with the file that it is about.
fn at(path: &Path, error: &std::io::Error) -> Failure {
    format!("{}: {error}", path.display()).into()
}

fn length(file: &File, path: &Path) -> Result<u64, Failure> {
    Ok(file.metadata().map_err(|error| at(path, &error))?.len())
}

/// What is known of a content before it comes.
struct Known<'a> {
    name: &'a str,
    size: u64,
    checksum: &'a str,
}

/// Appends what is missing, as far as it comes, and never more than there is to be.
async fn piece(
    client: &Client,
    id: &str,
    (file, path): (&mut File, &Path),
    there: u64,
    known: &Known<'_>,
) -> Outcome {
    let mut download = client.download("items", id, Some((there, known.checksum))).await?;
    if download.checksum != known.checksum {
        return Err("the file has been replaced meanwhile: try again".into());
    }
    if download.size != known.size {
        return Err("the server gives another length than it has told".into());
    }
    if download.start != there {
        file.set_len(0).map_err(|error| at(path, &error))?;
    }
    let mut offset = download.start;
    let mut progress = Progress::new(known.name, offset, known.size);
    while let Some(bytes) = download.data.try_next().await? {
        if bytes.len() as u64 > known.size - offset {
            return Err("the server sends more than it announced".into());
        }
        file.write_all(&bytes).map_err(|error| at(path, &error))?;
        offset += bytes.len() as u64;
        progress.at(offset);
    }
    if offset < known.size {
        let less = "a content ended before all of it was there".to_owned();
        return Err(realnet_client::Error::BadAnswer(less).into());
    }
    Ok(())
}

/// The SHA-256 of a file, in hexadecimal.
pub fn digest(path: &Path) -> Result<String, Failure> {
    let mut file = File::open(path)?;
    let mut digest = Meter::new();
    let mut block = vec![0; 256 * 1024];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(digest.checksum().to_string()),
            count => digest.update(&block[..count]),
        }
    }
}

async fn to_stdout(client: &Client, id: &str) -> Outcome {
    let mut download = client.download("items", id, None).await?;
    let mut digest = Meter::new();
    let mut stdout = std::io::stdout().lock();
    while let Some(bytes) = download.data.try_next().await? {
        digest.update(&bytes);
        stdout.write_all(&bytes)?;
    }
    stdout.flush()?;
    if digest.checksum().to_string() == download.checksum {
        Ok(())
    } else {
        Err("what came is not what the server has".into())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn names_lead_nowhere() {
        for (name, expected) in [
            ("a.txt", "a.txt"),
            ("../../.ssh/authorized_keys", "authorized_keys"),
            ("C:\\x\\a b", "a b"),
            ("..", "file"),
            (".bashrc", "bashrc"),
            ("a\u{1b}[2J", "a[2J"),
            ("", "file"),
        ] {
            assert_eq!(safe(name), expected, "{name:?}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("none").join("x");
        let refused = check_folder(&missing).unwrap_err().to_string();
        assert!(refused.contains(folder.path().join("none").to_str().unwrap()), "{refused}");
        check_folder(&folder.path().join("x")).unwrap();
        check_folder(Path::new("x")).unwrap();
    }

    /// A server that answers each request with the same bytes; and how often it was asked.
    fn serving(answer: String) -> (Client, Arc<AtomicUsize>) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = Client::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let asked = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]);
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        (client, asked)
    }

    #[tokio::test]
    async fn what_no_further_try_mends_ends_at_once() {
        let checksum = "0".repeat(64);
        let head = format!("HTTP/1.1 200 OK\r\nETag: \"{checksum}\"\r\nConnection: close\r\n");
        let content = format!("{head}Content-Length: 600\r\n\r\n{}", "x".repeat(600));
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("part");
        let (client, asked) = serving(content);
        let refused = fetch(&client, "id", &part, "name", 100, &checksum).await.unwrap_err();
        assert!(refused.to_string().contains("another length"), "{refused}");
        assert_eq!((asked.load(Ordering::SeqCst), std::fs::metadata(&part).unwrap().len()), (1, 0));
        let refused = fetch(&client, "id", folder.path(), "name", 600, &checksum).await.unwrap_err();
        assert!(refused.to_string().starts_with(folder.path().to_str().unwrap()), "{refused}");
        fetch(&client, "id", &part, "name", 600, &checksum).await.unwrap();
        assert_eq!(std::fs::metadata(&part).unwrap().len(), 600);
    }

    /// A disk without room, as far as a test has one.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_full_disk_is_said_at_once_with_the_file() {
        let checksum = "0".repeat(64);
        let head = format!("HTTP/1.1 200 OK\r\nETag: \"{checksum}\"\r\nConnection: close\r\n");
        let (client, asked) = serving(format!("{head}Content-Length: 3\r\n\r\nabc"));
        let full = Path::new("/dev/full");
        let refused = fetch(&client, "id", full, "name", 3, &checksum).await.unwrap_err();
        assert!(refused.to_string().starts_with("/dev/full: "), "{refused}");
        assert_eq!(asked.load(Ordering::SeqCst), 1, "it is not tried again");
    }

    #[test]
    fn names_are_no_longer_than_names_may_be() {
        for letter in ["a", "я", "中", "🔑"] {
            let name = safe(&letter.repeat(300));
            assert_eq!(name, letter.repeat(200 / letter.len()));
            assert_eq!(cut(&format!("{name}x")), if name.len() < 200 { format!("{name}x") } else { name });
        }
        assert_eq!(cut("short"), "short");
    }
}
