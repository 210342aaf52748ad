//! `realnet aggregate TYPE [filters] --select … --group …`.

use realnet_client::ListQuery;
use structopt::StructOpt;

use super::output::{self, Format};
use super::{Failure, Outcome, ServerAddress, Usage, get, session};

/// Counts, sums up and compares items, by group.
#[derive(Debug, StructOpt)]
#[structopt(after_help = "\
EXAMPLES:
    realnet aggregate note                                     how many there are
    realnet aggregate note --group status
    realnet aggregate note amount=gt.5 --select 'count(),sum(amount),max(created_at)' --group status,type -o csv

Figures are count(), count(x), sum(x), avg(x), min(x) and max(x). Filters are those of `realnet get`; only items that may be
read count. Absent values are a group of their own, the last one.")]
pub struct AggregateCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    /// What is told of each group [default: count()]
    #[structopt(long = "select", name = "FIGURES")]
    select: Option<String>,
    /// What items are grouped by, with commas between
    #[structopt(long = "group", name = "NAMES")]
    group: Option<String>,
    /// How to show it: table, json or csv
    #[structopt(short = "o", long = "output", name = "FORMAT")]
    format: Option<Format>,
    /// Endpoint or type name
    #[structopt(name = "TYPE")]
    resource: String,
    /// Filters: field=op.value
    #[structopt(name = "FILTER")]
    filters: Vec<String>,
}

impl AggregateCommand {
    fn select(&self) -> &str {
        self.select.as_deref().unwrap_or("count()")
    }
}

/// Asks for the figures and shows them.
pub async fn run(command: &AggregateCommand) -> Outcome {
    let query = query(command)?;
    let client = session::connect(&command.address).await?;
    let answer = client.aggregate(&command.resource, &query).await?;
    answer.notices.iter().for_each(|notice| output::error(&format!("notice: {notice}")));
    let groups = command.group.as_deref().into_iter().flat_map(|names| names.split(','));
    let columns: Vec<&str> = groups.chain(figures(command.select())).map(str::trim).collect();
    output::columns(&answer.items, &columns, Format::or_default(command.format));
    Ok(())
}

fn query(command: &AggregateCommand) -> Result<ListQuery, Failure> {
    let (word, filters) = get::parse(&command.filters)?;
    if let Some(word) = word {
        return Err(Usage(format!("'{word}' is no filter: expected field=value")).into());
    }
    let query = filters.with("select", command.select());
    Ok(match &command.group {
        Some(group) => query.with("group", group.as_str()),
        None => query,
    })
}

/// The figures, one by one: `sum(a)`, `max(b)`.
fn figures(select: &str) -> impl Iterator<Item = &str> {
    select.split_inclusive(')').map(|figure| figure.trim_start_matches(','))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_apart() {
        let told: Vec<&str> = figures("count(),sum(a.b),max(c)").collect();
        assert_eq!(told, ["count()", "sum(a.b)", "max(c)"]);
    }
}
