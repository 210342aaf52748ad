#![doc = include_str!("../README.md")]

mod answer;
mod client;
mod error;
mod files;
mod list;
mod renewal;
mod sending;
mod sign_in;

pub use client::Client;
pub use error::{Error, Problem, Secret, Violation};
pub use files::{Download, UploadProgress};
pub use list::{ListPage, ListQuery};
pub use renewal::Lease;
pub use sign_in::Login;
