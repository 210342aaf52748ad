//! The resource itself: what it is made of and how it starts.

use std::sync::{Arc, OnceLock, Weak};

use realnet_core::load::OrgTemplate;
use realnet_core::resource::Services;
use realnet_core::{Result, Uuid};

use crate::attempts::Gates;
use crate::cache::Fresh;
use crate::config::AccountsConfig;
use crate::directory::Directory;
use crate::mail::Mailer;
use crate::passwords::Passwords;
use crate::principals::SignedIn;
use crate::tokens::Signer;

/// The setting of the store under which a generated key is kept.
const KEY_SETTING: &str = "accounts.jwt_key";
/// The one key of the default org's memory.
const DEFAULT_ORG: Uuid = Uuid::nil();

/// Accounts, orgs, groups and roles: the resource of module `accounts`, and the authenticator of every runner.
pub struct Accounts {
    pub(crate) services: Services,
    pub(crate) config: AccountsConfig,
    pub(crate) passwords: Passwords,
    pub(crate) signer: Signer,
    pub(crate) callers: Fresh<SignedIn>,
    pub(crate) gates: Gates,
    pub(crate) mailer: Mailer,
    /// Itself, for what goes on in the background.
    pub(crate) me: Weak<Self>,
    pub(crate) org_template: OnceLock<OrgTemplate>,
    default_org: Fresh<Option<Uuid>>,
}

impl Accounts {
    /// Starts with a store. Without a key in the configuration, the one in the store is used, made if need be.
    ///
    /// # Errors
    /// Settings out of range are malformed; a store that is away is unavailable.
    pub async fn new(services: &Services, config: AccountsConfig) -> Result<Arc<Self>> {
        config.check()?;
        let key = if let Some(key) = &config.jwt_key {
            key.clone()
        } else {
            let made = rand::random::<[u8; 32]>().to_vec();
            services.credentials.setting_or_insert(KEY_SETTING, made).await?
        };
        let mailer = Mailer::new(&config.mail)?;
        Ok(Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            gates: Gates::default(),
            mailer,
            services: services.clone(),
            passwords: Passwords::new(config.bcrypt_cost),
            signer: Signer::new(key),
            callers: Fresh::default(),
            org_template: OnceLock::new(),
            default_org: Fresh::default(),
            config,
        }))
    }

    /// Gives every org that is created from now on the items of a template. Only the first call counts.
    pub fn give_new_orgs(&self, template: OrgTemplate) {
        // A second template would make it depend on timing what an org gets.
        let _ = self.org_template.set(template);
    }

    /// The org that a request means that names none; `None` while there is no org.
    pub async fn default_org(&self) -> Result<Option<Uuid>> {
        let now = || self.services.clock.now();
        let load = async {
            let directory = Directory::new(&self.services);
            match &self.config.default_org {
                Some(name) => {
                    let found = directory.org(name).await?;
                    if found.is_none() {
                        tracing::warn!(org = %name, "the default org does not exist");
                    }
                    Ok(found)
                }
                None => directory.first_org().await,
            }
        };
        self.default_org.get(DEFAULT_ORG, now, load).await
    }

    /// Forgets who is who: something about accounts has changed.
    pub(crate) fn forget(&self) {
        self.callers.clear();
        self.default_org.clear();
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Accounts({:?})", self.config)
    }
}
