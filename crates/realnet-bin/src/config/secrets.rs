//! The section of secrets: the keys that values are sealed under.

use realnet_core::secret::Keyring;

use super::{Environment, Problems};

/// The variable of the keys.
pub const VARIABLE: &str = "REALNET_SECRET_KEY";

/// What secrets are sealed under.
#[derive(Debug, Clone)]
pub struct SecretsSection {
    /// `REALNET_SECRET_KEY`: keys, the first one seals. An embedded store has a file of its own when it is absent.
    pub keyring: Option<Keyring>,
}

impl SecretsSection {
    pub(super) fn read(environment: &Environment, problems: &mut Problems) -> Self {
        let keyring = environment.get(VARIABLE).and_then(|text| match Keyring::parse(text) {
            Ok(keyring) => Some(keyring),
            Err(problem) => {
                problems.add(VARIABLE, problem);
                None
            }
        });
        Self { keyring }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn read(text: &str) -> Result<Option<Keyring>, Problems> {
        Config::read(&Environment::from([(VARIABLE, text)])).map(|config| config.secrets.keyring)
    }

    #[test]
    fn keys_are_read_and_stay_out_of_debug_and_problems() {
        let text = Keyring::generate().unwrap().to_text();
        let encoded = text.split_once(':').unwrap().1;
        let section = read(&text).unwrap();
        assert!(section.as_ref().is_some_and(|ring| ring.to_text() == text));
        assert!(!format!("{section:?}").contains(encoded));
        assert!(read("").unwrap().is_none());
        for bad in [&encoded[1..], "hunter2", &format!("{text},{text}")] {
            let problems = read(bad).unwrap_err().to_string();
            assert!(problems.contains("REALNET_SECRET_KEY: ") && !problems.contains("hunter2"), "{problems}");
            assert!(!problems.contains(&encoded[1..]), "{problems}");
        }
    }
}
