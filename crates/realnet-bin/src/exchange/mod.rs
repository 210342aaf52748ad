//! What a user takes along: types, items and contents as documents, out of a server and into one, by the REST API and with the
//! rights of whoever asks. `realnet export` and `realnet import` say what; here is how.
//!
//! An export is a folder, or an archive of one (tar in gzip or zstd). In it stand `types/NAME.EXT`, `items/TYPE/ID.EXT`,
//! `data/ID` (the bytes of files), and `realnet-export.json`, which says what it is and that it is whole. Documents are JSON,
//! YAML or XML in the form of the document stores. Nothing else has a place there: see [`layout`].

mod archive;
mod bounds;
mod catalog;
mod circles;
mod compare;
mod contents;
mod document;
mod export;
mod exported;
mod folder;
mod head;
mod ids;
mod import;
mod journal;
mod layout;
mod lookup;
mod order;
mod report;
mod rules;
mod scan;
mod target;
mod types;
mod unfinished;

pub use contents::replace as replace_content;
pub use export::Export;
pub use head::Asked;
pub use import::{Import, Options};
pub use layout::Form;

use std::path::Path;

use crate::cli::Failure;

/// What went wrong with a file.
fn at(path: &Path, problem: impl std::fmt::Display) -> Failure {
    format!("{}: {problem}", path.display()).into()
}

/// `1 item`, `2 items`.
fn counted(count: u64, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}
