#![doc = include_str!("../README.md")]

mod client;
mod error;
mod files;
mod list;

pub use client::{Client, Login};
pub use error::{Error, Problem, Secret, Violation};
pub use files::{Download, UploadProgress};
pub use list::{ListPage, ListQuery};
