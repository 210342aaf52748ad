//! What accounts keep sealed, where the key that it is sealed under is lost.

use realnet_core::provider::RecordKind;
use realnet_core::resource::{Authenticator as _, SignIn};
use realnet_core::secret::{Keyring, Secrets, give_up, lost, unlock};
use realnet_resource_accounts::{Accounts, AccountsConfig, LostSecrets, give_up_secrets, lost_secrets};

use crate::factor::enroll;
use crate::world::{PASSWORD, World, config, from, id};

#[tokio::test]
async fn factors_and_the_key_that_signs_are_given_up() {
    let world = World::new().await;
    // One that keeps the key that signs tokens in the store.
    let keeping = || AccountsConfig { jwt_key: None, ..config() };
    Accounts::new(&world.services, keeping()).await.unwrap();
    enroll(&world).await;
    assert_eq!(lost_secrets(&world.services).await.unwrap(), LostSecrets::default());

    let (records, ann, now) = (&world.services.credentials, id(&world.ann), world.services.clock.now());
    let next = Keyring::generate().unwrap();
    let mut services = world.services.clone();
    services.secrets = Secrets::new(next.clone(), &[]);
    let found = lost_secrets(&services).await.unwrap();
    assert_eq!(found, LostSecrets { signing_key: true, factors: 1 });
    let of_store = lost(&services).await.unwrap();
    assert_eq!((of_store.keys.len(), of_store.digests), (1, true));
    assert!(Accounts::new(&services, keeping()).await.is_err());

    give_up_secrets(&services, of_store.digests).await.unwrap();
    assert!(unlock(&**records, next.clone()).await.is_err(), "the store asks for the lost key until the end");
    give_up(&services, |_| {}).await.unwrap();
    services.secrets = unlock(&**records, next).await.unwrap();
    assert_eq!(lost_secrets(&services).await.unwrap(), LostSecrets::default());
    for kind in [RecordKind::Factor, RecordKind::Recovery] {
        assert!(records.records_of(ann, kind, now).await.unwrap().is_empty(), "{kind:?}");
    }
    let told = world.events(Some(ann)).await;
    assert_eq!(told.iter().filter(|kind| **kind == "factor_removed").count(), 1, "{told:?}");
    let accounts = Accounts::new(&services, keeping()).await.unwrap();
    let request = SignIn { username: "ann".into(), password: PASSWORD.into(), org: None, code: None };
    assert!(accounts.sign_in(request, &from("192.0.2.9")).await.unwrap().tokens().is_ok());
}

/// Factors that still open stay, but no recovery code is known any more by another key for digests.
#[tokio::test]
async fn recovery_codes_go_with_the_key_for_digests() {
    let world = World::new().await;
    enroll(&world).await;
    give_up_secrets(&world.services, true).await.unwrap();
    let (records, ann, now) = (&world.services.credentials, id(&world.ann), world.services.clock.now());
    assert_eq!(records.records_of(ann, RecordKind::Factor, now).await.unwrap().len(), 1);
    assert!(records.records_of(ann, RecordKind::Recovery, now).await.unwrap().is_empty());
}
