//! Who signs: the sources of credentials, in their order, and their renewal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use realnet_core::ErrorKind;
use realnet_core::clock::{Clock as _, System, Timestamp};
use realnet_core::provider::{DataProvider as _, Expectation, SignedRequest, UploadTerms};
use realnet_provider_aws::{S3Data, S3Options};
use realnet_testkit::engines::s3_place;

use crate::common::{expect_failure, next_id, open, options_at};
use crate::stub::Stub;

/// Options without a key and without any variable.
async fn bare() -> S3Options {
    let mut options = options_at(&s3_place().await.unwrap());
    options.keys = None;
    options.variables.clear();
    // There is none on this machine, and nobody waits for it.
    set(&mut options, &[("AWS_EC2_METADATA_DISABLED", "true")]);
    options
}

fn set(options: &mut S3Options, variables: &[(&str, &str)]) {
    options.variables.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
}

/// A signed form, which tells who has signed it. The server is not asked.
async fn signed(data: &S3Data) -> realnet_core::Result<SignedRequest> {
    let terms = UploadTerms {
        content_type: "text/plain".to_owned(),
        expected: Expectation::default(),
        expires_at: System.now().plus_seconds(24 * 3600),
    };
    data.presign_upload(next_id(), &terms).await
}

fn field<'a>(request: &'a SignedRequest, name: &str) -> Option<&'a str> {
    request.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}

fn in_seconds(seconds: i64) -> String {
    System.now().plus_seconds(seconds).to_string()
}

#[tokio::test]
async fn without_any_it_is_said() {
    let data = open(&bare().await);
    let error = expect_failure(data.check().await, ErrorKind::Unavailable, "no credentials");
    assert!(error.report().contains("AWS_ACCESS_KEY_ID"), "{}", error.report());
}

#[tokio::test]
async fn variables_come_before_profiles() {
    let folder = tempfile::tempdir().unwrap();
    let place = s3_place().await.unwrap();
    let file = folder.path().join("credentials");
    let keys = |id: &str| format!("aws_access_key_id = {id}\naws_secret_access_key = {}\n", place.secret);
    let text = format!("[default]\n{}[shop]\n{}", keys("wrong"), keys(place.key));
    std::fs::write(&file, text).unwrap();
    let mut options = bare().await;
    set(&mut options, &[("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap()), ("AWS_PROFILE", "shop")]);
    open(&options).check().await.unwrap();

    set(&mut options, &[("AWS_PROFILE", "default")]);
    expect_failure(open(&options).check().await, ErrorKind::Unavailable, "refuses the credentials");
    set(&mut options, &[("AWS_PROFILE", "unknown")]);
    let error = expect_failure(open(&options).check().await, ErrorKind::Unavailable, "no credentials");
    assert!(error.report().contains("profile unknown"), "{}", error.report());

    set(&mut options, &[("AWS_ACCESS_KEY_ID", place.key), ("AWS_SECRET_ACCESS_KEY", place.secret)]);
    open(&options).check().await.unwrap();
    options.variables.remove("AWS_SECRET_ACCESS_KEY");
    let error = expect_failure(open(&options).check().await, ErrorKind::Unavailable, "no credentials");
    assert!(error.report().contains("without AWS_SECRET_ACCESS_KEY"), "{}", error.report());
}

#[tokio::test]
async fn the_usual_file_of_profiles_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let place = s3_place().await.unwrap();
    std::fs::create_dir(folder.path().join(".aws")).unwrap();
    let text =
        format!("[default]\naws_access_key_id={}\naws_secret_access_key={}\n", place.key, place.secret);
    std::fs::write(folder.path().join(".aws/credentials"), text).unwrap();
    let mut options = bare().await;
    set(&mut options, &[("HOME", folder.path().to_str().unwrap())]);
    open(&options).check().await.unwrap();
}

/// The token service, as for a service account of Kubernetes. It fails once before it answers.
#[tokio::test]
async fn a_service_account_is_lent_a_role() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "the.token+of/the=account\n").unwrap();
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let stub = Stub::start(move |_| {
        if counted.fetch_add(1, Ordering::Relaxed) == 0 {
            return (
                503,
                "<ErrorResponse><Error><Code>ServiceUnavailable</Code></Error></ErrorResponse>".to_owned(),
            );
        }
        let end = in_seconds(3600);
        (
            200,
            format!(
                "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
                 <AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>hunter2</SecretAccessKey>\
                 <SessionToken>session/token+=</SessionToken><Expiration>{end}</Expiration>\
                 </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
            ),
        )
    })
    .await;
    let mut options = bare().await;
    set(
        &mut options,
        &[
            ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
            ("AWS_ROLE_ARN", "arn:aws:iam::1:role/files"),
            ("AWS_ENDPOINT_URL_STS", &stub.url),
        ],
    );
    let data = open(&options);
    let request = signed(&data).await.unwrap();
    assert!(field(&request, "x-amz-credential").unwrap().starts_with("ASIAROLE/"));
    assert_eq!(field(&request, "x-amz-security-token"), Some("session/token+="));
    // Not longer than what was lent.
    assert!(request.expires_at <= Timestamp::parse(&in_seconds(3600)).unwrap());
    signed(&data).await.unwrap();
    let asked = stub.asked();
    assert_eq!(asked.len(), 2, "what was lent is used again");
    let body = &asked[1].body;
    for part in [
        "Action=AssumeRoleWithWebIdentity",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Ffiles",
        "WebIdentityToken=the.token%2Bof%2Fthe%3Daccount",
        "RoleSessionName=realnet",
    ] {
        assert!(body.contains(part), "{body}");
    }
    assert!(!format!("{data:?} {options:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_refused_role_is_said_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "secret-token").unwrap();
    let refusal = "<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>";
    let stub = Stub::start(move |_| (400, refusal.to_owned())).await;
    let mut options = bare().await;
    set(
        &mut options,
        &[
            ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
            ("AWS_ROLE_ARN", "arn:aws:iam::1:role/files"),
            ("AWS_ENDPOINT_URL_STS", &stub.url),
        ],
    );
    let error = expect_failure(signed(&open(&options)).await, ErrorKind::Unavailable, "no credentials");
    let report = error.report();
    assert!(report.contains("InvalidIdentityToken") && !report.contains("secret-token"), "{report}");
    assert_eq!(stub.asked().len(), 1, "what is refused for good is not asked again");
    // Nor by all who come meanwhile, one behind the other.
    let data = open(&options);
    let many = futures::future::join_all((0..20).map(|_| signed(&data))).await;
    assert!(many.iter().all(Result::is_err));
    assert_eq!(stub.asked().len(), 2);
}

/// A metadata service that lends `id` until so many seconds from now; only to who has its token.
async fn metadata(id: &str, secret: &str, seconds: i64) -> Stub {
    let (id, secret) = (id.to_owned(), secret.to_owned());
    Stub::start(move |asked| {
        let has_token = asked.heads.contains("x-aws-ec2-metadata-token: the-token");
        match asked.line.as_str() {
            "PUT /latest/api/token HTTP/1.1" if asked.heads.contains("metadata-token-ttl-seconds: 21600") => {
                (200, "the-token".to_owned())
            }
            _ if !has_token => (401, String::new()),
            "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1" => (200, "the-role\n".to_owned()),
            "GET /latest/meta-data/iam/security-credentials/the-role HTTP/1.1" => {
                let end = in_seconds(seconds);
                let text = format!(
                    r#"{{"Code":"Success","AccessKeyId":"{id}","SecretAccessKey":"{secret}","Expiration":"{end}"}}"#
                );
                (200, text)
            }
            _ => (404, String::new()),
        }
    })
    .await
}

#[tokio::test]
async fn a_machine_is_lent_a_role() {
    let place = s3_place().await.unwrap();
    let stub = metadata(place.key, place.secret, 3600).await;
    let mut options = bare().await;
    set(
        &mut options,
        &[("AWS_EC2_METADATA_DISABLED", "false"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &stub.url)],
    );
    let data = open(&options);
    data.check().await.unwrap();
    data.check().await.unwrap();
    assert_eq!(stub.asked().len(), 3, "token, role, key; and no more as long as these count");
}

#[tokio::test]
async fn what_is_lent_is_renewed_in_time() {
    let stub = metadata("ASIAMACHINE", "hunter2", 2).await;
    let mut options = bare().await;
    set(
        &mut options,
        &[("AWS_EC2_METADATA_DISABLED", "false"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &stub.url)],
    );
    let data = open(&options);
    let request = signed(&data).await.unwrap();
    assert!(field(&request, "x-amz-credential").unwrap().starts_with("ASIAMACHINE/"));
    signed(&data).await.unwrap();
    assert_eq!(stub.asked().len(), 3);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    signed(&data).await.unwrap();
    assert_eq!(stub.asked().len(), 6);
}
