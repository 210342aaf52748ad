//! What is taken out of a write before it becomes an item: passwords, and orgs by name.

use realnet_core::change::Operation;
use realnet_core::provider::EventKind;
use realnet_core::resource::{Body, Change, Context, Intake};
use realnet_core::{Error, Result, Uuid, Violation};
use serde_json::{Value, json};

use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::kind::Kind;
use crate::policy;
use crate::reset::names_of;

/// Attributes whose change ends the sessions of an account.
const ENDING: [&str; 2] = ["role", "disabled"];

impl Accounts {
    /// Adapts a write of an account or org.
    pub(crate) async fn take_in(&self, cx: &Context, intake: &mut Intake<'_>) -> Result<()> {
        match Kind::of(cx.registry(), intake.info.id()) {
            Kind::Account => {}
            Kind::Org => return self.furnish(cx, intake),
            Kind::Role | Kind::Other => return Ok(()),
        }
        if let Change::Create(body) = &mut intake.change {
            name_to_id(cx, body).await?;
        }
        self.end_sessions(cx, intake).await?;
        let password = take_password(intake)?;
        let Some(password) = password else { return Ok(()) };
        let is_new = matches!(intake.change, Change::Create(_));
        if intake.bulk {
            return Err(refused("set passwords one by one"));
        }
        if !is_new && cx.caller().account != Some(intake.id) && !cx.caller().is_admin() {
            return Err(Error::forbidden("only administrators set the password of another account"));
        }
        self.check_password(cx, intake, &password).await?;
        let password_hash = self.passwords.hash(&password).await?;
        intake.then.push(Operation::SetPassword { account: intake.id, password_hash });
        Ok(())
    }

    /// Checks a password against the policy, which looks at the names of the account as they are and as they will be.
    async fn check_password(&self, cx: &Context, intake: &Intake<'_>, password: &str) -> Result<()> {
        let given = match &intake.change {
            Change::Create(body) | Change::Replace(body) | Change::Merge(body) => Some(body),
            Change::Json(_) => None,
        };
        let given = |key: &str| given.and_then(|body| body.attributes.get(key)?.as_str());
        let mut names: Vec<&str> = ["username", "email"].into_iter().filter_map(given).collect();
        let directory = Directory::at(&cx.services, std::sync::Arc::clone(&cx.access.registry));
        let stored = match &intake.change {
            Change::Create(_) => None,
            _ => directory.item(intake.id).await?,
        };
        // Nothing is to be learned of accounts that the caller can not change anyway.
        let caller = cx.caller();
        let stored = stored.filter(|account| account.org == caller.org || caller.is_superuser());
        names.extend(stored.as_ref().map(names_of).unwrap_or_default());
        policy::check(password, &names)?;
        if let Some(account) = &stored {
            let detail = json!({"by": cx.caller().account});
            cx.note(EventKind::PasswordChanged, account.org, Some(account.id), detail);
        }
        Ok(())
    }

    /// A new org gets its first items in the change set that creates it.
    fn furnish(&self, cx: &Context, intake: &mut Intake<'_>) -> Result<()> {
        let Some(template) = self.org_template.get() else { return Ok(()) };
        if matches!(intake.change, Change::Create(_)) {
            let registry = &cx.access.registry;
            intake.then.extend(template.operations(registry, intake.id, &*cx.services.ids)?);
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

/// Takes the password out of a document. A JSON Patch has no place for one.
fn take_password(intake: &mut Intake<'_>) -> Result<Option<String>> {
    let Some(body) = intake.change.body_mut() else {
        return match &intake.change {
            Change::Json(operations) if mentions(operations, &["password"]) => {
                Err(refused("a password is set by PUT or by a merge patch"))
            }
            _ => Ok(None),
        };
    };
    match body.attributes.remove("password") {
        None => Ok(None),
        Some(Value::String(password)) => Ok(Some(password)),
        Some(_) => Err(refused("expected text")),
    }
}

fn refused(detail: &str) -> Error {
    Error::invalid(vec![Violation::new("/password", detail)])
}

/// Whether a JSON Patch touches one of these attributes, or all of them at once.
fn mentions(operations: &Value, keys: &[&str]) -> bool {
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
