//! Second factors whose secrets no key opens any more: no code would ever be right.

use realnet_core::acl::Origin;
use realnet_core::provider::{AuthEvent, AuthRecord, EventKind, RecordKind};
use realnet_core::resource::Services;
use realnet_core::{Result, Uuid};
use serde_json::json;

use super::kept::{Factor, key};
use crate::directory::Directory;

/// Records that are read at a time.
const PAGE: usize = 200;

/// How many accounts have a factor that does not open.
pub(crate) async fn lost(services: &Services) -> Result<usize> {
    let mut count = 0;
    for org in Directory::new(services).all_orgs().await? {
        let mut after = None;
        while let Some(page) = next(services, org, &mut after).await? {
            count += page.iter().filter(|record| is_on(record) && is_lost(services, record)).count();
        }
    }
    Ok(count)
}

/// Takes away the factors that do not open, with their recovery codes. `with_codes`: the codes of all the others as well, since no
/// digest of one is made as before.
pub(crate) async fn give_up(services: &Services, with_codes: bool) -> Result<()> {
    for org in Directory::new(services).all_orgs().await? {
        let mut after = None;
        while let Some(page) = next(services, org, &mut after).await? {
            for record in &page {
                let is_lost = is_lost(services, record);
                if is_lost || with_codes {
                    drop_codes(services, record).await?;
                }
                if is_lost {
                    remove(services, org, record).await?;
                }
            }
        }
    }
    Ok(())
}

/// The next factors of an org; `None` at the end.
async fn next(services: &Services, org: Uuid, after: &mut Option<String>) -> Result<Option<Vec<AuthRecord>>> {
    let (records, now) = (&services.credentials, services.clock.now());
    let page = records.records_in(org, RecordKind::Factor, after.as_deref(), PAGE, now).await?;
    let Some(last) = page.last() else { return Ok(None) };
    *after = Some(last.key.clone());
    Ok(Some(page))
}

/// Whether it is turned on, and not one that waits for its first code.
fn is_on(record: &AuthRecord) -> bool {
    record.account.is_some_and(|account| record.key == key(account))
}

fn is_lost(services: &Services, record: &AuthRecord) -> bool {
    record.account.is_some_and(|account| Factor::read(&services.secrets, account, record).is_err())
}

async fn drop_codes(services: &Services, record: &AuthRecord) -> Result<()> {
    let (records, now) = (&services.credentials, services.clock.now());
    let Some(account) = record.account else { return Ok(()) };
    for code in records.records_of(account, RecordKind::Recovery, now).await? {
        records.remove_record(RecordKind::Recovery, &code.key).await?;
    }
    Ok(())
}

async fn remove(services: &Services, org: Uuid, record: &AuthRecord) -> Result<()> {
    let had = services.credentials.remove_record(RecordKind::Factor, &record.key).await?;
    if !had || !is_on(record) {
        return Ok(());
    }
    let event = AuthEvent {
        id: services.ids.next_id(),
        org,
        account: record.account,
        kind: EventKind::FactorRemoved,
        origin: Origin::new("console"),
        detail: json!({"by": "operator"}),
        at: services.clock.now(),
    };
    services.credentials.append_event(event).await
}
