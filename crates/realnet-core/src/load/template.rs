//! What every new org starts with: the items of the initialization files.

use std::sync::Arc;

use uuid::Uuid;

use super::document::Document;
use super::plan::{Options, State, Target, plan};
use crate::acl::Caller;
use crate::change::Operation;
use crate::clock::IdSource;
use crate::error::Result;
use crate::registry::TypeRegistry;
use crate::secret::Secrets;

/// The documents whose items each org gets. Whoever creates an org applies [`OrgTemplate::operations`] in the same
/// change set.
#[derive(Debug, Clone, Default)]
pub struct OrgTemplate(Arc<[Document]>);

impl OrgTemplate {
    /// A template of documents whose types are applied already.
    pub fn new(documents: impl Into<Arc<[Document]>>) -> Self {
        Self(documents.into())
    }

    /// The documents.
    pub fn documents(&self) -> &[Document] {
        &self.0
    }

    /// The operations that give a new org, one without any item, its items, in order. The change set is to be
    /// committed as the system: the items have no owner.
    pub fn operations(
        &self,
        registry: &Arc<TypeRegistry>,
        org: Uuid,
        ids: &dyn IdSource,
        secrets: &Secrets,
    ) -> Result<Vec<Operation>> {
        let target = Target { caller: Arc::new(Caller::system(org)), org, layer: None };
        let (registry, secrets) = (Arc::clone(registry), secrets.clone());
        let state = State { registry, sources: Vec::new(), items: Vec::new(), secrets };
        let options = Options { types: false, ..Options::default() };
        Ok(plan(&state, &self.0, &target, options, ids)?.operations)
    }
}
