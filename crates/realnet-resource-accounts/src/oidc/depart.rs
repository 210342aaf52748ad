//! Leaving for a provider: what is asked there, and what is kept here until the browser is back.

use std::time::Duration;

use openidconnect::core::{CoreAuthenticationFlow, CoreClient};
use openidconnect::{ClientId, CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope};
use realnet_core::resource::{Context, Departed, Departure, ListRequest, Verb};
use realnet_core::{Error, Result, Uuid};

use super::login::{LIFE, Login, STATE, callback_path, random};
use super::places;
use super::provider::Provider;
use crate::accounts::Accounts;
use crate::calls::check_repeated;
use crate::directory::Directory;
use crate::keys::may_call;
use crate::limits::Limited;
use crate::sessions::{from, signed_in};
use crate::tokens::hash;

/// How many sign-ins one network begins, in which time.
const BY_NETWORK: (u32, Duration) = (60, Duration::from_mins(10));
/// The length of a challenge: 256 bits as base64url.
const CHALLENGE: usize = 43;

/// Where the browser goes in the end, and who gets the session.
struct Destination {
    return_to: String,
    challenge: Option<String>,
}

impl Accounts {
    /// Begins a sign-in, or the linking of the caller's account.
    pub(crate) async fn leave(&self, cx: &Context, departure: Departure) -> Result<Departed> {
        let destination = read(&departure.parameters)?;
        if departure.links {
            signed_in(cx.caller())?;
            may_call(cx.caller(), Verb::Post, &["links"])?;
        }
        let provider = self.provider(departure.provider).await?;
        let origin = from(cx);
        let limited =
            Limited { what: "oidc", org: provider.org, account: cx.caller().account, origin: &origin };
        self.limit_network(&limited, BY_NETWORK.0, BY_NETWORK.1).await?;
        let link = if departure.links {
            if destination.challenge.is_some() {
                return Err(Error::malformed_at("code_challenge", "linking gives no session"));
            }
            let proofs = [departure.current_password.as_deref(), departure.code.as_deref()];
            Some(self.may_link(cx, &provider, proofs).await?)
        } else {
            None
        };
        let own = departure.own_callback.then_some(provider.id);
        let callback = self.callback(departure.base.as_deref(), own)?;
        let known = self.known(&provider.issuer).await?;
        let binding = random();
        let login = Login {
            provider: provider.id,
            issuer: provider.issuer.clone(),
            client_id: provider.client_id.clone(),
            nonce: random(),
            verifier: random(),
            binding: hash(&binding),
            callback,
            return_to: destination.return_to,
            challenge: destination.challenge,
            link,
        };
        let state = random();
        self.keep(STATE, &state, Some(provider.org), &login, LIFE).await?;
        let redirect = RedirectUrl::new(login.callback)
            .map_err(|error| Error::internal("the callback is no address").with_source(error))?;
        let client =
            CoreClient::from_provider_metadata(known.metadata.clone(), ClientId::new(login.client_id), None)
                .set_redirect_uri(redirect);
        let verifier = PkceCodeVerifier::new(login.verifier);
        let nonce = login.nonce;
        let (location, ..) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .add_scopes(provider.scopes.into_iter().map(Scope::new))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        Ok(Departed { location: location.into(), binding, life: LIFE.unsigned_abs() })
    }

    /// Who links an identity shows once more who they are: it is a way in that stays.
    async fn may_link(
        &self,
        cx: &Context,
        provider: &Provider,
        proofs: [Option<&str>; 2],
    ) -> Result<(Uuid, Uuid)> {
        let account = signed_in(cx.caller())?;
        let session = cx.caller().session;
        let session =
            session.ok_or_else(|| Error::forbidden("identities are linked by who has signed in"))?;
        let own = Directory::new(&self.services).item(account).await?;
        let own = own.filter(|own| own.org == provider.org);
        let own = own.ok_or_else(|| Error::not_found(format_args!("provider {}", provider.id)))?;
        self.prove_by_all(cx, &own, proofs).await?;
        self.check_links(account).await?;
        Ok((account, session))
    }

    /// Where providers send browsers back to; `own`: the one that has an address of its own. The address that a request came by is
    /// believed on this machine only.
    fn callback(&self, base: Option<&str>, own: Option<Uuid>) -> Result<String> {
        let public = self.config.mail.public_url.as_ref().map(url::Url::as_str);
        let base = public.or(base).ok_or_else(|| {
            tracing::error!("REALNET_PUBLIC_URL is needed to sign in at providers of identities");
            Error::unavailable("this server does not know yet where providers reach it")
        })?;
        Ok(format!("{}{}", base.trim_end_matches('/'), callback_path(own)))
    }
}

/// Reads the parameters.
fn read(request: &ListRequest) -> Result<Destination> {
    check_repeated(request)?;
    let (mut return_to, mut challenge, mut redirect) = (None, None, None);
    for (name, value) in &request.parameters {
        match name.as_str() {
            "return_to" => {
                places::local(value)?;
                return_to = Some(value.clone());
            }
            "redirect_uri" => redirect = Some(String::from(places::loopback(value)?)),
            "code_challenge" => {
                let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
                if value.len() != CHALLENGE || !value.bytes().all(is_base64url) {
                    return Err(Error::malformed_at(
                        "code_challenge",
                        "expected the SHA-256 of a verifier, as base64url",
                    ));
                }
                challenge = Some(value.clone());
            }
            "code_challenge_method" if value == "S256" => {}
            "code_challenge_method" => {
                return Err(Error::malformed_at("code_challenge_method", "expected S256"));
            }
            _ => return Err(Error::malformed_at(name.clone(), "not a parameter here")),
        }
    }
    if redirect.is_some() && challenge.is_none() {
        return Err(Error::malformed_at("code_challenge", "is needed with redirect_uri"));
    }
    if redirect.is_some() && return_to.is_some() {
        return Err(Error::malformed_at("return_to", "is not given beside redirect_uri"));
    }
    let return_to = redirect.or(return_to).unwrap_or_else(|| "/".to_owned());
    Ok(Destination { return_to, challenge })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_pairs(pairs: &[(&str, &str)]) -> Result<Destination> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        read(&ListRequest { parameters: pairs.collect() })
    }

    #[test]
    fn a_program_shows_what_it_began_with() {
        let challenge = "a".repeat(CHALLENGE);
        let listens = ("redirect_uri", "http://127.0.0.1:7000/");
        let given = read_pairs(&[listens, ("code_challenge", &challenge), ("code_challenge_method", "S256")])
            .unwrap();
        assert_eq!(
            (given.return_to.as_str(), given.challenge),
            ("http://127.0.0.1:7000/", Some(challenge.clone()))
        );
        assert_eq!(read_pairs(&[]).unwrap().return_to, "/");
        for bad in [
            &[listens][..],
            &[listens, ("code_challenge", &challenge), ("return_to", "/")],
            &[("code_challenge", "short")],
            &[("code_challenge", &challenge), ("code_challenge_method", "plain")],
            &[("return_to", "/a"), ("return_to", "/b")],
            &[("return_to", "//evil.test")],
            &[("org", "x")],
        ] {
            assert!(read_pairs(bad).is_err(), "{bad:?}");
        }
    }
}
