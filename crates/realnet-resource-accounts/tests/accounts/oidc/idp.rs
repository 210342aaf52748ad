//! A provider of identities that keeps to the standards until a test tells it not to. It checks what it is sent as a real one
//! does, and signs with real keys.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use realnet_core::{Error, Result};
use realnet_resource_accounts::{WebClient, WebRequest, WebResponse};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::world::StoppedClock;
use realnet_core::clock::Clock as _;

pub const CLIENT: &str = "realnet at the provider";
pub const SECRET: &str = "a secret & more";

/// A key to sign with.
pub struct Key {
    pair: EcdsaKeyPair,
    pub id: String,
}

impl Key {
    pub fn new(id: &str) -> Arc<Self> {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
        Arc::new(Self { pair, id: id.to_owned() })
    }

    fn public(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let part = |range| URL_SAFE_NO_PAD.encode(&point[range]);
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id, "x": part(1..33), "y": part(33..65)})
    }

    fn sign(&self, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap())
    }
}

/// How an ID token is signed.
#[derive(Clone)]
pub enum Signature {
    /// By the current key.
    Good,
    /// By another key, under the id of the current one.
    Forged(Arc<Key>),
    /// `alg: none`.
    None,
    /// By the client's secret.
    Shared,
    /// By the current key, of other claims.
    Tampered,
}

type Change = Box<dyn Fn(&mut Map<String, Value>) + Send + Sync>;

/// What a test wants it to do.
pub struct Wishes {
    pub signature: Signature,
    /// Changes the claims of ID tokens.
    pub claims: Change,
    /// Changes the discovery document.
    pub discovery: Change,
    /// Changes what the user info says.
    pub info: Change,
    /// Whether e-mail and names are in the user info only.
    pub tells_later: bool,
    pub is_down: bool,
    pub is_huge: bool,
    /// The path at which it has a fault of its own.
    pub fault: &'static str,
    /// What it calls its access tokens.
    pub token_type: &'static str,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            signature: Signature::Good,
            claims: Box::new(|_| {}),
            discovery: Box::new(|_| {}),
            info: Box::new(|_| {}),
            tells_later: false,
            is_down: false,
            is_huge: false,
            fault: "none",
            token_type: "Bearer",
        }
    }
}

/// What was asked for when somebody came.
struct Grant {
    subject: Value,
    challenge: String,
    nonce: String,
    callback: String,
}

pub struct Idp {
    pub issuer: String,
    pub wishes: Mutex<Wishes>,
    key: Mutex<Arc<Key>>,
    grants: Mutex<HashMap<String, Grant>>,
    infos: Mutex<HashMap<String, Value>>,
    pub asked: AtomicUsize,
    pub asked_for_keys: AtomicUsize,
    clock: Arc<StoppedClock>,
}

impl Idp {
    pub fn new(issuer: &str, clock: &Arc<StoppedClock>) -> Arc<Self> {
        Arc::new(Self {
            issuer: issuer.to_owned(),
            wishes: Mutex::default(),
            key: Mutex::new(Key::new("one")),
            grants: Mutex::default(),
            infos: Mutex::default(),
            asked: AtomicUsize::new(0),
            asked_for_keys: AtomicUsize::new(0),
            clock: clock.clone(),
        })
    }

    pub fn wish(&self, change: impl FnOnce(&mut Wishes)) {
        let mut wishes = Wishes::default();
        change(&mut wishes);
        *self.wishes.lock().unwrap() = wishes;
    }

    pub fn rotate(&self, id: &str) {
        *self.key.lock().unwrap() = Key::new(id);
    }

    /// Somebody signs in at the address that a browser was sent to; answers what the browser brings back.
    pub fn sign_in(&self, location: &str, subject: &Value) -> Vec<(String, String)> {
        let url = url::Url::parse(location).unwrap();
        assert_eq!(url.as_str().split('?').next().unwrap(), format!("{}/authorize", self.issuer));
        let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!((asked["client_id"].as_str(), asked["response_type"].as_str()), (CLIENT, "code"));
        assert_eq!(asked["code_challenge_method"], "S256");
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"));
        assert!(asked["nonce"].len() >= 43 && asked["state"].len() >= 43);
        let code = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
        let grant = Grant {
            subject: subject.clone(),
            challenge: asked["code_challenge"].clone(),
            nonce: asked["nonce"].clone(),
            callback: asked["redirect_uri"].clone(),
        };
        self.grants.lock().unwrap().insert(code.clone(), grant);
        [("code", code.as_str()), ("state", &asked["state"]), ("iss", &self.issuer)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec()
    }

    fn discovery(&self) -> Value {
        let at = |path: &str| format!("{}/{path}", self.issuer);
        let mut document = json!({
            "issuer": self.issuer, "authorization_endpoint": at("authorize"), "token_endpoint": at("token"),
            "userinfo_endpoint": at("userinfo"), "jwks_uri": at("jwks"), "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256", "none", "HS256"],
            "authorization_response_iss_parameter_supported": true,
        });
        (self.wishes.lock().unwrap().discovery)(document.as_object_mut().unwrap());
        document
    }

    /// Exchanges a code as RFC 6749 and 7636 say.
    fn token(&self, request: &WebRequest) -> (u16, Value) {
        let refused = |error: &str| (400, json!({"error": error}));
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let basic = STANDARD.encode(format!("{}:{}", encode(CLIENT), encode(SECRET)));
        let shown = request.headers.iter().find(|(name, _)| name == "authorization");
        if shown.map(|(_, value)| value.as_str()) != Some(&format!("Basic {basic}")) {
            return (401, json!({"error": "invalid_client"}));
        }
        let form: HashMap<String, String> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        // A code serves once.
        let Some(grant) = self.grants.lock().unwrap().remove(&form["code"]) else {
            return refused("invalid_grant");
        };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
        if challenge != grant.challenge || form["redirect_uri"] != grant.callback {
            return refused("invalid_grant");
        }
        let access = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
        self.infos.lock().unwrap().insert(access.clone(), grant.subject.clone());
        let (token, of) = (self.id_token(&grant, &access), self.wishes.lock().unwrap().token_type);
        (200, json!({"access_token": access, "token_type": of, "expires_in": 60, "id_token": token}))
    }

    fn id_token(&self, grant: &Grant, access: &str) -> String {
        let wishes = self.wishes.lock().unwrap();
        let now = self.clock.now().as_micros() / 1_000_000;
        let hash = Sha256::digest(access);
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT, "azp": CLIENT, "nonce": grant.nonce, "iat": now, "exp": now + 300,
            "at_hash": URL_SAFE_NO_PAD.encode(&hash[..16]),
        });
        let map = claims.as_object_mut().unwrap();
        for (key, value) in grant.subject.as_object().unwrap() {
            if key == "sub" || !wishes.tells_later {
                map.insert(key.clone(), value.clone());
            }
        }
        (wishes.claims)(map);
        let key = self.key.lock().unwrap().clone();
        let algorithm = match wishes.signature {
            Signature::None => "none",
            Signature::Shared => "HS256",
            _ => "ES256",
        };
        let header = json!({"alg": algorithm, "typ": "JWT", "kid": key.id});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&header), part(&claims));
        match &wishes.signature {
            Signature::Good => format!("{text}.{}", key.sign(&text)),
            Signature::Forged(other) => format!("{text}.{}", other.sign(&text)),
            Signature::None => format!("{text}."),
            Signature::Shared => {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
                format!("{text}.{}", URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, text.as_bytes())))
            }
            Signature::Tampered => {
                let signature = key.sign(&text);
                claims["sub"] = json!("somebody else");
                format!("{}.{}.{signature}", part(&header), part(&claims))
            }
        }
    }

    fn info(&self, request: &WebRequest) -> (u16, Value) {
        let shown = request.headers.iter().find(|(name, _)| name == "authorization");
        let token = shown.and_then(|(_, value)| value.strip_prefix("Bearer "));
        let Some(mut subject) = token.and_then(|token| self.infos.lock().unwrap().get(token).cloned()) else {
            return (401, json!({"error": "invalid_token"}));
        };
        (self.wishes.lock().unwrap().info)(subject.as_object_mut().unwrap());
        (200, subject)
    }
}

#[async_trait]
impl WebClient for Idp {
    async fn send(&self, request: WebRequest) -> Result<WebResponse> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let (is_down, is_huge, fault) = {
            let wishes = self.wishes.lock().unwrap();
            (wishes.is_down, wishes.is_huge, wishes.fault)
        };
        if is_down {
            return Err(Error::unavailable("the provider does not answer as it should"));
        }
        let path = request.url.as_str().strip_prefix(&self.issuer).unwrap().to_owned();
        let (status, answer) = match path.as_str() {
            "/.well-known/openid-configuration" => (200, self.discovery()),
            "/jwks" => {
                self.asked_for_keys.fetch_add(1, Ordering::SeqCst);
                (200, json!({"keys": [self.key.lock().unwrap().public()]}))
            }
            path if path == fault => (503, json!({"error": "temporarily_unavailable"})),
            "/token" => self.token(&request),
            "/userinfo" => self.info(&request),
            _ => (404, Value::Null),
        };
        let mut body = answer.to_string().into_bytes();
        if is_huge {
            body.resize(300 * 1024, b' ');
        }
        Ok(WebResponse { status, content_type: Some("application/json".to_owned()), body })
    }
}

/// Several providers on one net.
pub struct Net(pub Vec<Arc<Idp>>);

#[async_trait]
impl WebClient for Net {
    async fn send(&self, request: WebRequest) -> Result<WebResponse> {
        let found = self.0.iter().find(|idp| request.url.as_str().starts_with(&format!("{}/", idp.issuer)));
        found.unwrap_or_else(|| panic!("nobody is at {}", request.url)).send(request).await
    }
}
