//! The whole route table. The first route that fits wins: fixed names before endpoints and type names.
//!
//! `{resource}` and `{name}` are any segment, `{id}` is a UUID, `{*rest}` is whatever follows. `by` hands the handler the
//! caller that its signature asks for, `open` asks nobody who they are.

use crate::handlers::{
    auth, batch, call, docs, documents, health, info, items, landing, metrics, openapi, types, uploads,
};
use crate::router::{Route, at, by, open};

/// A method that a route offers, and the pattern of the route's path.
pub type Offer = (String, &'static str);

/// Everything that the server offers, for checks that leave nothing out.
pub fn offers() -> Vec<Offer> {
    table().iter().flat_map(Route::offers).collect()
}

pub(crate) fn table() -> Vec<Route> {
    vec![
        at("/").get(open(landing::show)),
        at("/healthz").get(open(health::alive)),
        at("/readyz").get(open(health::ready)),
        at("/metrics").get(open(metrics::show)),
        at("/docs").get(open(docs::page)),
        at("/docs/{name}").get(open(docs::asset)),
        at("/api/openapi.json").get(by(openapi::document)),
        at("/api/auth").get(by(auth::show)).post(open(auth::sign_in)).delete(open(auth::sign_out)),
        at("/api/auth/factor").post(open(auth::factor)),
        at("/api/auth/refresh").post(open(auth::refresh)),
        at("/api/auth/token").post(open(auth::token)),
        at("/api/auth/totp")
            .get(by(auth::call::get))
            .post(by(auth::call::post))
            .delete(by(auth::call::delete)),
        at("/api/auth/totp/confirm").post(by(auth::call::post)),
        at("/api/auth/totp/recovery").post(by(auth::call::post)),
        at("/api/auth/passkeys").get(by(auth::call::get)).post(by(auth::call::post)),
        at("/api/auth/passkeys/confirm").post(by(auth::call::post)),
        at("/api/auth/passkeys/options").post(open(auth::call::post_as_nobody)),
        at("/api/auth/passkeys/sign-in").post(open(auth::passkey)),
        at("/api/auth/passkeys/{name}").delete(by(auth::call::delete)),
        at("/api/auth/sessions").get(by(auth::call::get)).delete(by(auth::call::delete)),
        at("/api/auth/sessions/{id}").delete(by(auth::call::delete)),
        at("/api/auth/providers").get(by(auth::call::get)),
        at("/api/auth/oidc/{id}/start").get(open(auth::elsewhere::start)),
        at("/api/auth/oidc/{id}/link").post(by(auth::elsewhere::link)),
        at("/api/auth/oidc/callback").get(open(auth::elsewhere::callback)),
        at("/api/auth/oidc/token").post(open(auth::elsewhere::token)),
        at("/api/auth/links").get(by(auth::call::get)),
        at("/api/auth/links/{name}").delete(by(auth::call::delete)),
        at("/api/auth/unlock").post(by(auth::call::post)),
        at("/api/auth/password-reset").post(by(auth::call::post)),
        at("/api/auth/password-reset/confirm").post(by(auth::call::post)),
        at("/api/auth/verify-email").post(by(auth::call::post)),
        at("/api/auth/verify-email/confirm").post(by(auth::call::post)),
        at("/api/auth/{id}").get(open(auth::elsewhere::begin)),
        at("/api/auth/{id}/callback").get(open(auth::elsewhere::own_callback)),
        at("/api/audit").get(by(auth::call::get)),
        at("/api/keys").get(by(auth::call::get)).post(by(auth::call::make)),
        at("/api/keys/{id}").get(by(auth::call::get)).delete(by(auth::call::delete)),
        at("/api/explain").get(by(auth::call::get)),
        at("/api/info").get(by(info::show)),
        at("/api/batch").post(by(batch::run)),
        at("/api/plan").post(by(documents::plan)),
        at("/api/apply").post(by(documents::apply)),
        at("/api/drift").get(by(documents::drift)),
        at("/api/uploads").post(by(uploads::begin)).options(open(uploads::options)),
        at("/api/uploads/{id}")
            .get(by(uploads::look))
            .patch(by(uploads::append))
            .delete(by(uploads::abort))
            .options(open(uploads::options)),
        at("/api/types").get(by(types::list)).post(by(types::create)),
        at("/api/{resource}")
            .get(by(items::list))
            .post(by(items::create))
            .patch(by(items::patch_many))
            .delete(by(items::delete_many)),
        at("/api/{resource}/{id}")
            .get(by(items::get))
            .put(by(items::replace))
            .patch(by(items::patch))
            .delete(by(items::delete)),
        at("/api/{resource}/{id}/items").get(by(items::children)),
        at("/api/{resource}/{id}/history").get(by(items::history)),
        at("/api/{resource}/{id}/data")
            .get(by(items::data::read))
            .put(by(items::data::write))
            .delete(by(items::data::delete)),
        at("/api/{resource}/{id}/acl").get(by(items::get_grants)).put(by(items::set_grants)),
        at("/api/types/{name}")
            .get(by(types::get))
            .put(by(types::replace))
            .patch(by(types::patch))
            .delete(by(types::delete)),
        at("/api/types/{name}/acl")
            .get(by(types::get_grants))
            .put(by(types::set_grants))
            .delete(by(types::reset_grants)),
        at("/api/{resource}/aggregate").get(by(items::aggregate)),
        at("/api/{resource}/{*rest}")
            .get(by(call::get))
            .post(by(call::post))
            .put(by(call::put))
            .patch(by(call::patch))
            .delete(by(call::delete)),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use realnet_core::registry::FIXED_ROUTES;

    use super::offers;

    /// What types may not be called, so that each can be reached.
    #[test]
    fn the_registry_knows_all_fixed_routes() {
        let first = |pattern: &'static str| pattern.strip_prefix("/api/")?.split('/').next();
        let offered = offers();
        let fixed =
            offered.iter().filter_map(|(_, pattern)| first(pattern)).filter(|name| !name.starts_with('{'));
        assert_eq!(fixed.collect::<BTreeSet<&str>>(), BTreeSet::from(FIXED_ROUTES));
    }
}
