//! An authenticator that holds one passkey (WebAuthn level 3), and the browser in front of it: honest unless it is told otherwise.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

/// The person has touched it, and has shown the device that they are its owner.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

/// What authenticator and browser say, to be changed for attacks.
#[derive(Debug, Clone)]
pub struct Says {
    /// `type` of the client data; that of the ceremony when absent.
    pub ceremony: Option<&'static str>,
    /// The origin of the page.
    pub origin: String,
    /// Whether a page of another origin has framed it.
    pub framed: bool,
    /// The name that the authenticator was asked for; that of the options when absent.
    pub rp_id: Option<String>,
    /// Whether somebody was there.
    pub present: bool,
    /// Whether it was the owner.
    pub verified: bool,
    /// The user that the authenticator names; whom the options have named when absent.
    pub user: Option<Vec<u8>>,
    /// The algorithm that the new key is said to be of.
    pub algorithm: i8,
}

impl Says {
    /// An honest browser at a page of this origin.
    pub fn at(origin: &str) -> Self {
        Self {
            ceremony: None,
            origin: origin.to_owned(),
            framed: false,
            rp_id: None,
            present: true,
            verified: true,
            user: None,
            algorithm: -7,
        }
    }
}

/// A device with one passkey.
pub struct Device {
    id: Vec<u8>,
    key: EcdsaKeyPair,
    user: Vec<u8>,
    /// How often it has signed; a device that does not count leaves it at 0.
    pub counter: u32,
}

impl Device {
    /// A new one, whose counter begins so.
    pub fn new(counter: u32) -> Self {
        let random = SystemRandom::new();
        let mut id = vec![0; 16];
        random.fill(&mut id).expect("there are random numbers");
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key is made");
        let key =
            EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).expect("a key that was just made");
        Self { id, key, user: Vec::new(), counter }
    }

    /// Makes the passkey that `options` ask for, and what the browser gives for it.
    pub fn register(&mut self, options: &Value, says: &Says) -> Value {
        self.user = decoded(&options["user"]["id"]);
        let mut data = self.data(&options["rp"]["id"], says, ATTESTED);
        data.extend([0; 16]);
        let length = u16::try_from(self.id.len()).expect("a short id");
        data.extend(length.to_be_bytes());
        data.extend(&self.id);
        data.extend(self.public_key(says.algorithm));
        // {"fmt": "none", "attStmt": {}, "authData": data}
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).expect("short data"));
        object.extend(data);
        let client_data = client_data("webauthn.create", options, says);
        self.credential(&json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
            "attestationObject": URL_SAFE_NO_PAD.encode(object),
            "transports": ["internal"],
        }))
    }

    /// Signs what `options` ask for.
    pub fn sign(&mut self, options: &Value, says: &Says) -> Value {
        if self.counter > 0 {
            self.counter += 1;
        }
        let data = self.data(&options["rpId"], says, 0);
        let client_data = client_data("webauthn.get", options, says);
        let mut signed = data.clone();
        signed.extend(digest(&SHA256, client_data.as_bytes()).as_ref());
        let signature = self.key.sign(&SystemRandom::new(), &signed).expect("a signature is made");
        self.credential(&json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature),
            "userHandle": URL_SAFE_NO_PAD.encode(says.user.as_ref().unwrap_or(&self.user)),
        }))
    }

    fn credential(&self, response: &Value) -> Value {
        let id = URL_SAFE_NO_PAD.encode(&self.id);
        json!({"id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {},
            "authenticatorAttachment": "platform"})
    }

    /// Authenticator data, up to the counter.
    fn data(&self, name: &Value, says: &Says, more: u8) -> Vec<u8> {
        let name =
            says.rp_id.as_deref().unwrap_or_else(|| name.as_str().expect("the options name the party"));
        let mut data = digest(&SHA256, name.as_bytes()).as_ref().to_vec();
        let said = |flag: u8, is_so: bool| if is_so { flag } else { 0 };
        data.push(more | said(PRESENT, says.present) | said(VERIFIED, says.verified));
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// The public key as COSE has it: {1: 2, 3: algorithm, -1: 1, -2: x, -3: y}.
    fn public_key(&self, algorithm: i8) -> Vec<u8> {
        let point = self.key.public_key().as_ref();
        let negative = u8::try_from(-1 - i16::from(algorithm)).expect("a small algorithm");
        let mut cose = vec![0xa5, 0x01, 0x02, 0x03, 0x20 | negative, 0x20, 0x01, 0x21, 0x58, 0x20];
        cose.extend(&point[1..33]);
        cose.extend([0x22, 0x58, 0x20]);
        cose.extend(&point[33..]);
        cose
    }
}

fn client_data(ceremony: &str, options: &Value, says: &Says) -> String {
    json!({
        "type": says.ceremony.unwrap_or(ceremony),
        "challenge": options["challenge"],
        "origin": says.origin,
        "crossOrigin": says.framed,
    })
    .to_string()
}

fn decoded(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().expect("a text")).expect("base64url")
}
