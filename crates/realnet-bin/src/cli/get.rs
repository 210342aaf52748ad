//! `realnet get TYPE [ID] [filters]`.

use realnet_client::{Client, ListQuery};
use structopt::StructOpt;
use structopt::clap::AppSettings;

use super::output::{self, Format};
use super::pages::Pages;
use super::{Failure, Outcome, ServerAddress, Usage, is_types, session};
use crate::wire;

/// Shows an item, or lists items.
#[derive(Debug, StructOpt)]
#[structopt(settings = &[AppSettings::AllowLeadingHyphen], after_help = "\
EXAMPLES:
    realnet get files
    realnet get note 0198a7c2-…
    realnet get note status=open amount=gt.5 order=name limit=10
    realnet get note --search milk --limit 10 -o csv
    realnet get types                      all types;   realnet get types note   the fields of one
    realnet get types --own                types that are not built in
    realnet get types name=rec             types whose names begin so

A filter is field=value or field=op.value with op one of eq neq gt gte lt lte like ilike in is cs not; parameters such
as order, limit, search, near, parent and count work as filters do, also in the form --limit 10. A list has 50 items
unless limit (at most 1000) or --all says otherwise. Tables are cut to the terminal; -o json shows everything.")]
pub struct GetCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    /// How to show it: table, json or csv
    #[structopt(short = "o", long = "output")]
    format: Option<Format>,
    /// All pages, not only the first
    #[structopt(long)]
    all: bool,
    /// Of types, those that are not built in
    #[structopt(long)]
    own: bool,
    /// Endpoint or type name
    #[structopt(name = "TYPE")]
    resource: String,
    /// An id, or filters
    #[structopt(name = "ID or FILTER")]
    arguments: Vec<String>,
}

/// Shows an item, or lists items.
pub async fn run(mut command: GetCommand) -> Outcome {
    command.take_late_flags()?;
    let (id, query) = parse(&command.arguments)?;
    if command.own && (!is_types(&command.resource) || id.is_some()) {
        return Err(Usage("--own is for the list of types: realnet get types --own".to_owned()).into());
    }
    let client = session::connect(&command.address).await?;
    let format = Format::or_default(command.format);
    match id {
        // Types go by their names.
        Some(id) if !is_types(&command.resource) && super::check_id(&id).is_err() => {
            let message = comparison(&id).unwrap_or_else(|| {
                format!("'{id}' is neither an id nor a filter: expected field=value, such as name={id}")
            });
            return Err(Usage(message).into());
        }
        Some(id) => {
            let found = client.get(&command.resource, &id).await;
            if found.as_ref().is_err_and(|error| error.status() == Some(404)) {
                explain_absence(&client);
            }
            output::document(&found?, format);
        }
        None => list(&client, &command, query, format).await?,
    }
    Ok(())
}

/// Why there may be more than is shown.
fn explain_absence(client: &Client) {
    if !client.is_signed_in() {
        output::error("not signed in, so only what is public is there: `realnet login` signs in");
    }
}

impl GetCommand {
    /// Flags behind the type reach the free arguments; take them out again.
    fn take_late_flags(&mut self) -> Result<(), Failure> {
        let mut kept = Vec::new();
        let mut arguments = std::mem::take(&mut self.arguments).into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| Usage(format!("{argument} needs a value")));
            match argument.as_str() {
                "--all" => self.all = true,
                "--own" => self.own = true,
                "-o" | "--output" => self.format = Some(value()?.parse().map_err(Usage)?),
                "--server" => self.address.set(value()?),
                _ => kept.push(argument),
            }
        }
        self.arguments = kept;
        Ok(())
    }
}

/// A lone first argument without `=` is the id; the rest are parameters.
pub(super) fn parse(arguments: &[String]) -> Result<(Option<String>, ListQuery), Failure> {
    let mut id = None;
    let mut query = ListQuery::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let bare = argument.strip_prefix("--");
        match (bare.unwrap_or(argument).split_once('='), bare) {
            (Some((name, _)), None) if name.ends_with(['<', '>', '!']) => {
                return Err(Usage(comparison(argument).unwrap_or_default()).into());
            }
            (Some((name, value)), _) => query = query.with(name, value),
            (None, Some(name)) => {
                let value = rest.next().ok_or_else(|| Usage(format!("--{name} needs a value")))?;
                query = query.with(name, value);
            }
            (None, None) if id.is_none() => id = Some(argument.clone()),
            (None, None) => {
                let message = comparison(argument)
                    .unwrap_or_else(|| format!("'{argument}' is no filter: expected field=value"));
                return Err(Usage(message).into());
            }
        }
    }
    Ok((id, query))
}

/// What `minutes>5` is here, if it is anything like that.
fn comparison(argument: &str) -> Option<String> {
    let signs = [(">=", "gte"), ("<=", "lte"), ("!=", "neq"), (">", "gt"), ("<", "lt")];
    let (name, value, operator) = signs.iter().find_map(|(sign, operator)| {
        let (name, value) = argument.split_once(sign)?;
        Some((name, value, operator))
    })?;
    Some(format!("'{argument}' is no filter: expected field=op.value, here {name}={operator}.{value}"))
}

async fn list(client: &Client, command: &GetCommand, query: ListQuery, format: Format) -> Outcome {
    let mut page = client.list(&command.resource, &query).await?;
    page.notices.iter().for_each(|notice| output::error(&format!("notice: {notice}")));
    let total = page.total;
    let mut items = std::mem::take(&mut page.items);
    let mut pages = Pages::default();
    while let Some(cursor) = page.next.take() {
        if !command.all {
            output::error("there are more: pass --all, or limit and cursor");
            break;
        }
        pages.go_on(cursor)?;
        page = client.list(&command.resource, &pages.of(&query)).await?;
        items.append(&mut page.items);
    }
    if command.own {
        let built_in = wire::built_in_types();
        items.retain(|item| {
            item["layer"] == "org" || !built_in.contains(&output::cell(&item["name"]).to_lowercase())
        });
    }
    if items.is_empty() && format == Format::Csv {
        output::header(query.get("select"));
    } else {
        output::items(&items, format);
    }
    if items.is_empty() {
        explain_absence(client);
    }
    if let Some(total) = total {
        output::error(&format!("{} of {total}", items.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn ids_and_filters_are_told_apart() {
        let (id, query) = parse(&words("42")).unwrap();
        assert_eq!((id.as_deref(), query), (Some("42"), ListQuery::default()));
        let (id, query) = parse(&words("a=eq.1 --limit 10 --order=name")).unwrap();
        assert_eq!(id, None);
        assert_eq!(query, ListQuery::default().with("a", "eq.1").with("limit", "10").with("order", "name"));
    }

    #[test]
    fn a_word_too_many_is_usage() {
        assert!(parse(&words("a b")).unwrap_err().is::<Usage>());
        assert!(parse(&words("--limit")).unwrap_err().is::<Usage>());
    }

    #[test]
    fn signs_lead_to_operators() {
        for (typed, meant) in [
            ("minutes>5", "minutes=gt.5"),
            ("minutes>=5", "minutes=gte.5"),
            ("minutes<=5", "minutes=lte.5"),
            ("name!=a=b", "name=neq.a=b"),
        ] {
            assert!(comparison(typed).unwrap().ends_with(meant), "{typed}");
        }
        assert!(parse(&words("minutes>=5")).unwrap_err().to_string().contains("minutes=gte.5"));
        assert!(parse(&words("42 minutes<5")).unwrap_err().to_string().contains("minutes=lt.5"));
        assert!(parse(&words("name=a>=b")).is_ok(), "what stands in a value is a value");
    }
}
