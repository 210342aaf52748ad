//! Where servers under measurement live: a temporary folder, and a process group that a small shell guards. When this
//! process ends, in whatever way (a signal, a panic, KILL), the pipe to the guard closes: it ends the group and removes
//! the folder.

use std::ffi::OsStr;
use std::io::{Result, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// `sh -c SCRIPT sh FOLDER`. A line through the pipe says that all has been tidied up already. The guard leads the
/// group, so that a server is in it from its first instruction on, and the last KILL meets whoever ignored TERM, the
/// guard included.
const SCRIPT: &str = r#"
if read -r word; then exit; fi
trap '' TERM
kill -TERM 0
for pause in 0.1 0.4 1 2; do
  sleep "$pause"
  rm -rf "$1" && break
done
kill -KILL 0
"#;

/// A folder and a process group for servers. Whoever starts one keeps the place until it has ended.
#[derive(Debug)]
pub struct Place {
    guard: Child,
    folder: TempDir,
}

impl Place {
    /// Makes the folder, under the system's temporary folder, and starts the guard.
    ///
    /// # Errors
    /// The folder can not be made, or there is no shell.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("realnet-bench-").tempdir()?;
        let guard = Command::new("sh")
            .args(["-c", SCRIPT, "sh"])
            .arg(folder.path())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { guard, folder })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A program that runs in the folder and in the group, without input.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path()).process_group(self.guard.id() as i32).stdin(Stdio::null());
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.guard.stdin.take() {
            // A guard that is gone needs no order.
            let _ = pipe.write_all(b"done\n");
        }
        let _ = self.guard.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    /// What a server's process looks like from outside: gone, or waiting for its parent to notice.
    fn has_ended(server: &mut Child) -> bool {
        server.try_wait().unwrap().is_some()
    }

    fn within_seconds(mut holds: impl FnMut() -> bool) -> bool {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(20) {
            if holds() {
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// One server ends when it is asked to, the other ignores that.
    fn servers(place: &Place) -> [Child; 2] {
        ["sleep 600", "trap '' TERM; touch ready; while :; do sleep 1; done"].map(|script| {
            place
                .command("sh")
                .args(["-c", script])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
    }

    #[test]
    fn nothing_is_left_when_the_owner_ends_by_force() {
        let mut place = Place::new().unwrap();
        let mut servers = servers(&place);
        let folder = place.path().to_owned();
        assert!(within_seconds(|| folder.join("ready").exists()));
        // What the system does with the pipes of a process that has been killed.
        drop(place.guard.stdin.take());
        assert!(within_seconds(|| servers.iter_mut().all(has_ended)));
        assert!(!folder.exists());
    }

    #[test]
    fn an_orderly_end_removes_the_folder_and_leaves_the_rest_to_its_owner() {
        let place = Place::new().unwrap();
        let mut servers = servers(&place);
        let folder = place.path().to_owned();
        drop(place);
        assert!(!folder.exists());
        assert!(!servers.iter_mut().any(has_ended));
        for mut server in servers {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }
}
