//! The resource itself: what it is made of and how it starts.

use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock, Weak};

use realnet_core::acl::Caller;
use realnet_core::change::{ChangeSet, Operation};
use realnet_core::load::OrgTemplate;
use realnet_core::provider::Access;
use realnet_core::resource::{Context, Services};
use realnet_core::secret::sealed_setting;
use realnet_core::{Error, Result, Uuid};
use tokio::runtime::Handle;

use crate::cache::Fresh;
use crate::config::AccountsConfig;
use crate::directory::Directory;
use crate::gates::Gates;
use crate::keys::Holder;
use crate::mail::Mailer;
use crate::oidc::{Providers, WebClient};
use crate::passwords::Passwords;
use crate::principals::SignedIn;
use crate::tokens::Signer;

/// The setting of the store under which a generated key is kept.
pub(crate) const KEY_SETTING: &str = "accounts.jwt_key";
/// The one key of the default org's memory.
const DEFAULT_ORG: Uuid = Uuid::nil();

/// Accounts, orgs, groups and roles: the resource of module `accounts`, and the authenticator of every runner.
pub struct Accounts {
    pub(crate) services: Services,
    pub(crate) config: AccountsConfig,
    pub(crate) passwords: Passwords,
    pub(crate) signer: Signer,
    pub(crate) callers: Fresh<SignedIn>,
    pub(crate) keys: Fresh<Holder>,
    pub(crate) clients: Fresh<Arc<Caller>>,
    pub(crate) gates: Gates,
    pub(crate) mailer: Mailer,
    /// The cost of hashes that the store knows of.
    pub(crate) recorded_cost: AtomicU32,
    /// Where the background is: not where requests are answered, whose times it would show in.
    pub(crate) background: Handle,
    /// Itself, for what goes on in the background.
    pub(crate) me: Weak<Self>,
    pub(crate) org_template: OnceLock<OrgTemplate>,
    /// What is known of providers of identities.
    pub(crate) providers: Providers,
    pub(crate) web: OnceLock<Arc<dyn WebClient>>,
    default_org: Fresh<Option<Uuid>>,
}

impl Accounts {
    /// Starts with a store. Without a key in the configuration, the one in the store is used, made if need be, and kept sealed. Mail is sent
    /// by the Tokio runtime that this is called on.
    ///
    /// # Errors
    /// Settings out of range are malformed; a store that is away is unavailable.
    pub async fn new(services: &Services, config: AccountsConfig) -> Result<Arc<Self>> {
        config.check()?;
        let key = if let Some(key) = &config.jwt_key {
            key.clone()
        } else {
            let made = rand::random::<[u8; 32]>();
            sealed_setting(&*services.credentials, services.secrets.keyring(), KEY_SETTING, &made).await?
        };
        let mailer = Mailer::new(&config.mail)?;
        let background = Handle::try_current()
            .map_err(|error| Error::internal("accounts need a runtime of Tokio").with_source(error))?;
        let accounts = Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            background,
            recorded_cost: AtomicU32::new(0),
            gates: Gates::default(),
            mailer,
            services: services.clone(),
            passwords: Passwords::new(config.bcrypt_cost),
            signer: Signer::new(key),
            callers: Fresh::default(),
            keys: Fresh::default(),
            clients: Fresh::default(),
            org_template: OnceLock::new(),
            default_org: Fresh::default(),
            providers: Providers::default(),
            web: OnceLock::new(),
            config,
        });
        accounts.recall_cost().await?;
        Ok(accounts)
    }

    /// Gives every org that is created from now on the items of a template. Only the first call counts.
    pub fn give_new_orgs(&self, template: OrgTemplate) {
        // A second template would make it depend on timing what an org gets.
        let _ = self.org_template.set(template);
    }

    /// Lets people sign in at providers of identities, which are reached by `web`. Only the first call counts.
    pub fn reach_providers_by(&self, web: Arc<dyn WebClient>) {
        // A second way would make it depend on timing which one is gone.
        let _ = self.web.set(web);
    }

    /// Says in the log which orgs the settings name that do not exist: else the first request would be the one to find out.
    pub async fn check_orgs(&self) -> Result<()> {
        for (use_of, org) in missing_orgs(&self.services, &self.config).await? {
            tracing::warn!(org = %org, "the org for {} does not exist", use_of.as_str());
        }
        Ok(())
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

    /// Commits what somebody has proved their right to by other means than by who they are signed in as.
    pub(crate) async fn commit_as_system(&self, cx: &Context, org: Uuid, operation: Operation) -> Result<()> {
        let caller = Arc::new(Caller::system(org));
        let access = Access { caller, registry: Arc::clone(&cx.access.registry) };
        let changes = ChangeSet::new(vec![operation], cx.now(), Arc::clone(&cx.request_id))
            .with_origin(cx.origin.clone());
        self.services.items.commit(&access, changes).await?;
        self.forget();
        Ok(())
    }

    /// Forgets who is who: something about accounts has changed.
    pub(crate) fn forget(&self) {
        self.callers.clear();
        self.keys.clear();
        self.clients.clear();
        self.default_org.clear();
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Accounts({:?})", self.config)
    }
}

/// What a setting names an org for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrgUse {
    /// [`AccountsConfig::default_org`]: requests that name none.
    Default,
    /// [`AccountsConfig::sign_up`]: accounts that strangers make.
    SignUp,
}

impl OrgUse {
    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "requests without an org",
            Self::SignUp => "signing up",
        }
    }
}

/// The orgs that the settings name and that do not exist in a store, whose types must be loaded. Changes nothing.
pub async fn missing_orgs(services: &Services, config: &AccountsConfig) -> Result<Vec<(OrgUse, String)>> {
    let directory = Directory::new(services);
    let sign_up = config.sign_up.as_ref().map(|sign_up| (OrgUse::SignUp, &sign_up.org));
    let named = config.default_org.iter().map(|org| (OrgUse::Default, org));
    let mut missing = Vec::new();
    for (use_of, org) in named.chain(sign_up) {
        if directory.org(org).await?.is_none() {
            missing.push((use_of, org.clone()));
        }
    }
    Ok(missing)
}
