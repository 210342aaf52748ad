//! The audit of an org: changes of items and events around signing in, in one list, newest first, for administrators.
//!
//! Both come from logs that nobody can write to. What values a change had is in the history of the item, under the access
//! rules of that; here stands who did what, when, from where and with which token.

mod entry;
mod logs;
mod request;

use std::sync::Arc;

use realnet_core::provider::EventKind;
use realnet_core::resource::{Context, ListRequest};
use realnet_core::{Error, ErrorKind, Result, Uuid};
use serde_json::{Value, json};

use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::sessions::{from, signed_in};

use self::entry::Entry;
use self::logs::Logs;
use self::request::{Position, Wanted};

impl Accounts {
    /// A page of the audit: `{"entries": […], "next": cursor or null}`. A page may be short and still have a next one,
    /// when the logs are long and little in them is asked for.
    pub(crate) async fn audit(&self, cx: &Context, parameters: &ListRequest) -> Result<Value> {
        signed_in(cx.caller())?;
        if !cx.caller().is_admin() {
            return Err(Error::forbidden("the audit is for administrators"));
        }
        let wanted = Wanted::parse(parameters)?;
        let org = self.audited_org(cx, wanted.org.as_deref()).await?;
        let logs = Logs { services: &self.services, caller: cx.caller(), org, wanted: &wanted };
        let changes = logs.changes().await?;
        let events = logs.events(changes.not_before).await?;
        let (mut entries, next) = merge(&wanted, changes, events);
        self.name_accounts(cx, &mut entries).await?;
        if wanted.export && wanted.cursor == Position::default() {
            let detail = json!({"org": org});
            self.tell(EventKind::AuditExported, cx.caller().org, cx.caller().account, &from(cx), detail)
                .await;
        }
        Ok(json!({"entries": entries.into_iter().map(Entry::into_shown).collect::<Vec<_>>(), "next": next}))
    }

    /// The org whose audit is asked for: one's own, unless a superuser names another.
    async fn audited_org(&self, cx: &Context, named: Option<&str>) -> Result<Uuid> {
        let Some(name) = named else { return Ok(cx.caller().org) };
        let not_there = || Error::new(ErrorKind::NotFound, format!("there is no org {name:?}"));
        let org = Directory::new(&self.services).org(name).await?.ok_or_else(not_there)?;
        if org == cx.caller().org || cx.caller().is_superuser() { Ok(org) } else { Err(not_there()) }
    }

    /// Adds the names of accounts that are still there. Where a superuser comes from is for superusers.
    async fn name_accounts(&self, cx: &Context, entries: &mut [Entry]) -> Result<()> {
        let mut ids: Vec<Uuid> = entries.iter().filter_map(|entry| entry.account).collect();
        ids.sort_unstable();
        ids.dedup();
        let directory = Directory::at(&self.services, Arc::clone(&cx.access.registry));
        let people = directory.people(&ids).await?;
        for entry in entries {
            let Some((name, is_superuser)) = entry.account.and_then(|id| people.get(&id)) else { continue };
            entry.username = Some(Arc::clone(name));
            if *is_superuser && !cx.caller().is_superuser() {
                entry.hide_origin();
            }
        }
        Ok(())
    }
}

/// The newest entries of both logs, and where the next page begins.
fn merge(
    wanted: &Wanted,
    changes: logs::Found<i64>,
    events: logs::Found<Uuid>,
) -> (Vec<Entry>, Option<String>) {
    // A log of which this page shows nothing begins where it is now, so that no newer entry comes behind older ones.
    let mut next = Position {
        revision: wanted.cursor.revision.or(changes.top),
        event: wanted.cursor.event.or(events.top),
    };
    let (mut entries, mut changes_left, mut events_left) = (Vec::new(), changes.entries, events.entries);
    changes_left.reverse();
    events_left.reverse();
    while entries.len() < wanted.limit {
        let change_is_newer = match (changes_left.last(), events_left.last()) {
            (Some((_, change)), Some((_, event))) => change.at >= event.at,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => break,
        };
        if change_is_newer {
            let Some((revision, entry)) = changes_left.pop() else { break };
            next.revision = Some(revision);
            entries.push(entry);
        } else {
            let Some((id, entry)) = events_left.pop() else { break };
            next.event = Some(id);
            entries.push(entry);
        }
    }
    // What was looked at without finding anything need not be looked at again.
    if changes_left.is_empty() {
        next.revision = changes.looked_down_to.or(next.revision);
    }
    let is_more = !changes_left.is_empty() || !events_left.is_empty() || changes.is_more || events.is_more;
    (entries, is_more.then(|| next.to_string()))
}
