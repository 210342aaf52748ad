//! Changing and deleting all items that match a filter: what is common to `realnet update` and `realnet delete`.

use realnet_client::{Client, ListQuery};

use super::output::{self, Format};
use super::{Failure, Outcome, Usage, confirm};

/// What was asked for besides the filter.
pub struct Wanted {
    /// Only show what it would be.
    pub dry_run: bool,
    /// Do not ask.
    pub yes: bool,
    /// What is about to happen: `delete`, `change`. With a `d` behind it, what has happened.
    pub verb: &'static str,
}

/// Whether an argument is a filter and no id.
pub fn is_filter(argument: &str) -> bool {
    !argument.starts_with('-') && argument.contains('=')
}

/// `field=op.value …` as a query.
pub fn query(filters: &[String]) -> Result<ListQuery, Failure> {
    filters.iter().try_fold(ListQuery::default(), |query, filter| match filter.split_once('=') {
        Some((name, value)) => Ok(query.with(name, value)),
        None => Err(Usage(format!("'{filter}' is no filter: expected field=value")).into()),
    })
}

/// Counts what matches, asks, and does it. A dry run shows the first of them, and has the server try it.
pub async fn run(
    client: &Client,
    resource: &str,
    query: &ListQuery,
    wanted: &Wanted,
    format: Option<Format>,
    act: impl AsyncFn(&ListQuery) -> Result<u64, realnet_client::Error>,
) -> Outcome {
    let page = client.list(resource, &query.clone().with("count", "exact").with("limit", "50")).await?;
    page.notices.iter().for_each(|notice| output::error(&format!("notice: {notice}")));
    let total = page.total.unwrap_or(page.items.len() as u64);
    let Wanted { dry_run, yes, verb } = wanted;
    if *dry_run {
        let items = items(act(&query.clone().with("dry_run", "true")).await?);
        output::items(&page.items, Format::or_default(format));
        output::error(&format!("would {verb} {items} of {resource}; nothing was changed"));
    } else if total == 0 {
        output::error("nothing matches");
    } else {
        confirm::ask(&format!("This will {verb} {} of {resource}.", items(total)), *yes)?;
        let count = act(query).await?;
        output::error(&format!("{verb}d {count}"));
    }
    Ok(())
}

fn items(count: u64) -> String {
    if count == 1 { "1 item".to_owned() } else { format!("{count} items") }
}
