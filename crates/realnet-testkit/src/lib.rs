#![doc = include_str!("../README.md")]

pub mod authenticator;
pub mod codec;
pub mod conformance;
pub mod data;
pub mod engines;
pub mod passkey;
pub mod transfer;
