#![doc = include_str!("../README.md")]

mod accounts;
mod attempts;
mod audit;
mod authenticate;
mod bootstrap;
mod cache;
mod calls;
mod config;
mod directory;
mod events;
mod intake;
mod kind;
mod mail;
mod one_time;
mod passwords;
mod policy;
mod principals;
mod refresh;
mod reset;
mod resource;
mod rules;
mod sessions;
mod sign_in;
mod sign_up;
mod tokens;
mod verify;

pub use accounts::Accounts;
pub use bootstrap::{Bootstrap, Bootstrapped, bootstrap};
pub use config::AccountsConfig;
pub use mail::MailConfig;
pub use sign_up::SignUp;
