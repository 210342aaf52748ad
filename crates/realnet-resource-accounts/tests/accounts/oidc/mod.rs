//! Signing in at providers of identities: the way there and back, and everything that can be done to it.

mod accounts;
mod attacks;
mod factor;
mod idp;
mod links;
mod lost;
mod programs;
mod providers;

use std::sync::Arc;

use realnet_core::acl::Caller;
use realnet_core::resource::{
    Arrival, Arrived, Authenticator, Context, Departed, Departure, ListRequest, Services, Tokens,
};
use realnet_core::{Result, Uuid};
use realnet_resource_accounts::{AccountsConfig, MailConfig};
use serde_json::{Value, json};

use crate::world::{StoppedClock, World, config, empty_store, from, id_of};
use idp::{CLIENT, Idp, Net, SECRET};

const ISSUER: &str = "https://idp.test";
const OTHER: &str = "https://other.test";

/// An org with a provider, and another provider elsewhere.
struct Place {
    world: World,
    idp: Arc<Idp>,
    other: Arc<Idp>,
    provider: Uuid,
}

/// Where the application is; it sends no mail.
fn app() -> MailConfig {
    MailConfig { public_url: Some("https://app.test/".parse().unwrap()), ..Default::default() }
}

/// A browser on its way.
type Pairs = Vec<(String, String)>;

impl Place {
    /// With these settings of the provider's item.
    async fn with(settings: Value) -> Self {
        Self::mailing(app(), settings).await
    }

    /// With this way to send mail as well.
    async fn mailing(mail: MailConfig, settings: Value) -> Self {
        Self::on(empty_store().await, mail, settings).await
    }

    /// The same on a store that has types and nothing else.
    async fn on(store: (Services, Arc<StoppedClock>), mail: MailConfig, settings: Value) -> Self {
        let world = World::on(store, AccountsConfig { mail, bcrypt_cost: 4, ..config() }).await;
        let (idp, other) = (Idp::new(ISSUER, &world.clock), Idp::new(OTHER, &world.clock));
        world.accounts.reach_providers_by(Arc::new(Net(vec![idp.clone(), other.clone()])));
        let mut item =
            json!({"name": "Example", "issuer": ISSUER, "client_id": CLIENT, "client_secret": SECRET});
        item.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let provider = id_of(&world.create(&world.admin, "auths", item).await.unwrap());
        Self { world, idp, other, provider }
    }

    async fn new() -> Self {
        Self::with(json!({"create_accounts": true})).await
    }

    fn context(&self, caller: &Arc<Caller>) -> Context {
        let cx = Context::new(&self.world.services, caller.clone(), Arc::from("test"));
        cx.with_origin(Arc::new(from("192.0.2.1").with_token(caller.session)))
    }

    async fn leave(&self, caller: &Arc<Caller>, links: bool, pairs: &[(&str, &str)]) -> Result<Departed> {
        self.leave_proving(caller, links, pairs, [None, None]).await
    }

    /// The same with password and code.
    async fn leave_proving(
        &self,
        caller: &Arc<Caller>,
        links: bool,
        pairs: &[(&str, &str)],
        proofs: [Option<&str>; 2],
    ) -> Result<Departed> {
        let [current_password, code] = proofs.map(|proof| proof.map(str::to_owned));
        let parameters =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let parameters = ListRequest { parameters };
        let departure = Departure { parameters, links, current_password, code, ..self.departure() };
        self.depart(caller, departure).await
    }

    /// A plain one.
    fn departure(&self) -> Departure {
        Departure {
            provider: self.provider,
            parameters: ListRequest::default(),
            links: false,
            current_password: None,
            code: None,
            base: None,
            own_callback: false,
        }
    }

    async fn depart(&self, caller: &Arc<Caller>, departure: Departure) -> Result<Departed> {
        Authenticator::depart(&*self.world.accounts, &self.context(caller), departure).await
    }

    async fn start(&self) -> Departed {
        self.leave(&self.world.stranger(), false, &[("return_to", "/home?x=1")]).await.unwrap()
    }

    async fn come_back(&self, brought: &Pairs, binding: Option<&str>) -> Result<Arrived> {
        self.come_back_to(None, brought, binding).await
    }

    /// To the own address of a provider, if it has one.
    async fn come_back_to(
        &self,
        provider: Option<Uuid>,
        brought: &Pairs,
        binding: Option<&str>,
    ) -> Result<Arrived> {
        let arrival = Arrival {
            parameters: ListRequest { parameters: brought.clone() },
            binding: binding.map(str::to_owned),
            provider,
        };
        Authenticator::arrive(&*self.world.accounts, &self.context(&self.world.stranger()), arrival).await
    }

    /// The whole way of somebody.
    async fn try_sign_in(&self, subject: Value) -> Result<Arrived> {
        let departed = self.start().await;
        let brought = self.idp.sign_in(&departed.location, &subject);
        self.come_back(&brought, Some(&departed.binding)).await
    }

    async fn sign_in(&self, subject: Value) -> Tokens {
        self.try_sign_in(subject).await.unwrap().tokens.unwrap()
    }

    async fn account(&self, id: Uuid) -> Value {
        self.world.get(&self.world.root, "accounts", id).await.unwrap()["attributes"].take()
    }
}

/// Somebody at the provider.
fn person(name: &str) -> Value {
    json!({"sub": format!("subject of {name}"), "email": format!("{name}@first.test"), "email_verified": true,
        "name": name, "preferred_username": name})
}

fn set(pairs: &mut Pairs, name: &str, value: &str) {
    pairs.retain(|(known, _)| known != name);
    pairs.push((name.to_owned(), value.to_owned()));
}
