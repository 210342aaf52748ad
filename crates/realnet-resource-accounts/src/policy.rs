//! Which passwords may be set.

use std::collections::HashSet;
use std::sync::LazyLock;

use realnet_core::{Error, Result, Violation};

/// The shortest password, in characters.
const MIN_CHARACTERS: usize = 8;
/// The longest password, in bytes.
pub(crate) const MAX_BYTES: usize = 1024;
/// Shorter names stand in too many words.
const SHORTEST_NAME: usize = 4;

/// The 5000 most frequent passwords of at least eight characters, from the lists of zxcvbn (MIT).
static COMMON: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("common_passwords.txt").lines().collect());

/// Whether a password may be set for somebody of these names: those that an attacker tries first are refused.
pub(crate) fn check(password: &str, names: &[&str]) -> Result<()> {
    length(password)?;
    if is_common(password) {
        return Err(refused("is one of the most common passwords".to_owned()));
    }
    let mut rest = password.to_lowercase();
    for name in names.iter().flat_map(|name| parts(name)) {
        rest = rest.replace(&name, "");
    }
    if rest.chars().count() < MIN_CHARACTERS && rest.len() < password.len() {
        let detail = format!("needs {MIN_CHARACTERS} characters besides the name or address of the account");
        return Err(refused(detail));
    }
    Ok(())
}

/// Whether a password has a length that can be.
pub(crate) fn length(password: &str) -> Result<()> {
    if password.chars().count() < MIN_CHARACTERS {
        Err(refused(format!("at least {MIN_CHARACTERS} characters")))
    } else if password.len() > MAX_BYTES {
        Err(refused(format!("at most {MAX_BYTES} bytes")))
    } else {
        Ok(())
    }
}

/// Whether it is among the most frequent ones.
pub(crate) fn is_common(password: &str) -> bool {
    COMMON.contains(password.to_lowercase().as_str())
}

/// A name, and of an address what stands before the domain; the longer first.
fn parts(name: &str) -> Vec<String> {
    let whole = name.to_lowercase();
    let local = whole.split_once('@').map(|(local, _)| local.to_owned());
    std::iter::once(whole).chain(local).filter(|part| part.chars().count() >= SHORTEST_NAME).collect()
}

fn refused(detail: String) -> Error {
    Error::invalid(vec![Violation::new("/password", detail)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_endless_ones_are_refused() {
        assert!(check("1234567", &[]).is_err());
        assert!(check("ééééééé", &[]).is_err());
        assert!(check("12345679x", &[]).is_ok());
        assert!(check(&"x".repeat(1025), &[]).is_err());
    }

    #[test]
    fn common_ones_are_refused_in_any_case() {
        for common in ["password", "Password1", "QWERTYUIOP", "12345678", "trustno1", "iloveyou"] {
            assert!(check(common, &[]).is_err(), "{common}");
        }
        assert!(check("correct horse", &[]).is_ok());
        assert_eq!(COMMON.len(), 5000);
        assert!(
            COMMON.iter().all(|word| word.chars().count() >= MIN_CHARACTERS && *word == word.to_lowercase())
        );
    }

    #[test]
    fn the_own_name_counts_for_nothing() {
        let names = ["margaret", "maggie.may@first.test"];
        for weak in [
            "Margaret",
            "margaret2024",
            "xMARGARETx",
            "maggie.may@first.test",
            "Maggie.May12",
            "margaretmargaret",
        ] {
            assert!(check(weak, &names).is_err(), "{weak}");
        }
        assert!(check("margaret has a long one", &names).is_ok());
        assert!(check("bob-long-password", &["bob"]).is_ok(), "short names stand in many words");
    }
}
