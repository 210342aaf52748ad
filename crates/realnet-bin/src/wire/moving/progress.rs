//! Bars that say how far something has come, on a terminal; nothing elsewhere.

use std::fmt::Write;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use realnet_core::transfer::Progress;

/// A bar on stderr.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar for so many records.
    pub fn new(what: &'static str, total: u64) -> Self {
        let bar = ProgressBar::new(total);
        let template = "{msg:>10} [{bar:40}] {human_pos} of {human_len}, {rate}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> ").with_key("rate", rate));
        }
        bar.set_message(what);
        Self(bar)
    }

    /// One step more.
    pub fn step(&self) {
        self.0.inc(1);
    }

    /// What takes the steps of a move.
    pub fn steps(&self) -> impl FnMut(Progress) + Send {
        let bar = self.0.clone();
        move |progress| match progress {
            Progress::Written(records) | Progress::Compared(records) => bar.inc(records),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// How many steps in a second, in whole ones.
fn rate(state: &ProgressState, out: &mut dyn Write) {
    // Where it can not be written, nobody looks.
    let _ = write!(out, "{:.0}/s", state.per_sec());
}
