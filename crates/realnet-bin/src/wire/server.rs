//! From configuration to a serving process, and back to rest.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use realnet_core::Violation;
use realnet_core::load::{Document, parse_json};
use realnet_core::provider::MARK_SETTING;
use realnet_core::resource::Services;
use realnet_core::secret::{Rotated, Uses};
use realnet_resource_accounts::{Accounts, Bootstrap, OrgUse, bootstrap, is_first_start, missing_orgs};
use realnet_resource_types::Initializer;
use realnet_runner_http::{HttpConfig, HttpListener, HttpServer};

use super::first_start::{FirstStart, Initialized, PasswordReset, make_password};
use super::store::{Lack, Store};
use super::web::Web;
use super::{builtin, indexes, resources, secrets, storage};
use crate::cli::{Failure, Outcome, for_operators};
use crate::config::{Config, ServerSection};

/// How long a server that stops waits for mails that are under way.
const MAILS_END: Duration = Duration::from_secs(10);

/// Of a store that is not whole.
pub(super) const UNFINISHED: &str = "the store was begun to be filled by `realnet copy` or `realnet restore`, and is not whole yet: run that \
     again with --resume, or begin anew with an empty store";

/// Binds the configured address. Done before a store is made or changed, so that a port in use leaves nothing half done.
pub fn listen(config: &Config) -> Result<HttpListener, Failure> {
    let listener = HttpListener::bind(&http_config(config, ""));
    listener.map_err(|error| format!("{error} (--host and --port choose another address)").into())
}

/// An open store with its types in place, ready to be initialized and served.
pub struct Server {
    config: Config,
    store: Store,
    services: Services,
    initializer: Initializer,
    /// What the store lacks, in whose place another one stands for a check.
    pending: Option<Lack>,
}

impl Server {
    /// Reads the initialization files, opens the store, and brings its system types up to date. With `check` nothing
    /// is changed: a store that is not there yet is not made, and one of an earlier version not migrated.
    pub async fn open(config: Config, check: bool) -> Result<Self, Failure> {
        let documents = documents(&config.server)?;
        let (store, pending) = if check {
            Store::look(&config.database).await?
        } else {
            (Store::open(&config.database).await?, None)
        };
        if store.target().setting(MARK_SETTING).await?.is_some() {
            return Err(UNFINISHED.into());
        }
        let services = secrets::unlock(&store, &config, check).await?;
        let mut initializer = Initializer::new(services.clone(), documents);
        if check {
            initializer = initializer.rehearsing();
            initializer.check().await?;
        } else {
            initializer.types().await?;
        }
        Ok(Self { config, store, services, initializer, pending })
    }

    /// Sees that a start with these settings would go well, as far as that can be told without one; what a check that found
    /// nothing wrong says.
    pub async fn check(&self, first: FirstStart) -> Result<String, Failure> {
        // Whatever else is wrong is told first.
        let store = Box::pin(self.check_store(first)).await?;
        self.check_storage().await?;
        Ok(match storage::check(&self.config.storage.place).await? {
            Some(storage) => format!("{store}; {storage}"),
            None => store,
        })
    }

    /// Sees that the storage is no other database's, as far as that can be told without opening it.
    pub async fn check_storage(&self) -> Outcome {
        storage::check_owner(&self.services, &self.config.storage).await
    }

    async fn check_store(&self, first: FirstStart) -> Result<String, Failure> {
        if let Some(pending) = &self.pending {
            // Another store stands in for it, which goes when this ends.
            self.initializer.types().await?;
            let store = if pending.is_all() {
                self.initialize(first).await?;
                format!("the store is not there yet: the first start makes it ({pending})")
            } else {
                format!(
                    "the store is of an earlier version: the next start {pending}; what it holds was not tried"
                )
            };
            return Ok(format!("settings and initialization files are in order; {store}"));
        }
        if is_first_start(&self.services).await? {
            self.bootstrap_of(first).0.check().map_err(|error| named(&error))?;
        } else {
            self.check_orgs().await?;
        }
        Ok("settings, initialization files and store are in order".to_owned())
    }

    /// Sees that the orgs exist that the settings name.
    async fn check_orgs(&self) -> Outcome {
        let missing = missing_orgs(&self.services, &self.config.accounts.config()).await?;
        let named = |(use_of, org): &(OrgUse, String)| {
            let setting = match use_of {
                OrgUse::Default => "REALNET_DEFAULT_ORG",
                OrgUse::SignUp => "REALNET_SIGN_UP",
            };
            format!("{setting}: there is no org '{org}' in the store")
        };
        let problems: Vec<String> = missing.iter().map(named).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems.join("\n  ").into()) }
    }

    /// What the first start makes, and the password if it had to be made.
    fn bootstrap_of(&self, first: FirstStart) -> (Bootstrap, Option<String>) {
        let made = first.password.is_none().then(make_password);
        let password = first.password.or_else(|| made.clone()).unwrap_or_default();
        let FirstStart { org, username, email, .. } = first;
        let bcrypt_cost = self.config.accounts.bcrypt_cost;
        (Bootstrap { org, username, password, email, bcrypt_cost }, made)
    }

    /// Creates the first org and administrator if there is no account, and the items of the initialization files.
    pub async fn initialize(&self, first: FirstStart) -> Result<Initialized, Failure> {
        let (org, username) = (first.org.clone(), first.username.clone());
        let (wanted, made) = self.bootstrap_of(first);
        let created = bootstrap(&self.services, wanted).await.map_err(|error| named(&error))?;
        self.initializer.orgs().await?;
        Ok(match created {
            None => Initialized::Present,
            Some(_) => Initialized::Created { org, username, password: made },
        })
    }

    /// Serves on a bound address until SIGTERM or Ctrl-C, finishes what is in flight, and closes the store. `ready` is
    /// told the URL once everything is in place.
    pub async fn serve(self, listener: HttpListener, ready: impl FnOnce(&str)) -> Outcome {
        let Self { config, store, services, initializer, pending: _ } = self;
        let storage = Arc::new(storage::attach(services, &config.storage).await?);
        let services = storage.services.clone();
        let accounts = Accounts::new(&services, config.accounts.config()).await?;
        accounts.give_new_orgs(initializer.template());
        accounts.reach_providers_by(Arc::new(Web::new(config.accounts.private_providers)?));
        accounts.check_orgs().await?;
        let dispatcher = Arc::new(resources::dispatcher(&services, &accounts));
        let http = http_config(&config, store.name());
        let server = HttpServer::on(listener, http, dispatcher, Arc::<Accounts>::clone(&accounts))?;
        let stopped = stop_signal()?;
        let watcher = tokio::spawn(follow_types(services.clone()));
        let follower = tokio::spawn(store.follow(&services));
        let keeping = Arc::clone(&storage);
        let sweeper = tokio::spawn(async move { keeping.run().await });
        let keys = tokio::spawn(secrets::stay_noted(services.clone()));
        let builder = tokio::spawn(indexes::build(services));
        if let Some(address) = server.addresses().first() {
            let scheme = if server.is_tls() { "https" } else { "http" };
            ready(&format!("{scheme}://{address}"));
        }
        server.run(stopped).await?;
        watcher.abort();
        follower.abort();
        keys.abort();
        builder.abort();
        sweeper.abort();
        // What it was in the middle of has ended when its task has.
        let _ = sweeper.await;
        if let Some(storage) = Arc::into_inner(storage) {
            storage.release().await;
        }
        accounts.finish_mails(MAILS_END).await;
        store.close().await?;
        tracing::info!("stopped");
        Ok(())
    }

    /// Gives an account a new password, made here when none is given; answers the one that was made.
    pub async fn set_password(&self, reset: PasswordReset) -> Result<Option<String>, Failure> {
        let given = reset.password.is_some();
        let password = reset.password.unwrap_or_else(make_password);
        let accounts = Accounts::new(&self.services, self.config.accounts.config()).await?;
        let PasswordReset { org, username, drop_factor, .. } = reset;
        let done = accounts.set_lost_password(org.as_deref(), &username, &password, drop_factor).await;
        done.map_err(|error| named(&error))?;
        Ok((!given).then_some(password))
    }

    /// Makes the storage that of the database, whosever it was; what there is to say of it.
    pub async fn claim_storage(&self) -> Result<String, Failure> {
        storage::take_over(self.services.clone(), &self.config.storage).await
    }

    /// Puts a new key before those of the key file, and seals under it.
    pub async fn renew_secret_key(&mut self) -> Outcome {
        self.services = secrets::renew(&self.store, &self.services, &self.config).await?;
        Ok(())
    }

    /// Seals everything under the primary key.
    pub async fn rotate_secrets(&self, progress: impl FnMut(&Rotated) + Send) -> Result<Rotated, Failure> {
        secrets::rotate(&self.services, progress).await
    }

    /// Counts what is sealed under which key.
    pub async fn secret_uses(&self) -> Result<Uses, Failure> {
        secrets::uses(&self.services).await
    }

    /// The id of the key that seals.
    pub fn secret_key(&self) -> Option<&str> {
        self.services.secrets.keyring().primary()
    }

    /// Closes the store without serving.
    pub async fn close(self) -> Outcome {
        self.store.close().await
    }
}

/// A value that is not valid, by the setting that it came from.
fn named(error: &realnet_core::Error) -> Failure {
    match error.violations() {
        [] => for_operators(error).into(),
        violations => {
            let named = |violation: &Violation| {
                // What the account calls an attribute is one word of a setting.
                let flag = violation.pointer.rsplit('/').next().unwrap_or_default();
                format!("REALNET_{} (--{flag}): {}", flag.to_uppercase(), violation.detail)
            };
            violations.iter().map(named).collect::<Vec<_>>().join("\n  ").into()
        }
    }
}

/// The built-in files and those of the configured folder, parsed; an error names file, line and column.
fn documents(section: &ServerSection) -> Result<Vec<Document>, Failure> {
    let mut files = builtin::files();
    if let Some(path) = &section.init_path {
        files.extend(builtin::folder(path)?);
    }
    let mut documents = Vec::with_capacity(files.len());
    for (name, text) in &files {
        documents.push(parse_json(name, text)?);
    }
    Ok(documents)
}

fn http_config(config: &Config, store: &str) -> HttpConfig {
    let (section, web) = (&config.server, &config.web);
    HttpConfig {
        host: section.host.clone(),
        port: section.port,
        max_body: section.max_body,
        request_timeout: section.request_timeout,
        shutdown_timeout: section.shutdown_timeout,
        body_memory: web.body_memory,
        memory: web.memory,
        trusted_proxies: web.trusted_proxies.clone(),
        cors: web.cors.clone(),
        rate_limits: web.rate_limits,
        tls: web.tls.clone(),
        hsts: web.hsts,
        session_life: config.accounts.session_ttl,
        store: store.to_owned(),
        ..HttpConfig::default()
    }
}

/// Resolves at the first SIGTERM or Ctrl-C.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: finishing what is in flight");
    })
}

/// Resolves at the first Ctrl-C.
#[cfg(not(unix))]
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    Ok(async move {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// Keeps the registry in step with the store, whichever replica changes types.
async fn follow_types(services: Services) {
    let mut changes = services.types.type_changes();
    while let Some(revision) = changes.next().await {
        while services.registry.current().revision() < revision {
            match services.reload_types().await {
                Ok(()) => tracing::debug!(revision, "types reloaded"),
                Err(error) => {
                    tracing::warn!(error = %error.report(), "types can not be reloaded, trying again");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}
