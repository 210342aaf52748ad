#![doc = include_str!("../README.md")]

mod credentials;
mod dispatch;
mod retry;
mod s3;

pub use s3::{S3Data, S3Keys, S3Options};
