//! What this resource keeps sealed besides items, where no key opens it any more.

use realnet_core::Result;
use realnet_core::resource::Services;
use realnet_core::secret::{is_lost_setting, renew_lost_setting};

use crate::accounts::KEY_SETTING;
use crate::factor;

/// What does not open with the keys that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LostSecrets {
    /// Whether it is the key that signs tokens.
    pub signing_key: bool,
    /// How many accounts have an authenticator whose codes can not be checked any more.
    pub factors: usize,
}

/// Counts what does not open.
///
/// # Errors
/// Those of the store.
pub async fn lost_secrets(services: &Services) -> Result<LostSecrets> {
    let keyring = services.secrets.keyring();
    let signing_key = is_lost_setting(&*services.credentials, keyring, KEY_SETTING).await?;
    Ok(LostSecrets { signing_key, factors: factor::lost(services).await? })
}

/// Makes the key that signs tokens anew where it does not open, so that all sessions end, and takes second factors away that do not.
/// `with_codes`: all recovery codes, too, where the store's key for digests is about to be made anew.
///
/// # Errors
/// Those of the store; it can be done again then.
pub async fn give_up_secrets(services: &Services, with_codes: bool) -> Result<()> {
    renew_lost_setting(&*services.credentials, services.secrets.keyring(), KEY_SETTING).await?;
    factor::give_up(services, with_codes).await
}
