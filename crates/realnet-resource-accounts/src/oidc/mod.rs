//! Signing in at providers of identities (OpenID Connect): authorization code with PKCE, state and nonce.
//!
//! The way of a sign-in: `depart` sends the browser to the provider and keeps what it left with; `arrive` takes that up once,
//! `exchange` gets and checks the ID token, `who` finds, links or makes the account. Nothing of the `openidconnect` crate is
//! seen outside of this folder, and nothing here opens a connection: that is up to the [`WebClient`].

mod arrive;
mod bridge;
mod depart;
mod exchange;
mod handover;
mod join;
mod links;
mod login;
mod metadata;
mod places;
mod provider;
mod web;
mod who;

pub(crate) use metadata::Providers;
pub(crate) use provider::{has_safe_issuer, keeps_its_secret};
pub use web::{WebClient, WebRequest, WebResponse, is_public_address};

use realnet_core::{Error, ErrorKind};

/// The one sentence for all that a provider does wrong; what exactly is for the log and the audit.
pub(crate) fn not_proved(reason: &'static str) -> Error {
    let words = "the provider's answer does not prove who you are: begin the sign-in again";
    Error::new(ErrorKind::Unauthenticated, words).with_internal(reason)
}
