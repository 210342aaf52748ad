//! Coming back from a provider: what the browser brings is held against what it left with.

use realnet_core::provider::EventKind;
use realnet_core::resource::{Arrival, Arrived, Context, ListRequest, SignedIn};
use realnet_core::{Error, ErrorKind, Result, Uuid};
use serde_json::json;

use super::login::{Login, STATE, callback_path};
use super::{not_proved, places};
use crate::accounts::Accounts;
use crate::calls::check_repeated;
use crate::sessions::from;
use crate::tokens::hash;

/// The longest code and issuer that are looked at, in bytes.
const MAX: usize = 4096;

/// What the provider has sent along. There may be more, which means nothing here.
#[derive(Default)]
struct Brought {
    state: Option<String>,
    code: Option<String>,
    issuer: Option<String>,
    error: Option<String>,
}

impl Accounts {
    /// Takes up the sign-in that the browser left for.
    pub(crate) async fn come_back(&self, cx: &Context, arrival: Arrival) -> Result<Arrived> {
        let brought = read(&arrival.parameters)?;
        let state = brought.state.as_deref().unwrap_or_default();
        let unknown = || {
            let words = "this sign-in was used already, has taken too long, or was begun by another browser: begin again";
            Error::malformed_at("state", words)
        };
        // From here on it can not be used again, whatever comes of it.
        let taken = self.take_up::<Login>(STATE, state).await?.ok_or_else(unknown)?;
        let (org, login) = (taken.org, taken.value);
        let binding = arrival.binding.as_deref().map(hash);
        let outcome = if binding.as_deref() == Some(&*login.binding) {
            self.finish(cx, &login, &brought, arrival.provider).await
        } else {
            Err(unknown().with_internal("another browser"))
        };
        match outcome {
            Ok(arrived) => Ok(arrived),
            Err(error) => {
                let reason = reason(&error);
                let detail = json!({"method": "oidc", "provider": login.provider, "reason": reason});
                self.tell(EventKind::SignInFailed, org, None, &from(cx), detail).await;
                tracing::info!(provider = %login.provider, error = %error.report(), "a sign-in elsewhere has failed");
                told(&login, error)
            }
        }
    }

    /// `came_to`: the provider whose own address the browser came back to.
    async fn finish(
        &self,
        cx: &Context,
        login: &Login,
        brought: &Brought,
        came_to: Option<Uuid>,
    ) -> Result<Arrived> {
        let provider = self.provider(login.provider).await?;
        if provider.issuer != login.issuer || provider.client_id != login.client_id {
            return Err(not_proved("the provider has been changed meanwhile"));
        }
        if !login.callback.ends_with(&callback_path(came_to)) {
            return Err(not_proved("the answer came to the address of another provider"));
        }
        self.check_issuer(login, brought).await?;
        if let Some(error) = &brought.error {
            return Err(refused_there(error));
        }
        let code = brought.code.as_deref().ok_or_else(|| not_proved("there is no code"))?;
        let identity = self.identity(&provider, login, code).await?;
        if !provider.admits(identity.email.as_deref()) {
            return Err(Error::forbidden("people with your address do not sign in here by this provider"));
        }
        if let Some((account, session)) = login.link {
            self.link(cx, &provider, &identity, account, session).await?;
            return Ok(Arrived { location: login.return_to.clone(), tokens: None });
        }
        let account = self.account_of(cx, &provider, &identity).await?;
        let epoch = self.epoch_of(account.id).await?;
        // Once more, behind the epoch: who takes the link away later ends what it opens.
        self.check_link(&provider, &identity, account.id).await?;
        if let Some(challenge) = &login.challenge {
            let code = self.hand_over(&provider, (&account, epoch), challenge).await?;
            return Ok(Arrived {
                location: places::with(&login.return_to, &[("code", &code)]),
                tokens: None,
            });
        }
        Ok(match self.open_elsewhere((&account, epoch), provider.id, &from(cx)).await? {
            SignedIn::Tokens(tokens) => Arrived { location: login.return_to.clone(), tokens: Some(tokens) },
            SignedIn::Challenge(challenge) => {
                let expires = challenge.expires.to_string();
                let asked = [("challenge", challenge.token.as_str()), ("expires", expires.as_str())];
                Arrived { location: places::with_fragment(&login.return_to, &asked), tokens: None }
            }
        })
    }

    /// The answer must be of the provider that was asked: else the code of one would be shown to another (RFC 9207).
    async fn check_issuer(&self, login: &Login, brought: &Brought) -> Result<()> {
        match &brought.issuer {
            Some(issuer) if *issuer == login.issuer => Ok(()),
            Some(_) => Err(not_proved("the answer is of another issuer")),
            None if self.known(&login.issuer).await?.names_itself => {
                Err(not_proved("the answer does not say its issuer"))
            }
            None => Ok(()),
        }
    }
}

/// A program that waits for the outcome is told of the failure, too; a person reads it here.
fn told(login: &Login, error: Error) -> Result<Arrived> {
    let is_ours = error.kind() != ErrorKind::Malformed;
    if login.challenge.is_some() && is_ours {
        let location = places::with(
            &login.return_to,
            &[("error", reason(&error)), ("error_description", error.message())],
        );
        return Ok(Arrived { location, tokens: None });
    }
    Err(error)
}

/// What the provider has refused, if it is a word.
fn refused_there(error: &str) -> Error {
    let is_word = error.len() <= 64 && error.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let word = if is_word { error } else { "an error" };
    Error::new(ErrorKind::Unauthenticated, format!("the provider has answered {word}: nobody is signed in"))
}

/// The kind of a failure, for programs and the audit.
fn reason(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::Unavailable | ErrorKind::Timeout => "temporarily_unavailable",
        ErrorKind::Internal => "server_error",
        _ => "access_denied",
    }
}

fn read(request: &ListRequest) -> Result<Brought> {
    check_repeated(request)?;
    let mut brought = Brought::default();
    for (name, value) in &request.parameters {
        let place = match name.as_str() {
            "state" => &mut brought.state,
            "code" => &mut brought.code,
            "iss" => &mut brought.issuer,
            "error" => &mut brought.error,
            _ => continue,
        };
        if value.len() > MAX {
            return Err(Error::malformed_at(name.clone(), "is too long"));
        }
        *place = Some(value.clone());
    }
    Ok(brought)
}
