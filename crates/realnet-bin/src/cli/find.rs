//! Accounts, groups and roles by what people call them.

use realnet_client::{Client, ListQuery};

use super::{Failure, check_id, output};

/// The id of an account that is given by its id or its username.
pub async fn account(client: &Client, given: &str) -> Result<String, Failure> {
    if check_id(given).is_ok() { Ok(given.to_owned()) } else { by_name(client, "account", given).await }
}

/// The id of the `account`, `group` or `role` of a name. Of groups and roles the case does not matter where it makes no difference.
pub async fn by_name(client: &Client, kind: &str, name: &str) -> Result<String, Failure> {
    let field = if kind == "account" { "username" } else { "name" };
    let find = async |operator: &str| {
        let query = ListQuery::default().with(field, format!("{operator}.{name}")).with("limit", "2");
        client.list(kind, &query).await.map(|page| page.items)
    };
    let mut found = find("eq").await?;
    // An asterisk would stand for others.
    if found.is_empty() && !name.contains('*') {
        found = find("ilike").await?;
    }
    match found.as_slice() {
        [one] => Ok(output::cell(&one["id"])),
        [] => Err(format!("there is no {kind} {name} that you can see: an id works as well").into()),
        _ => Err(format!("several are called {name}: give an id").into()),
    }
}
