//! Endpoints of resources that have no type: what is asked of them is a call.

use realnet_core::acl::Caller;

use crate::call::Call;

impl Call {
    /// Whether the endpoint is that of a registered resource and of no type.
    pub(super) fn is_untyped(&self, caller: &Caller) -> bool {
        let name = &self.path.name;
        !name.eq_ignore_ascii_case("items")
            && self.registry().endpoint(caller.org, name).is_none()
            && self.state.dispatcher.resources().module(name).is_ok()
    }
}
