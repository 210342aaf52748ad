//! Where things are: the checkout, and the cache folder outside of it.

use std::env;
use std::path::{Path, PathBuf};

/// The root of the checkout.
pub fn root() -> PathBuf {
    let own = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    own.parent().map_or(own.clone(), Path::to_path_buf)
}

/// The folder for what outlives a checkout: `$XDG_CACHE_HOME/realnet`, by default
/// `~/.cache/realnet`.
pub fn cache() -> Result<PathBuf, String> {
    let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    folder("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| folder("HOME").map(|home| Path::new(&home).join(".cache")))
        .map(|base| base.join("realnet"))
        .ok_or_else(|| "neither XDG_CACHE_HOME nor HOME is set".into())
}
