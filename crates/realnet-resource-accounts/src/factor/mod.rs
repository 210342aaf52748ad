//! The second factor: codes of an authenticator (TOTP), with recovery codes for the day it is lost.
//!
//! Signing in, a right password alone opens no session then: it gives a challenge, which a code answers.

mod calls;
mod challenge;
mod check;
mod kept;
mod lost;
mod recovery;
mod totp;

pub(crate) use kept::{has_factor, reseal};
pub(crate) use lost::{give_up, lost};
