//! Accounts that are made when somebody comes from a provider for the first time.

use std::sync::Arc;

use realnet_core::acl::{Caller, OrgRole};
use realnet_core::change::Operation;
use realnet_core::model::{Item, Map};
use realnet_core::provider::{EventKind, Expected, RecordKind};
use realnet_core::resource::Context;
use realnet_core::{Error, ErrorKind, Result, Uuid};
use serde_json::json;

use super::exchange::Identity;
use super::links::key;
use super::provider::Provider;
use crate::accounts::Accounts;
use crate::address::checked;
use crate::bootstrap::item;
use crate::directory::Directory;
use crate::rules;
use crate::sessions::from;

/// How many names are tried.
const TRIES: usize = 4;
/// The longest name that is taken over, in characters: there is room for what tells it from another.
const MAX_NAME: usize = 64;
/// The longest name for others, in characters.
const MAX_DISPLAY: usize = 256;

impl Accounts {
    /// Makes an account with the role that the provider's item names. The link comes first, so that of two sign-ins at once
    /// one makes an account.
    pub(super) async fn make_account(
        &self,
        cx: &Context,
        provider: &Provider,
        identity: &Identity,
        expected: Expected,
    ) -> Result<Item> {
        let role = provider.creates.ok_or_else(|| {
            Error::forbidden(
                "you have no account here: ask an administrator for one, sign in to it and link it",
            )
        })?;
        let id = self.services.ids.next_id();
        if self.make_link(provider, identity, (id, false), expected).await? != id {
            return Err(Error::unavailable("your account is being made: try again in a moment"));
        }
        match self.add_account(cx, provider, identity, (id, role)).await {
            Ok(account) => {
                let detail = json!({"method": "oidc", "provider": provider.id, "issuer": identity.issuer});
                self.tell(EventKind::SignUp, provider.org, Some(id), &from(cx), detail).await;
                Ok(account)
            }
            Err(error) => {
                if is_certain(&error) {
                    self.drop_link(&key(provider.org, identity)).await;
                }
                Err(error)
            }
        }
    }

    /// Takes a link back whose account was not made. Where that fails, it is taken over after a while.
    async fn drop_link(&self, link: &str) {
        if let Err(error) = self.services.credentials.remove_record(RecordKind::Link, link).await {
            tracing::warn!(error = %error.report(), "a link to an account that was not made stays for a while");
        }
    }

    async fn add_account(
        &self,
        cx: &Context,
        provider: &Provider,
        identity: &Identity,
        (id, role): (Uuid, OrgRole),
    ) -> Result<Item> {
        let info =
            cx.registry().system("Account").ok_or_else(|| Error::internal("there is no type Account"))?;
        let directory = Directory::at(&self.services, Arc::clone(&cx.access.registry));
        let wanted = username(identity);
        for attempt in 0..TRIES {
            let username = if attempt == 0 {
                wanted.clone()
            } else {
                format!("{wanted}-{:06x}", rand::random::<u32>() & 0xff_ffff)
            };
            if directory.account(provider.org, &username).await?.is_some() {
                continue;
            }
            let attributes = attributes(cx, identity, &username, role)?;
            let mut account = item(info, id, provider.org, String::new(), None, attributes)?;
            // An account of an org like those that its administrators make.
            let maker = Caller { role: Some(OrgRole::Admin), ..Caller::system(provider.org) };
            rules::account::create(&maker, &mut account, Some(role))?;
            match self.commit_as_system(cx, provider.org, Operation::Create(Box::new(account.clone()))).await
            {
                Ok(()) => return Ok(account),
                // Somebody has just taken the name.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::conflict("no name is free for your account: ask an administrator for one"))
    }
}

/// Whether an error says that no account was made. Where the store went away in between it may be there: without its link nobody
/// could open it any more.
fn is_certain(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Internal)
}

/// What the new account says of itself.
fn attributes(cx: &Context, identity: &Identity, username: &str, role: OrgRole) -> Result<Map> {
    let mut attributes = Map::new();
    attributes.insert("username".to_owned(), username.into());
    attributes.insert("role".to_owned(), role.as_str().into());
    if let Some(email) = &identity.email {
        attributes.insert("email".to_owned(), checked(cx.registry(), email.as_str().into())?.into());
        attributes.insert("email_verified".to_owned(), true.into());
    }
    if let Some(name) = &identity.name {
        let shown: String = name.chars().filter(|letter| !letter.is_control()).take(MAX_DISPLAY).collect();
        attributes.insert("display_name".to_owned(), shown.into());
    }
    Ok(attributes)
}

/// A name to sign in with, made of what the provider says.
fn username(identity: &Identity) -> String {
    let local = identity.email.as_deref().and_then(|email| email.split('@').next());
    let given = identity.username.as_deref().into_iter().chain(local).chain(identity.name.as_deref());
    given.map(plain).find(|name| !name.is_empty()).unwrap_or_else(|| "user".to_owned())
}

/// The letters, digits and marks that a username has.
fn plain(text: &str) -> String {
    let letters =
        text.trim().chars().map(|letter| if letter == ' ' { '.' } else { letter.to_ascii_lowercase() });
    let kept = letters.filter(|letter| letter.is_ascii_alphanumeric() || "._-".contains(*letter));
    kept.skip_while(|letter| !letter.is_ascii_alphanumeric()).take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for (text, name) in [
            ("Ann", "ann"),
            ("Ann Example", "ann.example"),
            ("..ann", "ann"),
            ("ann@first.test", "annfirst.test"),
            ("Ünal", "nal"),
            ("李", ""),
            ("a\nb", "ab"),
            ("--", ""),
        ] {
            assert_eq!(plain(text), name, "{text}");
        }
        assert_eq!(plain(&"a".repeat(500)).len(), MAX_NAME);
    }
}
