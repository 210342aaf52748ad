//! The first org and its superuser.

use std::sync::Arc;

use realnet_core::ErrorKind;
use realnet_core::acl::Origin;
use realnet_core::resource::{Authenticator, SignIn};
use realnet_resource_accounts::{Accounts, bootstrap};

use crate::world::{PASSWORD, config, empty_store, first, kind};

#[tokio::test]
async fn it_happens_once() {
    let (services, _) = empty_store().await;
    let (a, b) = tokio::join!(bootstrap(&services, first("root")), bootstrap(&services, first("root")));
    let created: Vec<_> = [a.unwrap(), b.unwrap()].into_iter().flatten().collect();
    assert_eq!(created.len(), 1);
    assert_eq!(bootstrap(&services, first("other")).await.unwrap(), None);
    let accounts = Accounts::new(&services, config()).await.unwrap();
    assert_eq!(accounts.default_org().await.unwrap(), Some(created[0].org));
    let request =
        SignIn { username: "root".into(), password: PASSWORD.into(), org: Some("First".into()), code: None };
    let tokens = accounts.sign_in(request, &Origin::default()).await.unwrap().tokens().unwrap();
    assert!(tokens.caller.is_superuser());
    assert_eq!((tokens.account, tokens.caller.org), (created[0].account, created[0].org));
}

#[tokio::test]
async fn a_weak_password_creates_nothing() {
    let (services, _) = empty_store().await;
    let weak = realnet_resource_accounts::Bootstrap { password: "short".into(), ..first("root") };
    assert_eq!(kind(bootstrap(&services, weak).await), ErrorKind::InvalidInput);
    assert!(bootstrap(&services, first("root")).await.unwrap().is_some());
}

#[tokio::test]
async fn before_it_strangers_see_an_empty_org() {
    let (services, _) = empty_store().await;
    let accounts = Accounts::new(&services, config()).await.unwrap();
    let caller = accounts.authenticate(None, None).await.unwrap();
    assert!(caller.account.is_none() && caller.org.is_nil());
    let request = SignIn { username: "root".into(), password: PASSWORD.into(), org: None, code: None };
    assert_eq!(
        accounts.sign_in(request, &Origin::default()).await.err().map(|error| error.kind()),
        Some(ErrorKind::Unauthenticated)
    );
}

#[tokio::test]
async fn replicas_share_the_generated_key() {
    let (services, _) = empty_store().await;
    bootstrap(&services, first("root")).await.unwrap();
    let keyless = realnet_resource_accounts::AccountsConfig { jwt_key: None, ..config() };
    let one: Arc<Accounts> = Accounts::new(&services, keyless.clone()).await.unwrap();
    let two = Accounts::new(&services, keyless).await.unwrap();
    let other = Accounts::new(&services, config()).await.unwrap();
    let request = SignIn { username: "root".into(), password: PASSWORD.into(), org: None, code: None };
    let token = one.sign_in(request, &Origin::default()).await.unwrap().tokens().unwrap().token;
    assert!(two.authenticate(Some(&token), None).await.unwrap().is_superuser());
    assert_eq!(kind(other.authenticate(Some(&token), None).await), ErrorKind::Unauthenticated);
}
