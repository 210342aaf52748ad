//! What is taken out of a write before it becomes an item: passwords, and orgs by name.

use std::time::Duration;

use realnet_core::change::Operation;
use realnet_core::limit::Rate;
use realnet_core::model::Item;
use realnet_core::provider::EventKind;
use realnet_core::resource::{Body, Change, Context, Intake};
use realnet_core::{Error, Result, Uuid, Violation};
use serde_json::{Value, json};

use crate::accounts::Accounts;
use crate::address::{Said, is_new, said};
use crate::directory::Directory;
use crate::kind::{Kind, is_superuser, names_of, username_of};
use crate::limits::Limited;
use crate::notices::Notice;
use crate::policy;
use crate::rules;
use crate::sessions::from;

/// So often an account sets its password within [`WINDOW`]: each takes a core for as long as signing in does.
const TIMES: u32 = 10;
const WINDOW: Duration = Duration::from_mins(15);

/// Attributes whose change ends the sessions of an account.
const ENDING: [&str; 2] = ["role", "disabled"];

impl Accounts {
    /// Adapts a write of an account or org.
    pub(crate) async fn take_in(&self, cx: &Context, intake: &mut Intake<'_>) -> Result<()> {
        match Kind::of(cx.registry(), intake.info.id()) {
            Kind::Account => {}
            Kind::Org => return self.furnish(cx, intake),
            Kind::Role | Kind::Client | Kind::Provider | Kind::Other => return Ok(()),
        }
        if let Change::Create(body) = &mut intake.change {
            name_to_id(cx, body).await?;
        }
        self.end_sessions(cx, intake).await?;
        let [password, current] = take_passwords(intake)?;
        let is_creation = matches!(intake.change, Change::Create(_));
        // What a key sets would still open an account when the key has been ended.
        if (current.is_some() || password.is_some()) && cx.caller().key.is_some() {
            return Err(Error::forbidden("a key sets and changes no passwords: sign in for this"));
        }
        let address = said(&intake.change);
        if is_creation {
            return match password {
                Some(password) => self.take_password(cx, intake, None, &password).await,
                None => Ok(()),
            };
        }
        if password.is_none() && current.is_none() && address == Said::Nothing {
            return Ok(());
        }
        let directory = Directory::at(&cx.services, std::sync::Arc::clone(&cx.access.registry));
        let stored = directory.item(intake.id).await?;
        // Nothing is to be learned of accounts that the caller can not change anyway.
        let caller = cx.caller();
        let stored = stored.filter(|account| account.org == caller.org || caller.is_superuser());
        let renewed = stored.as_ref().filter(|stored| is_new(&address, stored));
        if let Some(own) = stored.as_ref().filter(|stored| caller.account == Some(stored.id))
            && (password.is_some() || renewed.is_some() || current.is_some())
        {
            self.prove_oneself(cx, own, current.as_deref()).await?;
        }
        if let Some(password) = password {
            self.take_password(cx, intake, stored.as_ref(), &password).await?;
        }
        match renewed {
            Some(stored) => self.take_address(cx, intake, address, stored).await,
            None => Ok(()),
        }
    }

    /// Sets a password along with the write, of a new account or of the one that is stored.
    async fn take_password(
        &self,
        cx: &Context,
        intake: &mut Intake<'_>,
        stored: Option<&Item>,
        password: &str,
    ) -> Result<()> {
        if intake.bulk {
            return Err(refused("set passwords one by one"));
        }
        let is_new = matches!(intake.change, Change::Create(_));
        let is_own = cx.caller().account == Some(intake.id);
        if !is_new && !is_own && !cx.caller().is_admin() {
            return Err(Error::forbidden("only administrators set the password of another account"));
        }
        check_password(intake, stored, password)?;
        if is_own {
            self.limit_own_passwords(cx, intake.id).await?;
        }
        let password_hash = self.passwords.hash_new(password).await?;
        intake.then.push(Operation::SetPassword { account: intake.id, password_hash });
        let Some(stored) = stored else { return Ok(()) };
        let detail = json!({"by": cx.caller().account});
        cx.note(EventKind::PasswordChanged, stored.org, Some(stored.id), detail);
        self.notify_when_durable(cx, stored, Notice::Password);
        let may_unlock = !is_own && (cx.caller().is_superuser() || !is_superuser(stored));
        if may_unlock {
            self.forget_failures(stored.id, stored.org, username_of(stored)).await?;
        }
        Ok(())
    }

    /// Whether an own password is set often enough for now, also by changes that come to nothing.
    async fn limit_own_passwords(&self, cx: &Context, account: Uuid) -> Result<()> {
        let Some(rate) = Rate::new(TIMES, WINDOW) else { return Ok(()) };
        let (org, origin) = (cx.caller().org, from(cx));
        let limited = Limited { what: "password", org, account: Some(account), origin: &origin };
        self.limit(&limited, &format!("account:{account}"), rate, WINDOW).await
    }

    /// A new org gets its first items in the change set that creates it.
    fn furnish(&self, cx: &Context, intake: &mut Intake<'_>) -> Result<()> {
        intake.then.extend(rules::org::one_of_a_name(cx.registry(), intake.id, &intake.change)?);
        let Some(template) = self.org_template.get() else { return Ok(()) };
        if matches!(intake.change, Change::Create(_)) {
            let (registry, services) = (&cx.access.registry, &cx.services);
            intake.then.extend(template.operations(
                registry,
                intake.id,
                &*services.ids,
                &services.secrets,
            )?);
        }
        Ok(())
    }

    /// Ends the sessions of an account whose role changes or that is disabled.
    async fn end_sessions(&self, cx: &Context, intake: &mut Intake<'_>) -> Result<()> {
        let ends = match &intake.change {
            Change::Create(_) => false,
            Change::Json(operations) => mentions(operations, &ENDING),
            Change::Replace(body) | Change::Merge(body) => changes_role(cx, intake.id, body).await?,
        };
        if ends {
            intake.then.push(Operation::EndSessions(intake.id));
        }
        Ok(())
    }
}

/// Checks a password against the policy, which looks at the names of the account as they are and as they will be.
fn check_password(intake: &Intake<'_>, stored: Option<&Item>, password: &str) -> Result<()> {
    let given = match &intake.change {
        Change::Create(body) | Change::Replace(body) | Change::Merge(body) => Some(body),
        Change::Json(_) => None,
    };
    let given = |key: &str| given.and_then(|body| body.attributes.get(key)?.as_str());
    let mut names: Vec<&str> = ["username", "email"].into_iter().filter_map(given).collect();
    names.extend(stored.map(names_of).unwrap_or_default());
    policy::check(password, &names)
}

/// Whether a document says something new about what ends sessions.
async fn changes_role(cx: &Context, id: Uuid, body: &Body) -> Result<bool> {
    let said: Vec<&str> =
        ENDING.into_iter().filter(|key| body.attributes.contains_key(*key) || body.clears).collect();
    if said.is_empty() {
        return Ok(false);
    }
    // One that can not be read can not be written either: the commit says so.
    let Some(account) = cx.services.items.get(&cx.access, id).await? else { return Ok(false) };
    Ok(said.iter().any(|key| body.attributes.get(*key) != account.attributes.get(key)))
}

/// Takes the new password and the present one out of a document. A JSON Patch has no place for them.
fn take_passwords(intake: &mut Intake<'_>) -> Result<[Option<String>; 2]> {
    let keys = ["password", "current_password"];
    let Some(body) = intake.change.body_mut() else {
        return match &intake.change {
            Change::Json(operations) if mentions(operations, &keys) => {
                Err(refused("a password is set by PUT or by a merge patch"))
            }
            _ => Ok([None, None]),
        };
    };
    let mut taken = [None, None];
    for (key, place) in keys.into_iter().zip(&mut taken) {
        *place = match body.attributes.remove(key) {
            None => None,
            Some(Value::String(password)) => Some(password),
            Some(_) => {
                return Err(Error::invalid(vec![Violation::new(format!("/{key}"), "expected text")]));
            }
        };
    }
    Ok(taken)
}

fn refused(detail: &str) -> Error {
    Error::invalid(vec![Violation::new("/password", detail)])
}

/// Whether a JSON Patch touches one of these attributes, or all of them at once.
pub(crate) fn mentions(operations: &Value, keys: &[&str]) -> bool {
    let paths = operations.as_array().into_iter().flatten().flat_map(|operation| {
        ["path", "from"].into_iter().filter_map(|key| operation.get(key).and_then(Value::as_str))
    });
    paths.into_iter().any(|path| {
        let key = path.strip_prefix("/attributes").unwrap_or(path);
        let first = key.strip_prefix('/').and_then(|key| key.split('/').next());
        first.is_none_or(|key| keys.contains(&key))
    })
}

/// An account may name its org; an item holds the id.
async fn name_to_id(cx: &Context, body: &mut Body) -> Result<()> {
    let Some(name) = body.property("org").and_then(Value::as_str) else { return Ok(()) };
    if Uuid::parse_str(name).is_ok() {
        return Ok(());
    }
    let directory = Directory::at(&cx.services, std::sync::Arc::clone(&cx.access.registry));
    let found = directory.org(name).await?;
    // Whether an org exists is told to nobody who may not create accounts there anyway.
    let org = found.filter(|org| cx.caller().is_superuser() || *org == cx.caller().org);
    let org = org.ok_or_else(|| {
        Error::invalid(vec![Violation::new("/org", "is no org in which you may create accounts")])
    })?;
    body.properties.insert("org".to_owned(), org.to_string().into());
    Ok(())
}
