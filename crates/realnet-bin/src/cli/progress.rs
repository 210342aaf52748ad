//! How far a file is, on the terminal; where nobody looks, only that one is gone on with.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// How often the line is written anew.
const OFTEN: Duration = Duration::from_millis(200);

/// A line that is written over and over.
pub struct Progress {
    name: String,
    size: u64,
    is_shown: bool,
    begun: Instant,
    /// Where it began.
    start: u64,
    shown: Option<Instant>,
}

impl Progress {
    /// Of a file of which so many bytes are there already: that is told in any case, once.
    pub fn new(name: &str, start: u64, size: u64) -> Self {
        let is_shown = std::io::stderr().is_terminal();
        let name: String =
            name.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect();
        if start > 0 && !is_shown {
            super::output::error(&format!("{name}: goes on at {} of {}", bytes(start), bytes(size)));
        }
        Self { name, size, is_shown, begun: Instant::now(), start, shown: None }
    }

    /// So many bytes are there now.
    pub fn at(&mut self, offset: u64) {
        let is_due = self.shown.is_none_or(|shown| shown.elapsed() >= OFTEN) || offset == self.size;
        if !self.is_shown || !is_due {
            return;
        }
        self.shown = Some(Instant::now());
        let share = if self.size == 0 { 100 } else { u128::from(offset) * 100 / u128::from(self.size) };
        let seconds = self.begun.elapsed().as_secs_f64().max(0.001);
        let speed = bytes(((offset.saturating_sub(self.start)) as f64 / seconds) as u64);
        let end = if offset == self.size { "\n" } else { "" };
        // Where it can not be written, nobody looks.
        let _ = write!(
            std::io::stderr(),
            "\r\x1b[K{}  {share} % of {}  {speed}/s{end}",
            self.name,
            bytes(self.size)
        );
    }
}

/// A number of bytes in words.
fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn bytes_have_units() {
        let told = [0, 1023, 1024, 5 << 30, u64::MAX].map(bytes);
        assert_eq!(told, ["0 B", "1023 B", "1.0 KiB", "5.0 GiB", "16777216.0 TiB"]);
    }
}
