//! Making an account for oneself, where the configuration lets strangers do so.

use std::sync::Arc;
use std::time::Duration;

use realnet_core::acl::{Caller, OrgRole};
use realnet_core::model::Map;
use realnet_core::provider::EventKind;
use realnet_core::resource::{Body, Context, Reply, Route, WriteOptions, default};
use realnet_core::{Error, ErrorKind, Result, Violation};
use serde_json::{Value, json};

use crate::accounts::Accounts;
use crate::address::checked;
use crate::directory::Directory;
use crate::kind::username_of;
use crate::limits::Limited;
use crate::policy;
use crate::sessions::from;

/// How many accounts are made from one network, in which time.
const BY_NETWORK: (u32, Duration) = (20, Duration::from_hours(1));
/// What strangers say about themselves. All else is for administrators: org and role come from the configuration.
const OWN: [&str; 6] = ["username", "password", "email", "display_name", "locale", "time_zone"];

/// Who may make an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUp {
    /// Name or id of the org that new accounts are in.
    pub org: String,
    /// The role that they get: visitor or user.
    pub role: OrgRole,
}

impl SignUp {
    pub(crate) fn check(&self) -> Result<()> {
        if self.role <= OrgRole::User {
            return Ok(());
        }
        Err(Error::malformed("who signs up becomes visitor or user"))
    }
}

impl Accounts {
    /// Whether a creation is somebody signing up.
    pub(crate) fn signs_up(&self, cx: &Context, route: &Route<'_>) -> Option<&SignUp> {
        let is_stranger = cx.caller().account.is_none() && cx.caller().role.is_none();
        let of_accounts = route.info.is_some_and(|info| &**info.name() == "Account" && info.org().is_none());
        self.config.sign_up.as_ref().filter(|_| is_stranger && of_accounts)
    }

    /// Makes an account. An address becomes its own when it is proved, so that nobody learns here whether it is taken.
    pub(crate) async fn sign_up(
        &self,
        sign_up: &SignUp,
        cx: &Context,
        route: &Route<'_>,
        (body, options): (Value, WriteOptions),
    ) -> Result<Reply> {
        if options.idempotency.is_some() {
            return Err(Error::malformed_at("Idempotency-Key", "is not understood here: a name serves once"));
        }
        let org = Directory::new(&self.services).org(&sign_up.org).await?.ok_or_else(|| {
            tracing::warn!(org = %sign_up.org, "the org to sign up in does not exist");
            Error::new(ErrorKind::Unavailable, "signing up is not possible at present")
        })?;
        let origin = from(cx);
        let limited = Limited { what: "sign-up", org, account: None, origin: &origin };
        self.limit_network(&limited, BY_NETWORK.0, BY_NETWORK.1).await?;
        let mut given = own_words(body)?;
        let email = match given.remove("email") {
            None | Some(Value::Null) => None,
            Some(email) => Some(checked(cx.registry(), email)?),
        };
        let names = [given.get("username").and_then(Value::as_str), email.as_deref()];
        if let Some(password) = given.get("password").and_then(Value::as_str) {
            policy::check(password, &names.into_iter().flatten().collect::<Vec<_>>())?;
        }
        given.insert("role".to_owned(), sign_up.role.as_str().into());
        given.insert("org".to_owned(), org.to_string().into());
        let mut system =
            Context::new(&self.services, Arc::new(Caller::system(org)), Arc::clone(&cx.request_id));
        system.access.registry = Arc::clone(&cx.access.registry);
        system.origin.clone_from(&cx.origin);
        let made = default::create(&system, route, Value::Object(given), WriteOptions::default()).await?;
        let Reply::Created { mut items, single, replayed } = made else {
            return Err(Error::internal("a creation created nothing"));
        };
        if let Some(account) = items.value.first().cloned() {
            // What is shown is what the new account sees of itself.
            items.caller = Arc::new(Caller {
                account: Some(account.id),
                username: Arc::from(username_of(&account)),
                role: Some(sign_up.role),
                ..Caller::anonymous(org)
            });
            self.tell(EventKind::SignUp, org, Some(account.id), &origin, json!({})).await;
            if let Some(email) = email {
                // Kept before the answer, so that the mail can be asked for again if this one is lost.
                let token = self.begin_proof(&account, &email).await?;
                self.send_proof(account, email, token, origin);
            }
        }
        Ok(Reply::Created { items, single, replayed })
    }
}

/// What a stranger may say, flat.
fn own_words(body: Value) -> Result<Map> {
    let Body { properties, attributes, .. } = Body::parse(body)?;
    let mut violations = Vec::new();
    for key in properties.keys().chain(attributes.keys()).filter(|key| !OWN.contains(&key.as_str())) {
        violations.push(Violation::new(format!("/{key}"), "is not chosen by who signs up"));
    }
    if !attributes.contains_key("password") {
        violations.push(Violation::new("/password", "is required"));
    }
    if violations.is_empty() { Ok(attributes) } else { Err(Error::invalid(violations)) }
}
