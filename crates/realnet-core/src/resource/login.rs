//! Signing in at a provider of identities, as a runner carries it: a browser leaves for the provider, and comes back.
//!
//! What binds the two together is a secret that the browser keeps for the time between: a cookie, where the protocol is HTTP.

use std::fmt;

use uuid::Uuid;

use super::{ListRequest, Tokens};

/// A browser that is about to leave.
#[derive(Debug, Clone)]
pub struct Departure {
    /// The item that describes the provider.
    pub provider: Uuid,
    /// What was asked for: where to return to, and how.
    pub parameters: ListRequest,
    /// Whether an account that is signed in is to be linked, instead of signing in.
    pub links: bool,
    /// The present password, where linking asks for it.
    pub current_password: Option<String>,
    /// A code of the second factor, where the account has one.
    pub code: Option<String>,
    /// Where browsers reach this server, as far as the request may be believed about it.
    pub base: Option<String>,
    /// Whether the provider sends the browser back to an address of its own, not to the one that all have in common.
    pub own_callback: bool,
}

/// Where it goes.
#[derive(Clone)]
pub struct Departed {
    /// The provider, with all that it has to know.
    pub location: String,
    /// What the browser keeps, and shows when it is back.
    pub binding: String,
    /// For how long, in seconds.
    pub life: u64,
}

impl fmt::Debug for Departed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Departed(for {} s, …)", self.life)
    }
}

/// A browser that is back.
#[derive(Clone)]
pub struct Arrival {
    /// What the provider has sent along.
    pub parameters: ListRequest,
    /// What the browser has kept.
    pub binding: Option<String>,
    /// The provider whose own address it came back to; none where that is the address of all.
    pub provider: Option<Uuid>,
}

impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Arrival(bound: {}, …)", self.binding.is_some())
    }
}

/// How it goes on.
#[derive(Clone)]
pub struct Arrived {
    /// Where the browser goes now: a path of this server, or a program on its own machine.
    pub location: String,
    /// The session, when the browser itself is to have it.
    pub tokens: Option<Tokens>,
}

impl fmt::Debug for Arrived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Arrived(signed in: {}, …)", self.tokens.is_some())
    }
}
