//! `realnet acl TYPE [ID]`.

use std::path::{Path, PathBuf};

use realnet_client::Client;
use serde_json::{Value, json};
use structopt::StructOpt;

use super::output::{self, Format};
use super::{Failure, Outcome, ServerAddress, Usage, check_id, documents, find, session};

/// Shows or changes who may do what with an item, or with all items of a type.
#[derive(Debug, StructOpt)]
#[structopt(after_help = "\
EXAMPLES:
    realnet acl recipe                                        what holds for all recipes
    realnet acl recipe --share role:user=read                 all users see all recipes
    realnet acl recipe 0198a7c2-…                             the grants on one
    realnet acl recipe 0198a7c2-… --share account:bob=read,write --revoke group:Cooks
    realnet acl recipe --set grants.json                      [{\"subject\": {\"type\": \"role\", \"id\": \"user\"}, \"permissions\": [\"read\"]}]

WHO is public, org, account:NAME, group:NAME or role:NAME; an id may stand for a name. Permissions are read, write,
delete, share, execute, message, and on a type create. Those of a type come from its base until it has some of its
own: --share and --revoke begin with what holds, and --reset goes back to what is declared. What an item inherits of the
items above it is shown with the item that it stands on, and changed there.")]
pub struct AclCommand {
    #[structopt(flatten)]
    address: ServerAddress,
    /// Adds permissions: WHO=PERMISSION,…
    #[structopt(long, number_of_values = 1, name = "GRANT")]
    share: Vec<String>,
    /// Takes away all that is granted to somebody
    #[structopt(long, number_of_values = 1, name = "WHO")]
    revoke: Vec<String>,
    /// Replaces all grants by those of a file; - reads what is piped in
    #[structopt(long, parse(from_os_str), name = "FILE")]
    set: Option<PathBuf>,
    /// Forgets what was set on a type: what is declared holds again
    #[structopt(long)]
    reset: bool,
    /// How to show it: table, json or csv
    #[structopt(short = "o", long = "output")]
    format: Option<Format>,
    /// Endpoint or type name
    #[structopt(name = "TYPE")]
    resource: String,
    /// The item; none means the type
    #[structopt(name = "ID")]
    id: Option<String>,
}

/// Shows the grants, changed before where that is asked for.
pub async fn run(command: &AclCommand) -> Outcome {
    let ways =
        [command.set.is_some(), command.reset, !command.share.is_empty() || !command.revoke.is_empty()];
    if ways.iter().filter(|way| **way).count() > 1 {
        return Err(Usage("--set, --reset and --share or --revoke exclude each other".to_owned()).into());
    }
    if command.reset && command.id.is_some() {
        return Err(Usage("--reset is for types: an item has its own grants only".to_owned()).into());
    }
    command.id.as_deref().map_or(Ok(()), check_id)?;
    let client = session::connect(&command.address).await?;
    let place = Place { client: &client, type_name: &command.resource, id: command.id.as_deref() };
    let grants = if let Some(file) = &command.set {
        place.set(&read(file)?, None).await?
    } else if command.reset {
        client.reset_grants(&command.resource).await?
    } else if ways[2] {
        place.change(&command.share, &command.revoke).await?
    } else {
        place.get().await?
    };
    show(&grants, Format::or_default(command.format));
    Ok(())
}

fn read(file: &Path) -> Result<Value, Failure> {
    match documents::read(file)? {
        grants @ Value::Array(_) => Ok(grants),
        _ => Err(format!(
            "{}: expected a list of grants: [{{\"subject\": …, \"permissions\": […]}}]",
            file.display()
        )
        .into()),
    }
}

fn show(grants: &Value, format: Format) {
    if format == Format::Json {
        output::document(grants, format);
        return;
    }
    let list = || grants.as_array().into_iter().flatten();
    let is_any_inherited = list().any(is_inherited);
    let row = |grant: &Value| {
        let permissions = grant["permissions"].as_array().into_iter().flatten().map(output::cell);
        let permissions = permissions.collect::<Vec<_>>().join(", ");
        let subject = &grant["subject"];
        let mut row = json!({"who": subject["type"], "id": subject["id"], "permissions": permissions});
        if is_any_inherited {
            row["inherited_from"] = source(grant);
        }
        row
    };
    let rows: Vec<Value> = list().map(row).collect();
    if rows.is_empty() {
        output::error("no grants: owners and administrators remain");
    } else {
        let columns = ["who", "id", "permissions", "inherited_from"];
        output::rows(&rows, &columns[..if is_any_inherited { 4 } else { 3 }], format);
    }
}

/// The item above that a grant stands on, as far as that may be known.
fn source(grant: &Value) -> Value {
    match &grant["from"] {
        Value::Null if is_inherited(grant) => json!("above"),
        from => from.clone(),
    }
}

/// Whether a grant stands on an item above, and not on this one.
fn is_inherited(grant: &Value) -> bool {
    grant["inherited"] == true
}

/// What the grants are on.
struct Place<'a> {
    client: &'a Client,
    type_name: &'a str,
    id: Option<&'a str>,
}

impl Place<'_> {
    fn address(&self) -> (&str, &str) {
        self.id.map_or(("types", self.type_name), |id| (self.type_name, id))
    }

    async fn get(&self) -> Result<Value, Failure> {
        let (resource, id) = self.address();
        Ok(self.client.grants(resource, id).await?)
    }

    async fn set(&self, grants: &Value, version: Option<i64>) -> Result<Value, Failure> {
        let (resource, id) = self.address();
        Ok(self.client.set_grants(resource, id, grants, version).await?)
    }

    /// Changes the grants that are there. Those of an item only if nobody else has changed it meanwhile.
    async fn change(&self, share: &[String], revoke: &[String]) -> Result<Value, Failure> {
        let version = match self.id {
            Some(id) => self.client.get(self.type_name, id).await?["version"].as_i64(),
            None => None,
        };
        let mut grants = match self.get().await? {
            Value::Array(grants) => grants,
            _ => Vec::new(),
        };
        grants.retain(|grant| !is_inherited(grant));
        for who in revoke {
            let subject = self.subject(who).await?;
            let before = grants.len();
            grants.retain(|grant| !is_same(&grant["subject"], &subject));
            if grants.len() == before {
                output::error(&format!("nothing is granted to {who}"));
            }
        }
        for grant in share {
            let Some((who, permissions)) = grant.rsplit_once('=') else {
                return Err(Usage(format!(
                    "'{grant}' is no grant: expected WHO=PERMISSION,…, such as role:user=read"
                ))
                .into());
            };
            add(&mut grants, &self.subject(who).await?, permissions);
        }
        self.set(&Value::from(grants), version).await
    }

    /// `role:user` as a subject. On types, groups and roles go by name; on items, everything goes by id.
    async fn subject(&self, who: &str) -> Result<Value, Failure> {
        let (kind, name) = who.split_once(':').unwrap_or((who, ""));
        match (kind, name) {
            ("public", "") => Ok(json!({"type": "public"})),
            ("org", "") => Ok(json!({"type": "org", "id": self.client.whoami().await?["account"]["org"]})),
            ("org", id) => Ok(json!({"type": "org", "id": id})),
            ("account" | "group" | "role", name) if !name.is_empty() => {
                let is_named = self.id.is_none() && kind != "account";
                let id = if is_named || check_id(name).is_ok() {
                    name.to_owned()
                } else {
                    find::by_name(self.client, kind, name).await?
                };
                Ok(json!({"type": kind, "id": id}))
            }
            _ => {
                let expected = "expected public, org, account:NAME, group:NAME or role:NAME";
                Err(Usage(format!("'{who}' is nobody: {expected}")).into())
            }
        }
    }
}

/// Adds to what the subject has, or as a new grant.
fn add(grants: &mut Vec<Value>, subject: &Value, permissions: &str) {
    let permissions: Vec<Value> = permissions.split(',').map(|one| one.trim().into()).collect();
    let Some(grant) = grants.iter_mut().find(|grant| is_same(&grant["subject"], subject)) else {
        grants.push(json!({"subject": subject, "permissions": permissions}));
        return;
    };
    if let Value::Array(held) = &mut grant["permissions"] {
        held.extend(permissions.into_iter().filter(|one| !held.contains(one)).collect::<Vec<_>>());
    }
}

/// Groups and roles of types compare without regard to case.
fn is_same(one: &Value, other: &Value) -> bool {
    let id = |subject: &Value| subject["id"].as_str().map(str::to_lowercase);
    one["type"] == other["type"] && id(one) == id(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_added_to_those_that_are_there() {
        let user = json!({"type": "role", "id": "User"});
        let mut grants = vec![json!({"subject": user, "permissions": ["create"]})];
        add(&mut grants, &json!({"type": "role", "id": "user"}), "read, create");
        add(&mut grants, &json!({"type": "public"}), "read");
        assert_eq!(
            grants,
            [
                json!({"subject": user, "permissions": ["create", "read"]}),
                json!({"subject": {"type": "public"}, "permissions": ["read"]})
            ]
        );
    }
}
