//! Who this server is in a ceremony: the name and the origin of its public address. A passkey of another place does not sign in here, and
//! pages of another place get none.

use passki::Passki;
use realnet_core::{Error, Result};
use url::Host;

use crate::accounts::Accounts;

impl Accounts {
    /// This server as a party of ceremonies. The address that a request came by is not believed: it would choose the party.
    pub(super) fn party(&self) -> Result<Passki> {
        let Some(url) = &self.config.mail.public_url else {
            tracing::error!("REALNET_PUBLIC_URL is needed for passkeys: they are bound to the name in it");
            return Err(Error::unavailable(
                "this server does not know yet by which name people reach it: REALNET_PUBLIC_URL says so",
            ));
        };
        if let Some(Host::Domain(name)) = url.host() {
            return Ok(Passki::new(name, &[url.origin().ascii_serialization()], name));
        }
        tracing::error!("passkeys are bound to a name, and REALNET_PUBLIC_URL has an address");
        Err(Error::unavailable("this server has no name that passkeys could be bound to"))
    }
}
