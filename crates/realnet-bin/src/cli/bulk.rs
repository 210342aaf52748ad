//! Changing and deleting all items that match a filter: what is common to `realnet update` and `realnet delete`.

use realnet_client::{Client, ListQuery};

use super::output::{self, Format};
use super::{Failure, Usage, confirm};

/// What was asked for besides the filter.
pub struct Wanted {
    /// Only show what it would be.
    pub dry_run: bool,
    /// Do not ask.
    pub yes: bool,
    /// What is about to happen: `delete`, `change`.
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

/// Counts what matches, and asks; answers whether to go on. A dry run shows the first of them and ends here.
pub async fn check(
    client: &Client,
    resource: &str,
    query: &ListQuery,
    wanted: &Wanted,
    format: Option<Format>,
) -> Result<bool, Failure> {
    let page = client.list(resource, &query.clone().with("count", "exact").with("limit", "50")).await?;
    page.notices.iter().for_each(|notice| output::error(&format!("notice: {notice}")));
    let total = page.total.unwrap_or(page.items.len() as u64);
    let items = if total == 1 { "1 item".to_owned() } else { format!("{total} items") };
    let Wanted { dry_run, yes, verb } = wanted;
    if *dry_run {
        output::items(&page.items, Format::or_default(format));
        output::error(&format!("would {verb} {items} of {resource}; nothing was changed"));
        return Ok(false);
    }
    if total == 0 {
        output::error("nothing matches");
        return Ok(false);
    }
    confirm::ask(&format!("This will {verb} {items} of {resource}."), *yes)?;
    Ok(true)
}
