//! The process that stands between us and the server: a small shell that holds the other end of a
//! pipe. It passes a signal on when a line comes through, and when the pipe closes without one (we
//! were killed, or simply exited) it stops the server and removes its folder. So a server never
//! outlives its owner, whatever ended the owner.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::error::EngineError;

/// `sh -c SCRIPT sh FOLDER SIGNAL COMMAND…`; the signal is for when nobody gives one any more. The watcher ignores TERM once it has its order, because the
/// server may be gone before the watcher has told (status 9) that nobody else will tidy up.
const SCRIPT: &str = r#"
folder=$1; last=$2; shift 2
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
(
  read -r signal <&3 || signal=
  trap '' TERM
  kill -"${signal:-$last}" "$server"
  kill -CONT "$server"
  [ -n "$signal" ] || exit 9
) 2>/dev/null &
watcher=$!
wait "$server"
kill "$watcher" 2>/dev/null
wait "$watcher"
[ $? -ne 9 ] || rm -rf "$folder"
"#;

/// How to end the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Sessions are ended, a checkpoint is written.
    Fast,
    /// As in a crash: nothing is written, the next start recovers from the log.
    Immediate,
    /// The system ends it.
    Killed,
}

impl Ending {
    /// The signal that does it.
    const fn signal(self) -> &'static str {
        match self {
            Self::Fast => "INT",
            Self::Immediate => "QUIT",
            Self::Killed => "KILL",
        }
    }
}

/// A server under watch.
#[derive(Debug)]
pub(super) struct Supervisor {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Supervisor {
    /// Starts `command` in `folder`, its output appended to `log`; `last` is how it ends when we do.
    ///
    /// The shell gets a process group of its own, so that a Ctrl-C at the terminal reaches only us
    /// and the server is stopped in order through the pipe.
    pub(super) fn start(
        folder: &Path,
        log: &Path,
        last: Ending,
        command: &[OsString],
    ) -> Result<Self, EngineError> {
        let failed = || EngineError::io("starting the server's supervisor");
        let output = File::options().create(true).append(true).open(log).map_err(failed())?;
        let errors = output.try_clone().map_err(failed())?;
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "sh"])
            .arg(folder)
            .arg(last.signal())
            .args(command)
            .current_dir(folder)
            .env("LC_ALL", "C.UTF-8")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(failed())?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe })
    }

    /// Whether the server has ended by itself.
    pub(super) fn has_ended(&mut self) -> Result<bool, EngineError> {
        let status = self.shell.try_wait().map_err(EngineError::io("asking for the server's state"))?;
        Ok(status.is_some())
    }

    /// Ends the server and waits until it is gone.
    pub(super) fn end(mut self, ending: Ending) -> Result<(), EngineError> {
        if let Some(mut pipe) = self.pipe.take() {
            // A broken pipe means that the server has ended already.
            let _ = writeln!(pipe, "{}", ending.signal());
            let deadline = Instant::now() + Duration::from_mins(1);
            while !self.has_ended()? {
                if Instant::now() > deadline {
                    return Err(EngineError::Failed {
                        what: "the server did not stop within 60 s".into(),
                        output: "see its log".into(),
                    });
                }
                thread::sleep(Duration::from_millis(5));
            }
        }
        Ok(())
    }
}

/// Sends `signal` to processes by id; one that is gone already is no error.
pub(super) fn signal(signal: &str, processes: &[u32]) -> Result<(), EngineError> {
    if processes.is_empty() {
        return Ok(());
    }
    Command::new("sh")
        .args(["-c", "kill -\"$0\" \"$@\" 2>/dev/null", signal])
        .args(processes.iter().map(u32::to_string))
        .stdin(Stdio::null())
        .status()
        .map(drop)
        .map_err(EngineError::io(format!("sending SIG{signal}")))
}

/// The direct children of a process, read from `/proc`.
pub(super) fn children(parent: u32) -> Result<Vec<u32>, EngineError> {
    let entries = std::fs::read_dir("/proc").map_err(EngineError::io("reading /proc"))?;
    let found = entries
        .flatten()
        .filter_map(|entry| {
            let process = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            (parent_in(&stat)? == parent).then_some(process)
        })
        .collect();
    Ok(found)
}

/// The parent's id in a line of `/proc/PID/stat`: the second field after the name in brackets,
/// which may itself hold brackets and blanks.
fn parent_in(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_is_found_behind_an_odd_name() {
        assert_eq!(parent_in("42 (postgres: a) (b) S 7 42 42 0 -1"), Some(7));
        assert_eq!(parent_in("nonsense"), None);
    }

    #[test]
    fn our_own_parent_has_us_as_a_child() {
        let own = std::process::id();
        let parent = std::os::unix::process::parent_id();
        assert!(children(parent).unwrap().contains(&own));
    }
}
