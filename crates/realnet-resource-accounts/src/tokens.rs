//! Tokens: signed claims (JWT, HS256 and nothing else). Access and refresh tokens differ in their audience.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use biscuit::jwa::SignatureAlgorithm;
use biscuit::jws::{RegisteredHeader, Secret};
use biscuit::{ClaimsSet, JWT, RegisteredClaims, SingleOrMultiple};
use realnet_core::clock::Timestamp;
use realnet_core::{Error, ErrorKind, Result, Uuid};
use sha2::{Digest, Sha256};

/// Who signs.
const ISSUER: &str = "realnet";
/// The longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 4096;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Requests.
    Access,
    /// New tokens.
    Refresh,
    /// Requests of a client.
    Client,
}

impl Purpose {
    const fn audience(self) -> &'static str {
        match self {
            Self::Access => "realnet/api",
            Self::Refresh => "realnet/refresh",
            Self::Client => "realnet/client",
        }
    }
}

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claims {
    /// The account item.
    pub account: Uuid,
    /// The session.
    pub session: Uuid,
    /// The account's org.
    pub org: Uuid,
    /// The account's epoch at sign-in.
    pub epoch: i64,
}

/// Who shows a token with a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Bearer {
    /// Somebody who has signed in.
    Session(Claims),
    /// A client: its item as the account, the token as the session, the mark of its secret as the epoch, and the scope that was
    /// asked for.
    Client(Claims, Option<String>),
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct PrivateClaims {
    sid: Uuid,
    org: Uuid,
    epoch: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

/// Signs and verifies tokens.
pub(crate) struct Signer {
    secret: Secret,
    /// What other keys are derived from: the same key.
    derive: ring::hmac::Key,
}

impl Signer {
    pub(crate) fn new(key: Vec<u8>) -> Self {
        Self { derive: ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key), secret: Secret::Bytes(key) }
    }

    /// A key for one purpose. No token is made of such words, so none gives a key away.
    pub(crate) fn derived_key(&self, purpose: &str) -> [u8; 32] {
        let tag = ring::hmac::sign(&self.derive, format!("realnet derived key: {purpose}").as_bytes());
        let mut key = [0; 32];
        // HMAC-SHA-256 gives 32 bytes.
        key.copy_from_slice(&tag.as_ref()[..32]);
        key
    }

    /// A token with its expiry, in whole seconds.
    pub(crate) fn sign(
        &self,
        purpose: Purpose,
        claims: Claims,
        now: Timestamp,
        life: Duration,
    ) -> Result<(String, Timestamp)> {
        self.sign_scoped(purpose, claims, None, now, life)
    }

    /// The same for less than all.
    pub(crate) fn sign_scoped(
        &self,
        purpose: Purpose,
        claims: Claims,
        scope: Option<String>,
        now: Timestamp,
        life: Duration,
    ) -> Result<(String, Timestamp)> {
        let issued = now.as_micros().div_euclid(1_000_000);
        let expires = issued.saturating_add(i64::try_from(life.as_secs()).unwrap_or(i64::MAX));
        let set = ClaimsSet {
            registered: RegisteredClaims {
                issuer: Some(ISSUER.to_owned()),
                subject: Some(claims.account.to_string()),
                audience: Some(SingleOrMultiple::Single(purpose.audience().to_owned())),
                expiry: Some(expires.into()),
                issued_at: Some(issued.into()),
                // 256 random bits: tokens can not be guessed even by somebody who knows all else about a session.
                id: Some(URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())),
                not_before: None,
            },
            private: PrivateClaims { sid: claims.session, org: claims.org, epoch: claims.epoch, scope },
        };
        let header = RegisteredHeader { algorithm: SignatureAlgorithm::HS256, ..RegisteredHeader::default() };
        let token = JWT::new_decoded(header.into(), set)
            .into_encoded(&self.secret)
            .and_then(|token| Ok(token.encoded()?.encode()))
            .map_err(|error| Error::internal("a token can not be signed").with_source(error))?;
        Ok((token, Timestamp::from_micros(expires.saturating_mul(1_000_000))))
    }

    /// What a token says, if it is ours, meant for this and not expired.
    pub(crate) fn verify(&self, purpose: Purpose, token: &str, now: Timestamp) -> Result<Claims> {
        let (claims, _, _) = self.read(&[purpose], token, now)?;
        Ok(claims)
    }

    /// Who shows a token with a request.
    pub(crate) fn bearer(&self, token: &str, now: Timestamp) -> Result<Bearer> {
        let (claims, purpose, scope) = self.read(&[Purpose::Access, Purpose::Client], token, now)?;
        Ok(if purpose == Purpose::Client { Bearer::Client(claims, scope) } else { Bearer::Session(claims) })
    }

    /// What a token says that is meant for one of some purposes.
    fn read(
        &self,
        purposes: &[Purpose],
        token: &str,
        now: Timestamp,
    ) -> Result<(Claims, Purpose, Option<String>)> {
        if token.len() > MAX_TOKEN {
            return Err(refused_token());
        }
        let decoded = JWT::<PrivateClaims, biscuit::Empty>::new_encoded(token)
            .into_decoded(&self.secret, SignatureAlgorithm::HS256)
            .map_err(|error| refused_token().with_source(error))?;
        let set = decoded.payload().map_err(|error| refused_token().with_source(error))?;
        let registered = &set.registered;
        let Some(SingleOrMultiple::Single(audience)) = &registered.audience else {
            return Err(refused_token());
        };
        let meant = purposes.iter().find(|purpose| purpose.audience() == audience);
        let purpose =
            *meant.filter(|_| registered.issuer.as_deref() == Some(ISSUER)).ok_or_else(refused_token)?;
        let expires = registered.expiry.ok_or_else(refused_token)?.timestamp();
        if now.as_micros().div_euclid(1_000_000) >= expires {
            return Err(Error::new(ErrorKind::Unauthenticated, "the token has expired"));
        }
        let subject = registered.subject.as_deref().and_then(|text| Uuid::parse_str(text).ok());
        let PrivateClaims { sid, org, epoch, scope } = &set.private;
        let account = subject.ok_or_else(refused_token)?;
        let claims = Claims { account, session: *sid, org: *org, epoch: *epoch };
        Ok((claims, purpose, scope.clone()))
    }
}

fn refused_token() -> Error {
    Error::new(ErrorKind::Unauthenticated, "the token is not valid")
}

/// What is stored of a refresh token.
pub(crate) fn fingerprint(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

/// The hash of a text, as text: what is kept of secrets that others hold, and what PKCE calls S256.
pub(crate) fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(fingerprint(text))
}

/// A digest in letters that mean the same in either case.
pub(crate) fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        let id = Uuid::from_u128;
        Claims { account: id(1), session: id(2), org: id(3), epoch: 4 }
    }

    #[test]
    fn derived_keys_are_stable_and_differ_by_purpose_and_key() {
        let key = signer().derived_key("a");
        assert_eq!(key, signer().derived_key("a"));
        assert_ne!(key, signer().derived_key("b"));
        assert_ne!(key, Signer::new(vec![8; 32]).derived_key("a"));
    }

    fn signer() -> Signer {
        Signer::new(vec![7; 32])
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn forged(header: &str, payload: &str, signature: &str) -> String {
        format!("{}.{}.{signature}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn tokens_say_what_was_signed_until_they_expire() {
        let (token, expires) =
            signer().sign(Purpose::Access, claims(), at(1000), Duration::from_mins(1)).unwrap();
        assert_eq!(expires, at(1060));
        assert_eq!(signer().verify(Purpose::Access, &token, at(1059)).unwrap(), claims());
        let error = signer().verify(Purpose::Access, &token, at(1060)).unwrap_err();
        assert_eq!(error.message(), "the token has expired");
    }

    #[test]
    fn what_was_not_signed_here_is_refused() {
        let now = at(1000);
        let life = Duration::from_mins(1);
        let (token, _) = signer().sign(Purpose::Access, claims(), now, life).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let payload = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        let raised = payload.replace("\"epoch\":4", "\"epoch\":5");
        assert_ne!(raised, payload);
        let hs512 = {
            let header =
                RegisteredHeader { algorithm: SignatureAlgorithm::HS512, ..RegisteredHeader::default() };
            let set: ClaimsSet<PrivateClaims> = serde_json::from_str(&payload).unwrap();
            let token = JWT::new_decoded(header.into(), set).into_encoded(&signer().secret).unwrap();
            token.encoded().unwrap().encode()
        };
        let other_key = Signer::new(vec![8; 32]).sign(Purpose::Access, claims(), now, life).unwrap().0;
        let refresh = signer().sign(Purpose::Refresh, claims(), now, life).unwrap().0;
        for (name, bad) in [
            ("alg none", forged(r#"{"alg":"none","typ":"JWT"}"#, &payload, "")),
            ("alg none, signed", forged(r#"{"alg":"none","typ":"JWT"}"#, &payload, parts[2])),
            ("tampered", format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(&raised), parts[2])),
            ("cut", format!("{}.{}", parts[0], parts[1])),
            ("other algorithm, our key", hs512),
            ("other key", other_key),
            ("refresh token", refresh),
            ("empty", String::new()),
            ("huge", "a".repeat(5000)),
        ] {
            let error = signer().verify(Purpose::Access, &bad, now).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{name}");
            assert_eq!(error.message(), "the token is not valid", "{name}");
        }
        assert!(signer().verify(Purpose::Access, &token, now).is_ok());
    }

    #[test]
    fn requests_are_by_sessions_or_clients() {
        let (now, life) = (at(1000), Duration::from_mins(1));
        let sign = |purpose, scope| signer().sign_scoped(purpose, claims(), scope, now, life).unwrap().0;
        let scope = Some("notes:read".to_owned());
        let bearer = |token: &str| signer().bearer(token, now);
        assert_eq!(bearer(&sign(Purpose::Access, None)).unwrap(), Bearer::Session(claims()));
        let client = sign(Purpose::Client, scope.clone());
        assert_eq!(bearer(&client).unwrap(), Bearer::Client(claims(), scope));
        // Neither goes for the other, and no refresh token goes for either.
        assert!(signer().verify(Purpose::Access, &client, now).is_err());
        assert!(signer().verify(Purpose::Refresh, &client, now).is_err());
        assert!(bearer(&sign(Purpose::Refresh, None)).is_err());
    }
}
