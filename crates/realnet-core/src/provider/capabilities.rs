//! What a store can do by itself; checked in one place instead of failing in the middle.

/// Declared by each store. What is `false` is refused with a clear error that names the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "independent abilities")]
pub struct Capabilities {
    /// Name of the store, for messages: `sqlite`, `postgresql`, `memory`.
    pub name: &'static str,
    /// Full text search.
    pub search: bool,
    /// Geography.
    pub geography: bool,
    /// Survives the end of the process.
    pub durable: bool,
    /// May be used by several processes at once.
    pub shared: bool,
    /// Builds the indexes of new fields of many items behind the commit.
    pub builds_behind: bool,
}
