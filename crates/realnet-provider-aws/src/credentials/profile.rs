//! Credentials of a profile: a section of a file that AWS's tools share.

use std::path::PathBuf;

use rusoto_credential::{AwsCredentials, CredentialsError};

use super::Sources;

/// The section of who names none.
const DEFAULT: &str = "default";

/// The credentials of the profile that is named, or of the default one if there is such; `None` without a file.
pub(super) async fn read(sources: &Sources) -> Result<Option<AwsCredentials>, CredentialsError> {
    let named = sources.variable("AWS_PROFILE");
    let given = sources.variable("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from);
    let usual = || sources.variable("HOME").map(|home| PathBuf::from(home).join(".aws/credentials"));
    let Some(path) = given.clone().or_else(usual) else { return Ok(None) };
    let text = match tokio::fs::read_to_string(&path).await {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && given.is_none() && named.is_none() => {
            return Ok(None);
        }
        Err(error) => return Err(CredentialsError::new(format!("{}: {error}", path.display()))),
    };
    match (find(&text, named.unwrap_or(DEFAULT)), named) {
        (Some(found), _) => Ok(Some(found)),
        (None, None) => Ok(None),
        (None, Some(name)) => {
            Err(CredentialsError::new(format!("{}: no key of the profile {name}", path.display())))
        }
    }
}

/// The key of a section.
fn find(text: &str, profile: &str) -> Option<AwsCredentials> {
    let (mut is_ours, mut id, mut secret, mut token) = (false, None, None, None);
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            is_ours = name.trim() == profile;
            continue;
        }
        let Some((name, value)) = line.split_once('=').filter(|_| is_ours) else { continue };
        let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        match name.trim().to_ascii_lowercase().as_str() {
            "aws_access_key_id" => id = value,
            "aws_secret_access_key" => secret = value,
            "aws_session_token" => token = value,
            _ => {}
        }
    }
    Some(AwsCredentials::new(id?, secret?, token, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_that_is_meant_is_read() {
        let text = "# keys\n[default]\naws_access_key_id = A\naws_secret_access_key=a=b\n\n[ other ]\n\
                    AWS_ACCESS_KEY_ID=B\naws_secret_access_key = b\naws_session_token = t\n[half]\naws_access_key_id=C\n";
        let read = |profile| {
            find(text, profile).map(|found| {
                (
                    found.aws_access_key_id().to_owned(),
                    found.aws_secret_access_key().to_owned(),
                    found.token().clone(),
                )
            })
        };
        assert_eq!(read("default"), Some(("A".to_owned(), "a=b".to_owned(), None)));
        assert_eq!(read("other"), Some(("B".to_owned(), "b".to_owned(), Some("t".to_owned()))));
        assert_eq!((read("half"), read("unknown")), (None, None));
    }
}
