//! Access control as SQL: the same rule as `acl::decide`, for the permission to read.
//!
//! Grants on types are known before the query runs, so most lists check nothing but the visibility of a row. Grants on
//! items, ownership and public items are rows of `grants`.

use std::sync::Arc;

use realnet_core::acl::{Caller, ClassAccess, OrgRole, Permission, Subject};
use realnet_core::query::{OrgScope, Property};
use uuid::Uuid;

use super::Request;
use super::source::Names;
use crate::dialect::Dialect;
use crate::principal::{principal, principals};
use crate::row::RESTRICTED;
use crate::statement::Statement;

/// What has to be checked of each row before the caller may see it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Check {
    /// Nothing: the caller may read everything in scope.
    Nothing,
    /// Type grants and item grants, in SQL.
    Grants(ClassCheck),
    /// The whole rule, by the core: for scopes that SQL does not compile.
    Decide,
}

/// What the type grants say for each type of a query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ClassCheck {
    pub org: Uuid,
    pub principals: Vec<Vec<u8>>,
    /// Types whose grants cover all their items.
    pub open: Vec<Uuid>,
    /// Types whose grants cover none of their items.
    pub closed: Vec<Uuid>,
    /// Types with instances that differ: whether the rest is covered, and the lower-case names of those that differ.
    pub mixed: Vec<(Uuid, bool, Vec<String>)>,
}

impl Check {
    /// What is to check for the types of a request.
    pub(super) fn of(request: Request<'_>) -> Self {
        let caller = &request.access.caller;
        // What a key leaves of the role is a matter of the query's types: see `scope::readable`.
        if caller.has_role(OrgRole::Superuser) {
            return Self::Nothing;
        }
        let OrgScope::One(org) = request.scope else { return Self::Decide };
        if caller.is_member_of(org) && caller.has_role(OrgRole::Admin) {
            return Self::Nothing;
        }
        Self::Grants(ClassCheck::of(request, org))
    }

    /// The check for some of the types only.
    pub(super) fn restricted_to(&self, types: &[Uuid]) -> Self {
        match self {
            Self::Grants(check) => {
                let mut check = check.clone();
                check.open.retain(|id| types.contains(id));
                check.closed.retain(|id| types.contains(id));
                check.mixed.retain(|(id, ..)| types.contains(id));
                Self::Grants(check)
            }
            other => other.clone(),
        }
    }

    /// Whether few rows may pass.
    pub(super) fn is_sparse(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Grants(check) => !check.closed.is_empty() || !check.mixed.is_empty(),
            Self::Decide => true,
        }
    }

    /// Adds the condition, with `AND` before it.
    pub(super) fn write(&self, names: &Names<'_>, statement: &mut Statement) {
        if let Self::Grants(check) = self {
            statement.push(" AND (");
            if check.write_classes(names, statement) {
                statement.push(" OR ");
            }
            check.write_grants(names, statement);
            statement.push(")");
        }
    }
}

impl ClassCheck {
    fn of(request: Request<'_>, org: Uuid) -> Self {
        let Request { access, query, .. } = request;
        let mut check = Self {
            org,
            principals: principals_in(&access.caller, org),
            open: Vec::new(),
            closed: Vec::new(),
            mixed: Vec::new(),
        };
        for id in &query.types {
            let Some(info) = access.registry.by_id(*id) else {
                check.closed.push(*id);
                continue;
            };
            let class = ClassAccess::of(&access.registry, info, &access.caller, org, Permission::Read);
            if class.exceptions.is_empty() {
                let list = if class.by_type { &mut check.open } else { &mut check.closed };
                list.push(*id);
            } else {
                let names: Vec<Arc<str>> = class.exceptions.into_iter().map(|(name, _)| name).collect();
                let names = names.iter().map(|name| name.to_ascii_lowercase()).collect();
                check.mixed.push((*id, class.by_type, names));
            }
        }
        check
    }

    /// The part of the rule that type grants decide; answers whether there is any.
    fn write_classes(&self, names: &Names<'_>, statement: &mut Statement) -> bool {
        if self.open.is_empty() && self.mixed.is_empty() {
            return false;
        }
        statement.push(format!("({} <> {RESTRICTED}", names.column(Property::Visibility)));
        if !self.closed.is_empty() || !self.mixed.is_empty() {
            statement.push(" AND (");
            self.write_open(names, statement);
            for mixed in &self.mixed {
                statement.push(" OR ");
                write_mixed(mixed, names, statement);
            }
            statement.push(")");
        }
        statement.push(")");
        true
    }

    /// That the type is an open one: by the shorter list of the two, as every row is of a type of the query.
    fn write_open(&self, names: &Names<'_>, statement: &mut Statement) {
        let others: Vec<Uuid> =
            self.closed.iter().copied().chain(self.mixed.iter().map(|(id, ..)| *id)).collect();
        let column = names.column(Property::Type);
        if self.open.is_empty() {
            statement.push("1 = 0");
        } else if self.open.len() <= others.len() {
            names.dialect().ids_in(column, &self.open, statement);
        } else {
            statement.push("NOT (");
            names.dialect().ids_in(column, &others, statement);
            statement.push(")");
        }
    }

    fn write_grants(&self, names: &Names<'_>, statement: &mut Statement) {
        statement.push("EXISTS (SELECT 1 FROM grants a WHERE a.org = ").bind(self.org.into());
        write_principals("a", &self.principals, statement);
        statement.push(format!(
            " AND a.type = {} AND a.item = {} AND (a.perms & {}) <> 0{})",
            names.column(Property::Type),
            names.column(Property::Id),
            Permission::Read as u8,
            names.dialect().end_of_exists()
        ));
    }

    /// The rows `g`: distinct items of the closed types that the caller has a grant on.
    pub(super) fn write_granted(&self, dialect: &dyn Dialect, statement: &mut Statement) {
        let entry = dialect.row_of_entry();
        statement.push("SELECT DISTINCT g.item AS item");
        if entry != "item" {
            statement.push(format!(", g.{entry} AS {entry}"));
        }
        statement.push(" FROM grants g");
        self.write_grant_conditions(dialect, statement);
    }

    /// Counts grant rows up to `limit`.
    pub(super) fn probe(&self, dialect: &dyn Dialect, limit: usize) -> Statement {
        let mut statement = Statement::of("SELECT count(*) FROM (SELECT 1 FROM grants g");
        self.write_grant_conditions(dialect, &mut statement);
        statement.push(format!(" LIMIT {limit}) p"));
        statement
    }

    fn write_grant_conditions(&self, dialect: &dyn Dialect, statement: &mut Statement) {
        statement.push(" WHERE g.org = ").bind(self.org.into());
        write_principals("g", &self.principals, statement);
        statement.push(" AND ");
        dialect.ids_in("g.type", &self.closed, statement);
        statement.push(format!(" AND (g.perms & {}) <> 0", Permission::Read as u8));
    }
}

fn write_mixed(mixed: &(Uuid, bool, Vec<String>), names: &Names<'_>, statement: &mut Statement) {
    let (id, by_type, exceptions) = mixed;
    statement.push(format!("({} = ", names.column(Property::Type))).bind((*id).into());
    let instance = names.column(Property::Instance);
    // lower() folds ASCII in both stores, as the registry does.
    if *by_type {
        statement.push(format!(" AND ({instance} IS NULL OR lower({instance}) NOT IN ("));
    } else {
        statement.push(format!(" AND (lower({instance}) IN ("));
    }
    write_list(exceptions.iter().map(|name| name.as_str().into()), statement);
    statement.push(")))");
}

fn write_principals(alias: &str, principals: &[Vec<u8>], statement: &mut Statement) {
    statement.push(format!(" AND {alias}.principal IN ("));
    write_list(principals.iter().map(|principal| principal.clone().into()), statement);
    statement.push(")");
}

/// Bound values between commas.
pub(super) fn write_list(values: impl Iterator<Item = crate::statement::Bind>, statement: &mut Statement) {
    for (index, value) in values.enumerate() {
        if index > 0 {
            statement.push(", ");
        }
        statement.bind(value);
    }
}

/// The principals whose grants concern the caller in `org`.
fn principals_in(caller: &Caller, org: Uuid) -> Vec<Vec<u8>> {
    if caller.is_member_of(org) { principals(caller) } else { vec![principal(&Subject::Public)] }
}
