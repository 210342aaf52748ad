//! From queries of the core to SQL: which rows to walk, what to check in SQL, and what is left to the core.
//!
//! Where it stands: a store's `list` makes a [`Request`], which [`requests`] may split by org, gives it to [`analyse`], runs the
//! probes (bounded counts), lets
//! [`Analysis::choose`] pick the sources, runs the statements of each [`Part`] and pushes the rows into the
//! collector of [`crate::page`]. What is pushed into SQL is exact; everything else stays a residual predicate that the
//! core evaluates on each row.

mod access;
mod aggregate;
mod elsewhere;
mod filter;
mod fingerprint;
mod light;
mod order;
mod part;
mod scope;
mod source;
mod strategy;
mod test;
mod walker;

pub(crate) use aggregate::{ByKey, Grouping, Groupings, Way};
pub(crate) use part::Part;
pub(crate) use scope::{nothing, readable, requests};
pub(crate) use strategy::{Analysis, Plan, analyse};
pub(crate) use walker::Walker;

use realnet_core::provider::Access;
use realnet_core::query::{OrgScope, Query};
use uuid::Uuid;

use crate::statement::Statement;

/// How many rows are few, unless a store says otherwise.
pub(crate) const FEW: usize = 1000;

/// What a store knows without asking the database.
pub(crate) trait Catalog: Send + Sync {
    /// The pairs of org and type, of these types, that may hold items; `None` when they are too many or not known.
    fn populated(&self, scope: OrgScope, types: &[Uuid]) -> Option<Vec<(Uuid, Uuid)>>;

    /// What a statement has given that tells how many items there are, if it was asked lately.
    fn size(&self, _statement: &Statement) -> Option<i64> {
        None
    }

    /// So many rows of a source are read and sorted rather than looked for along an index.
    fn few(&self) -> usize {
        FEW
    }
}

/// A list to compile.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    /// On whose behalf.
    pub(crate) access: &'a Access,
    /// What to find.
    pub(crate) query: &'a Query,
    /// Where to find it: within the scope of the query.
    pub(crate) scope: OrgScope,
    /// What the store knows.
    pub(crate) catalog: &'a dyn Catalog,
}

impl<'a> Request<'a> {
    /// The list of a query as it stands.
    pub(crate) fn new(access: &'a Access, query: &'a Query, catalog: &'a dyn Catalog) -> Self {
        Self { access, query, scope: query.scope, catalog }
    }
}
