//! Secrets at rest: keys, sealed values, and where in the path of a write values are sealed.
//!
//! A value is sealed under one of the operator's keys before a store sees it, and opened only by code that asks for it by
//! name. [`SealedItems`] is a step before every commit of items, so that no write can forget it; [`Secrets`] is what the rest
//! of the system opens and compares with. Nothing here keeps, reads or sends anything by itself.

mod fields;
mod items;
mod key;
mod keyring;
mod lost;
mod place;
mod rotation;
mod sealed;
mod secrets;
mod settings;

pub use items::SealedItems;
pub use keyring::Keyring;
pub use lost::{GivenUp, Lost, give_up, lost};
pub use place::Place;
pub use rotation::{Rotated, Uses, rotate, seal_present, uses};
pub use sealed::Sealed;
pub use secrets::Secrets;
pub use settings::{
    is_lost_setting, keys_in, known_keys, note, renew_lost_proof, renew_lost_setting, reseal_setting, retire,
    sealed_setting, unlock, verify,
};

pub(crate) use sealed::is_stored_form;
