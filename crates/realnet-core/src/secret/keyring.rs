//! The operator's keys: the first seals, all of them open.

use super::key::Key;
use super::{Place, Sealed};
use crate::error::{Error, Result};

/// Keys by id, the primary first; none at all leaves values plain.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    keys: Vec<Key>,
}

impl Keyring {
    /// The most keys of a ring.
    const MAX_KEYS: usize = 16;

    /// Reads `ID:BASE64`, several of them with commas or in lines; the first one is the primary. Bare base64 is the key `1`.
    ///
    /// # Errors
    /// What is expected instead; never what was given.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut keys: Vec<Key> = Vec::new();
        for part in text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty()) {
            let key = Key::parse(part)?;
            if keys.iter().any(|known| known.id == key.id) {
                return Err(format!("the id {} stands there twice", key.id));
            }
            keys.push(key);
        }
        match keys.len() {
            0 => Err("expected ID:BASE64".to_owned()),
            count if count > Self::MAX_KEYS => Err(format!("at most {} keys", Self::MAX_KEYS)),
            _ => Ok(Self { keys }),
        }
    }

    /// A ring of one new key.
    pub fn generate() -> Result<Self> {
        Ok(Self { keys: vec![Key::generate()?] })
    }

    /// The same with another ring's keys in front.
    pub fn behind(&self, first: &Self) -> Self {
        let mut keys = first.keys.clone();
        keys.extend(self.keys.iter().filter(|key| first.key(&key.id).is_none()).cloned());
        Self { keys }
    }

    /// The text that [`Self::parse`] reads: secret.
    pub fn to_text(&self) -> String {
        self.keys.iter().map(Key::to_text).collect::<Vec<_>>().join(",")
    }

    /// The id of the key that seals; `None` when there is no key.
    pub fn primary(&self) -> Option<&str> {
        self.keys.first().map(|key| key.id.as_str())
    }

    /// Whether there is a key of this id.
    pub fn has(&self, id: &str) -> bool {
        self.key(id).is_some()
    }

    /// Seals bytes for one place under the primary key, or marks them as plain.
    pub fn seal(&self, place: &Place, plain: &[u8]) -> Result<Sealed> {
        match self.keys.first() {
            Some(key) => Ok(Sealed::Under { key: key.id.clone(), bytes: key.seal(place, plain)? }),
            None => Ok(Sealed::Plain(plain.to_vec())),
        }
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// Internal when its key is not in the ring, or when it was changed or sealed for another place.
    pub fn open(&self, place: &Place, sealed: &Sealed) -> Result<Vec<u8>> {
        match sealed {
            Sealed::Plain(bytes) => Ok(bytes.clone()),
            Sealed::Under { key, bytes } => {
                let found = self.key(key).ok_or_else(|| {
                    Error::internal(format!("a value is sealed under the key {key}, which is not there"))
                })?;
                found.open(place, bytes).ok_or_else(|| {
                    Error::internal(format!("a value sealed under the key {key} is damaged or was moved"))
                })
            }
        }
    }

    /// Whether a value is as this ring would seal it now.
    pub fn is_current(&self, sealed: &Sealed) -> bool {
        sealed.key() == self.primary()
    }

    fn key(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(text: &str) -> Keyring {
        Keyring::parse(text).unwrap()
    }

    /// A key whose bytes count up from `first`.
    fn key(id: &str, first: u8) -> String {
        use base64::Engine as _;
        let bytes: Vec<u8> = (0..32).map(|index| first.wrapping_add(index)).collect();
        format!("{id}:{}", base64::engine::general_purpose::STANDARD.encode(bytes))
    }

    fn place() -> Place {
        Place::new("test").with("1")
    }

    #[test]
    fn the_first_key_seals_and_all_open() {
        let old = ring(&key("old", 1));
        let sealed = old.seal(&place(), b"hush").unwrap();
        let both = ring(&format!("{},{}", key("new", 2), key("old", 1)));
        assert_eq!(both.open(&place(), &sealed).unwrap(), b"hush");
        assert!(old.is_current(&sealed) && !both.is_current(&sealed));
        let again = both.seal(&place(), b"hush").unwrap();
        assert_eq!((again.key(), both.is_current(&again)), (Some("new"), true));
        assert!(old.open(&place(), &again).unwrap_err().report().contains("new"));
        assert_eq!(old.behind(&ring(&key("new", 2))).to_text(), both.to_text());
    }

    #[test]
    fn nothing_opens_that_was_changed_or_moved_or_is_of_another_key() {
        let ring = ring(&key("a", 1));
        let sealed = ring.seal(&place(), b"hush").unwrap();
        let Sealed::Under { key: id, bytes } = sealed.clone() else { panic!("{sealed:?}") };
        for index in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[index] ^= 1;
            assert!(ring.open(&place(), &Sealed::Under { key: id.clone(), bytes }).is_err(), "byte {index}");
        }
        for length in 0..bytes.len() {
            let bytes = bytes[..length].to_vec();
            assert!(
                ring.open(&place(), &Sealed::Under { key: id.clone(), bytes }).is_err(),
                "{length} bytes"
            );
        }
        for moved in [Place::new("test").with("2"), Place::new("other").with("1"), Place::new("test")] {
            assert!(ring.open(&moved, &sealed).is_err(), "{moved:?}");
        }
        assert!(self::ring(&key("a", 2)).open(&place(), &sealed).is_err(), "another key of the same id");
        assert_eq!(ring.open(&place(), &sealed).unwrap(), b"hush");
    }

    #[test]
    fn equal_values_do_not_look_equal() {
        let ring = ring(&key("a", 1));
        let [one, other] = [(); 2].map(|()| ring.seal(&place(), b"hush").unwrap());
        assert_ne!(one, other);
    }

    #[test]
    fn bare_base64_is_the_key_1_and_what_is_wrong_is_never_shown() {
        let bare = key("", 7);
        let bare = bare.trim_start_matches(':');
        assert_eq!(ring(bare).primary(), Some("1"));
        assert_eq!(ring(&format!("{bare}\n")).primary(), Some("1"), "a line of a file");
        let (short, padded) = (&bare[..20], format!("{bare}x"));
        let twice = format!("{},{}", key("a", 1), key("a", 2));
        let constant = format!("a:{}", "AAAA".repeat(10) + "AAA=");
        for bad in ["", ",", short, &padded, "a b:xx", ":xx", &twice, &constant, "hunter2"] {
            let problem = Keyring::parse(bad).unwrap_err();
            assert!(!problem.contains("hunter2") && !problem.contains(&bare[..8]), "{problem}");
        }
    }

    #[test]
    fn keys_and_values_stay_out_of_debug() {
        let ring = ring(&key("a", 1));
        let sealed = ring.seal(&place(), b"hush").unwrap();
        let shown = format!("{ring:?} {sealed:?} {:?}", Sealed::Plain(b"hush".to_vec()));
        assert_eq!(shown, "Keyring { keys: [Key(a, …)] } Sealed(a, …) Sealed(plain, …)");
    }

    #[test]
    fn generated_keys_differ_and_are_read_back() {
        let [one, other] = [(); 2].map(|()| Keyring::generate().unwrap());
        assert_ne!(one.to_text(), other.to_text());
        assert_ne!(one.primary(), other.primary());
        assert_eq!(ring(&one.to_text()).to_text(), one.to_text());
    }

    #[test]
    fn without_a_key_values_stay_plain_and_say_so() {
        let none = Keyring::default();
        let sealed = none.seal(&place(), b"hush").unwrap();
        assert_eq!(sealed, Sealed::Plain(b"hush".to_vec()));
        assert!(none.is_current(&sealed) && !ring(&key("a", 1)).is_current(&sealed));
        assert_eq!(ring(&key("a", 1)).open(&place(), &sealed).unwrap(), b"hush");
    }

    #[test]
    fn stored_texts_are_read_back() {
        let ring = ring(&key("a-1_", 1));
        for sealed in [ring.seal(&place(), b"\0hush").unwrap(), Sealed::Plain(b"\0hush".to_vec())] {
            assert_eq!(Sealed::from_stored(sealed.to_text().as_bytes()), sealed);
        }
        assert_eq!(Sealed::from_stored(b"old"), Sealed::Plain(b"old".to_vec()));
        assert_eq!(Sealed::from_stored(&[0xff; 32]), Sealed::Plain(vec![0xff; 32]));
    }
}
