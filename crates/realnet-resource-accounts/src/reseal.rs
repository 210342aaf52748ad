//! What this resource keeps sealed besides items, sealed anew when the operator's keys change.

use realnet_core::Result;
use realnet_core::resource::Services;
use realnet_core::secret::reseal_setting;

use crate::accounts::KEY_SETTING;
use crate::factor;

/// Seals the key that signs tokens, and the secrets of second factors, under the primary key. What is so already stays as it is.
pub async fn reseal(services: &Services) -> Result<()> {
    reseal_setting(&*services.credentials, services.secrets.keyring(), KEY_SETTING).await?;
    factor::reseal(services).await
}
