//! Credentials that are lent for some time: to a service account of Kubernetes for its token, and to a machine of EC2 by the metadata
//! service beside it (version 2, which wants a token of its own first).

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response};
use rusoto_credential::{AwsCredentials, CredentialsError};

use super::Sources;
use crate::dispatch::{chain, element};
use crate::retry;

/// Where the metadata service is, unless a variable says otherwise.
const METADATA: &str = "http://169.254.169.254";
/// Nobody but a machine of EC2 has it: others do not wait long.
const NEAR: Duration = Duration::from_secs(2);
/// How often a service is asked.
const ATTEMPTS: u32 = 3;
/// How long a token of the metadata service counts, in seconds.
const TOKEN_LIFE: &str = "21600";
/// The longest answer, in bytes.
const LONGEST: usize = 64 * 1024;

/// Exchanges the token of a service account; `None` where there is no such token.
pub(super) async fn to_service_account(
    sources: &Sources,
) -> Result<Option<AwsCredentials>, CredentialsError> {
    let (Some(file), Some(role)) =
        (sources.variable("AWS_WEB_IDENTITY_TOKEN_FILE"), sources.variable("AWS_ROLE_ARN"))
    else {
        return Ok(None);
    };
    // It is renewed by the cluster, so it is read each time.
    let token = tokio::fs::read_to_string(file).await;
    let token = token.map_err(|error| CredentialsError::new(format!("{file}: {error}")))?;
    let near = || format!("https://sts.{}.amazonaws.com", sources.region);
    let endpoint = sources.variable("AWS_ENDPOINT_URL_STS").map_or_else(near, str::to_owned);
    let session = sources.variable("AWS_ROLE_SESSION_NAME").unwrap_or("realnet");
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("Action", "AssumeRoleWithWebIdentity")
        .append_pair("Version", "2011-06-15")
        .append_pair("RoleArn", role)
        .append_pair("RoleSessionName", session)
        .append_pair("WebIdentityToken", token.trim())
        .finish();
    let ask = |http: &Client| {
        http.post(&endpoint)
            .header("content-type", "application/x-www-form-urlencoded")
            .timeout(sources.timeout)
            .body(form.clone())
    };
    let answer = asked(|| ask(&sources.http)).await;
    let answer =
        answer.map_err(|error| CredentialsError::new(format!("the role {role} is not given: {error}")))?;
    read_role(&answer)
        .map(Some)
        .ok_or_else(|| CredentialsError::new("the answer of the token service has no key"))
}

/// The credentials in an answer of the token service.
fn read_role(xml: &[u8]) -> Option<AwsCredentials> {
    let end = element(xml, "Expiration")?.parse().ok()?;
    let token = element(xml, "SessionToken")?;
    Some(AwsCredentials::new(
        element(xml, "AccessKeyId")?,
        element(xml, "SecretAccessKey")?,
        Some(token),
        Some(end),
    ))
}

/// Asks the metadata service; `None` where there is none, or it has no role for this machine.
pub(super) async fn to_machine(sources: &Sources) -> Result<Option<AwsCredentials>, CredentialsError> {
    if sources.variable("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    let endpoint = sources.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or(METADATA);
    let base = format!("{}/latest", endpoint.trim_end_matches('/'));
    let token = || {
        let header = ("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_LIFE);
        sources.direct.put(format!("{base}/api/token")).header(header.0, header.1).timeout(NEAR)
    };
    let token = match asked(token).await {
        Ok(token) => String::from_utf8_lossy(&token).into_owned(),
        Err(reason) => {
            tracing::debug!(reason, "there is no metadata service");
            return Ok(None);
        }
    };
    let roles = format!("{base}/meta-data/iam/security-credentials/");
    let get = |url: String| {
        let request = sources.direct.get(url).header("x-aws-ec2-metadata-token", token.clone());
        request.timeout(NEAR)
    };
    let failed = |what: &str| CredentialsError::new(format!("the metadata service: {what}"));
    let role = asked(|| get(roles.clone())).await.map_err(|error| failed(&error))?;
    let role = String::from_utf8_lossy(&role);
    let Some(role) = role.lines().next().map(str::trim).filter(|role| !role.is_empty()) else {
        return Ok(None);
    };
    let answer = asked(|| get(format!("{roles}{role}"))).await.map_err(|error| failed(&error))?;
    let lent: AwsCredentials =
        serde_json::from_slice(&answer).map_err(|_| failed("its answer has no key"))?;
    Ok(Some(lent))
}

/// The body of a good answer. Asked again when the service is busy or does not answer.
async fn asked(request: impl Fn() -> RequestBuilder) -> Result<Vec<u8>, String> {
    let mut failures = 0;
    loop {
        let (reason, passing) = match request().send().await {
            Ok(answer) if answer.status().is_success() => return body(answer).await,
            Ok(answer) => {
                let status = answer.status().as_u16();
                let text = body(answer).await.unwrap_or_default();
                let code = element(&text, "Code").unwrap_or_default();
                (format!("answered with {status} {code}"), retry::may_pass(status, Some(&code)))
            }
            Err(error) => (chain(&error.without_url()), true),
        };
        failures += 1;
        if failures >= ATTEMPTS || !passing {
            return Err(reason);
        }
        tokio::time::sleep(retry::wait(failures)).await;
    }
}

async fn body(mut answer: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| chain(&error.without_url()))? {
        body.extend_from_slice(&piece);
        if body.len() > LONGEST {
            return Err("the answer is too long".to_owned());
        }
    }
    Ok(body)
}
