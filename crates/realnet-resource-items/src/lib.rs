#![doc = include_str!("../README.md")]

use realnet_core::resource::Resource;

/// The resource of module `items`: plain items, without rules of their own.
///
/// Everything that it does is the default behaviour of [`Resource`]; other resources start from it as well.
#[derive(Debug, Clone, Copy, Default)]
pub struct Items;

impl Resource for Items {
    fn name(&self) -> &'static str {
        "items"
    }
}
