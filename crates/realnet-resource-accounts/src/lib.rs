#![doc = include_str!("../README.md")]

mod accounts;
mod authenticate;
mod bootstrap;
mod cache;
mod config;
mod directory;
mod intake;
mod kind;
mod passwords;
mod principals;
mod resource;
mod rules;
mod sign_in;
mod tokens;

pub use accounts::Accounts;
pub use bootstrap::{Bootstrap, Bootstrapped, bootstrap};
pub use config::AccountsConfig;
