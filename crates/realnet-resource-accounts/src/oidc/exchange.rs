//! From a code to an identity: the exchange at the provider, and all that an ID token has to fulfil.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use openidconnect::core::{
    CoreClient, CoreClientAuthMethod, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJwsSigningAlgorithm,
    CoreTokenResponse, CoreTokenType, CoreUserInfoClaims,
};
use openidconnect::{
    AccessTokenHash, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, Nonce,
    OAuth2TokenResponse as _, PkceCodeVerifier, RedirectUrl, TokenResponse as _, UserInfoError,
};
use realnet_core::{Error, Result};
use serde_json::Value;

use super::bridge::{Away, Bridge};
use super::login::Login;
use super::metadata::Known;
use super::not_proved;
use super::provider::Provider;
use crate::accounts::Accounts;

/// Signatures that others can check without being able to make them. `none` and those by a shared secret are not among them.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];
/// By so many seconds the clock of a provider may be ahead.
const SKEW: i64 = 60;
/// The longest subject, in bytes (OpenID Connect Core, section 2).
const MAX_SUBJECT: usize = 255;

/// Who somebody is at a provider, proved.
pub(super) struct Identity {
    pub(super) issuer: String,
    pub(super) subject: String,
    /// The address, when the provider has verified it; in lower case.
    pub(super) email: Option<String>,
    /// What the provider calls them.
    pub(super) username: Option<String>,
    pub(super) name: Option<String>,
}

impl Accounts {
    /// Exchanges a code and checks what comes for it.
    pub(super) async fn identity(&self, provider: &Provider, login: &Login, code: &str) -> Result<Identity> {
        let known = self.known(&login.issuer).await?;
        let secret = provider.secret(&self.services.secrets)?.map(ClientSecret::new);
        let bridge = Bridge { web: self.web()?, private: self.config.private_providers };
        let callback = RedirectUrl::new(login.callback.clone())
            .map_err(|error| Error::internal("the callback is no address").with_source(error))?;
        let client = CoreClient::from_provider_metadata(
            known.metadata.clone(),
            ClientId::new(login.client_id.clone()),
            secret,
        )
        .set_redirect_uri(callback)
        .set_auth_type(auth_type(&known));
        let request = client.exchange_code(AuthorizationCode::new(code.to_owned()));
        let request =
            request.map_err(|error| Error::internal("there is no token endpoint").with_source(error))?;
        let answer = request
            .set_pkce_verifier(PkceCodeVerifier::new(login.verifier.clone()))
            .request_async(&bridge)
            .await;
        let answer = answer.map_err(|error| refused_code(&error))?;
        if *answer.token_type() != CoreTokenType::Bearer {
            return Err(not_proved("the access token is no bearer token"));
        }
        let claims = self.claims(&known, login, &answer).await?;
        let subject = claims.subject().clone();
        if subject.is_empty() || subject.len() > MAX_SUBJECT || subject.chars().any(char::is_control) {
            return Err(not_proved("the subject is empty or too long"));
        }
        let mut identity = read(&login.issuer, &claims);
        if identity.email.is_none() && client.user_info_url().is_some() {
            let request = client.user_info(answer.access_token().clone(), Some(subject));
            let request =
                request.map_err(|error| Error::internal("there is no user info").with_source(error))?;
            let more: std::result::Result<CoreUserInfoClaims, _> = request.request_async(&bridge).await;
            let more = more.map_err(refused_info)?;
            identity.add(&more);
        }
        Ok(identity)
    }

    /// The claims of the ID token, checked with the keys that are known, and once more with those of now.
    async fn claims(
        &self,
        known: &Known,
        login: &Login,
        answer: &CoreTokenResponse,
    ) -> Result<CoreIdTokenClaims> {
        match self.check_token(known, login, answer) {
            Err(Fault::Signature(error)) => match self.with_new_keys(&login.issuer, known).await? {
                Some(renewed) => self.check_token(&renewed, login, answer).map_err(Fault::into_error),
                None => Err(error),
            },
            Ok(claims) => Ok(claims),
            Err(Fault::Other(error)) => Err(error),
        }
    }

    fn check_token(
        &self,
        known: &Known,
        login: &Login,
        answer: &CoreTokenResponse,
    ) -> std::result::Result<CoreIdTokenClaims, Fault> {
        let token = answer.id_token().ok_or(Fault::Other(not_proved("there is no ID token")))?;
        let verifier = self.verifier(known, login);
        let claims = token.claims(&verifier, &Nonce::new(login.nonce.clone())).map_err(Fault::of)?;
        if begins_later(&token.to_string(), self.latest()) {
            return Err(Fault::Other(not_proved("the ID token does not count yet")));
        }
        // Who else the token is for could use it here, and the party that it was given to is this one (section 3.1.3.7).
        if claims.authorized_party().is_some_and(|party| **party != login.client_id) {
            return Err(Fault::Other(not_proved("the ID token was given to another party")));
        }
        if let Some(expected) = claims.access_token_hash() {
            let key = token
                .signing_key(&verifier)
                .map_err(|error| Fault::Other(not_proved("no key").with_source(error)))?;
            let algorithm = token
                .signing_alg()
                .map_err(|error| Fault::Other(not_proved("not signed").with_source(error)))?;
            let actual =
                AccessTokenHash::from_token(answer.access_token(), algorithm, key).map_err(|error| {
                    Fault::Other(not_proved("no hash of the access token").with_source(error))
                })?;
            if actual != *expected {
                return Err(Fault::Other(not_proved("the access token is of another ID token")));
            }
        }
        Ok(claims.clone())
    }

    /// The last moment that is not in the future, in microseconds.
    fn latest(&self) -> i64 {
        self.services.clock.now().as_micros().saturating_add(SKEW * 1_000_000)
    }

    /// What an ID token of this sign-in has to fulfil.
    fn verifier(&self, known: &Known, login: &Login) -> CoreIdTokenVerifier<'static> {
        let now = self.services.clock.now().as_micros();
        let time = move || DateTime::<Utc>::from_timestamp_micros(now).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let latest = self.latest();
        let issued = move |at: DateTime<Utc>| {
            if at.timestamp_micros() <= latest { Ok(()) } else { Err("issued in the future".to_owned()) }
        };
        let metadata = &known.metadata;
        let client = ClientId::new(login.client_id.clone());
        CoreIdTokenVerifier::new_public_client(client, metadata.issuer().clone(), metadata.jwks().clone())
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(time)
            .set_issue_time_verifier_fn(issued)
    }
}

/// Whether a token that was checked says itself that it counts only later than `latest`, in microseconds (`nbf`, RFC 7519, section
/// 4.1.5), which the library does not look at. What is no time is none to count from.
fn begins_later(token: &str, latest: i64) -> bool {
    #[derive(serde::Deserialize)]
    struct Claims {
        nbf: Option<Value>,
    }
    let payload = token.split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    let Some(claims) = payload.and_then(|payload| serde_json::from_slice::<Claims>(&payload).ok()) else {
        return true;
    };
    let Some(nbf) = claims.nbf else { return false };
    let begins = nbf.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok());
    begins.is_none_or(|begins| begins > Duration::from_micros(latest.max(0).unsigned_abs()))
}

/// What is wrong with an ID token.
enum Fault {
    /// Its signature, as far as the keys are known.
    Signature(Error),
    /// Anything else.
    Other(Error),
}

impl Fault {
    fn of(error: ClaimsVerificationError) -> Self {
        let is_signature = matches!(error, ClaimsVerificationError::SignatureVerification(_));
        let error = not_proved("the ID token is not good").with_source(error);
        if is_signature { Self::Signature(error) } else { Self::Other(error) }
    }

    fn into_error(self) -> Error {
        match self {
            Self::Signature(error) | Self::Other(error) => error,
        }
    }
}

impl Identity {
    /// Adds what the provider tells elsewhere about the same subject.
    fn add(&mut self, more: &CoreUserInfoClaims) {
        self.email = verified(more.email().map(|email| email.as_str()), more.email_verified());
        let username = more.preferred_username().map(|name| name.to_string());
        self.username = self.username.take().or(username);
        let name = more.name().and_then(|names| names.get(None)).map(|name| name.to_string());
        self.name = self.name.take().or(name);
    }
}

fn read(issuer: &str, claims: &CoreIdTokenClaims) -> Identity {
    Identity {
        issuer: issuer.to_owned(),
        subject: claims.subject().to_string(),
        email: verified(claims.email().map(|email| email.as_str()), claims.email_verified()),
        username: claims.preferred_username().map(|name| name.to_string()),
        name: claims.name().and_then(|names| names.get(None)).map(|name| name.to_string()),
    }
}

/// An address counts when the provider says that it has verified it, and not otherwise.
fn verified(email: Option<&str>, is_verified: Option<bool>) -> Option<String> {
    email.filter(|_| is_verified == Some(true)).map(str::to_ascii_lowercase)
}

/// How this server proves who it is: in the header, unless the provider takes the secret in the body only.
fn auth_type(known: &Known) -> AuthType {
    let methods = known.metadata.token_endpoint_auth_methods_supported();
    let takes = |method| methods.is_some_and(|methods| methods.contains(&method));
    let by_body =
        takes(CoreClientAuthMethod::ClientSecretPost) && !takes(CoreClientAuthMethod::ClientSecretBasic);
    if by_body { AuthType::RequestBody } else { AuthType::BasicAuth }
}

/// A user info that is of no use.
fn refused_info(error: UserInfoError<Away>) -> Error {
    match error {
        UserInfoError::Request(Away(error)) => again(&error),
        error => not_proved("the user info can not be had, or is of another subject").with_source(error),
    }
}

/// The same error for who signs in: what there is to say of it is for the log.
fn again(error: &Error) -> Error {
    Error::new(error.kind(), error.message()).with_internal(error.report())
}

/// A code that is not exchanged. What the provider has sent may repeat it, so only the kind of failure is told.
fn refused_code<T: openidconnect::ErrorResponse + 'static>(
    error: &openidconnect::RequestTokenError<Away, T>,
) -> Error {
    use openidconnect::RequestTokenError::{Other, Parse, Request, ServerResponse};
    match error {
        Request(Away(error)) => again(error),
        ServerResponse(_) => not_proved("the provider refuses the code"),
        Parse(..) => not_proved("the answer for the code can not be read"),
        Other(_) => not_proved("the code is answered with something else"),
    }
}
