//! The place where the current registry is found; replaced whole when types change.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::TypeRegistry;

/// A shared pointer to the current [`TypeRegistry`].
#[derive(Clone)]
pub struct RegistryHandle(Arc<ArcSwap<TypeRegistry>>);

impl RegistryHandle {
    /// A handle that starts with `registry`.
    pub fn new(registry: TypeRegistry) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(registry)))
    }

    /// The current registry. A request takes it once and keeps it to its end.
    pub fn current(&self) -> Arc<TypeRegistry> {
        self.0.load_full()
    }

    /// Replaces the registry unless the present one is of a later revision.
    pub fn replace(&self, registry: TypeRegistry) {
        let next = Arc::new(registry);
        self.0.rcu(|present| {
            if present.revision() > next.revision() { Arc::clone(present) } else { Arc::clone(&next) }
        });
    }
}

impl std::fmt::Debug for RegistryHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RegistryHandle(revision {})", self.current().revision())
    }
}
