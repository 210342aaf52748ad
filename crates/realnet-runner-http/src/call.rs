//! One request inside the runner: what handlers extract from, and the way to the dispatcher.

use std::cell::{Cell, OnceCell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, USER_AGENT};
use actix_web::web::Payload;
use futures::future::{Either, select};
use realnet_core::acl::{Caller, Origin};
use realnet_core::change::Version;
use realnet_core::limit::Room;
use realnet_core::registry::TypeRegistry;
use realnet_core::resource::{Context, ListRequest, Operation, PatchDocument, Reply, Request};
use realnet_core::{Error, ErrorKind, Uuid};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::answer;
use crate::answer::held::{self, Hold};
use crate::client::Client;
use crate::connection::Connection;
use crate::limits::Quota;
use crate::notices::{Notices, Written, base_of};
use crate::problem::Problem;
use crate::request::body::{self, Body};
use crate::request::upload::{Halt, Incoming};
use crate::request::{path, query};
use crate::router::{Captures, Outcome};
use crate::state::State;

/// What the wrapper around all requests learns from its handler, for the log and the headers of the answer.
#[derive(Default)]
pub(crate) struct Noted {
    /// Who called.
    pub(crate) caller: OnceCell<Arc<Caller>>,
    /// What is left of the limits that hold for it.
    pub(crate) quotas: RefCell<Vec<Quota>>,
    /// What it takes of the memory that all requests share; a write and an aggregate take it before their answer is there.
    pub(crate) room: OnceCell<Arc<Room>>,
}

impl Noted {
    /// Whether nobody is known to be signed in, so far.
    pub(crate) fn is_strangers(&self) -> bool {
        self.caller.get().is_none_or(|caller| caller.role.is_none())
    }
}

/// The largest body of somebody who is not signed in, in bytes. Documents for signing in and up have a few hundred.
const MAX_STRANGERS_BODY: usize = 32 * 1024;

/// A request on its way to a handler.
pub(crate) struct Call {
    pub(crate) state: Arc<State>,
    pub(crate) request: HttpRequest,
    /// The request's id.
    pub(crate) id: Arc<str>,
    /// The variable segments of the path.
    pub(crate) path: Captures,
    /// Who is at the other end.
    pub(crate) client: Client,
    payload: Cell<Option<Payload>>,
    noted: Rc<Noted>,
    /// The room of the body. What goes on without the request holds it as well.
    body_room: OnceCell<Arc<Room>>,
    /// The room of the values that were read from it, likewise.
    values: OnceCell<Arc<Hold>>,
}

impl Call {
    pub(crate) fn new(
        state: Arc<State>,
        request: HttpRequest,
        payload: Payload,
        id: Arc<str>,
        path: Captures,
        client: Client,
        noted: Rc<Noted>,
    ) -> Self {
        let payload = Cell::new(Some(payload));
        let (body_room, values) = (OnceCell::new(), OnceCell::new());
        Self { state, request, id, path, client, payload, noted, body_room, values }
    }

    /// The headers.
    pub(crate) fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// Notes that the body is not framed as its headers say: no further request can be found behind it.
    pub(crate) fn note_broken_body(&self) {
        if let Some(connection) = self.request.conn_data::<Rc<Connection>>() {
            connection.note_broken();
        }
    }

    /// Remembers who called, for the log.
    pub(crate) fn note_caller(&self, caller: &Arc<Caller>) {
        // A request has one caller; a second note would be of the same.
        let _ = self.noted.caller.set(Arc::clone(caller));
    }

    /// Remembers what is left of a limit, for the headers of the answer.
    pub(crate) fn note_quota(&self, quota: Quota) {
        self.noted.quotas.borrow_mut().push(quota);
    }

    /// Whether nobody is known to be signed in, so far.
    pub(crate) fn is_strangers(&self) -> bool {
        self.noted.is_strangers()
    }

    /// The largest body that is taken: of strangers, and for signing in, a small one.
    pub(crate) fn body_limit(&self) -> usize {
        let most = self.state.config.max_body;
        let is_small = self.is_strangers() || path::is_below_auth(self.request.path());
        if is_small { most.min(MAX_STRANGERS_BODY) } else { most }
    }

    /// Holds the room of a body for as long as the request, or what was started for it, is worked on.
    pub(crate) fn keep(&self, room: impl Into<Arc<Room>>) {
        // A request has one body, which is read once.
        let _ = self.body_room.set(room.into());
    }

    /// Takes the room of the values of the body, and holds it as [`Self::keep`] does.
    pub(crate) fn keep_values(&self, bytes: usize) -> Result<(), Problem> {
        if let Some(hold) = held::take_beside(&self.state, &self.noted, bytes)? {
            let _ = self.values.set(Arc::new(hold));
        }
        Ok(())
    }

    /// The room of what was read of the body, for work that goes on when this request is given up.
    fn kept(&self) -> (Option<Arc<Room>>, Option<Arc<Hold>>) {
        (self.body_room.get().cloned(), self.values.get().cloned())
    }

    /// The room of a content that comes in, if it is large. `size`: when it is known.
    pub(crate) fn take_incoming(&self, size: Option<u64>) -> Result<Option<Hold>, Problem> {
        held::take_incoming(&self.state, &self.noted, size)
    }

    /// The current types.
    pub(crate) fn registry(&self) -> Arc<TypeRegistry> {
        self.state.dispatcher.services().registry.current()
    }

    /// The parameters, decoded strictly, in the order given.
    pub(crate) fn parameters(&self) -> Result<ListRequest, Problem> {
        Ok(ListRequest { parameters: query::parse(self.request.query_string())? })
    }

    /// What is odd about the parameters of a list of the endpoint.
    pub(crate) fn notices(&self, caller: &Caller, list: &ListRequest) -> Notices {
        if list.parameters.is_empty() {
            return Notices::default();
        }
        let registry = self.registry();
        Notices::of(&registry, caller, base_of(&registry, caller, &self.path.name), list)
    }

    /// What may be odd about a document of the endpoint's items that is about to be written.
    pub(crate) fn written(&self, caller: &Caller, body: &Value) -> Written {
        let registry = self.registry();
        Written::of_documents(base_of(&registry, caller, &self.path.name), body)
    }

    /// The same of a patch.
    pub(crate) fn written_by(&self, caller: &Caller, patch: &PatchDocument) -> Written {
        let registry = self.registry();
        Written::of_patch(base_of(&registry, caller, &self.path.name), patch)
    }

    /// The answer to a write, with what is odd about it.
    pub(crate) fn answer_written(&self, caller: &Caller, written: &Written, reply: Reply) -> Outcome {
        let registry = self.registry();
        let base = base_of(&registry, caller, &self.path.name);
        let notices = written.notices(&registry, caller, base, &reply);
        let mut response = answer::of_reply(self, reply)?;
        notices.mark(&mut response);
        Ok(response)
    }

    /// The body: read, unpacked, within its limits. Empty when it was read before.
    pub(crate) async fn body(&self) -> Result<Body, Problem> {
        match self.payload.take() {
            Some(payload) => body::read(self, payload).await,
            None => Ok(Body::default()),
        }
    }

    /// The body, unread; nobody else gets it then.
    pub(crate) fn take_payload(&self) -> Option<Payload> {
        self.payload.take()
    }

    /// Carries out an operation that changes nothing. It ends when the client goes away or the time is up.
    pub(crate) async fn read(&self, caller: &Arc<Caller>, operation: Operation) -> Result<Reply, Problem> {
        self.read_at(caller, &self.path.name, operation).await
    }

    /// As [`Self::read`], at a given endpoint.
    pub(crate) async fn read_at(
        &self,
        caller: &Arc<Caller>,
        endpoint: &str,
        operation: Operation,
    ) -> Result<Reply, Problem> {
        let mut context = self.context(caller);
        if matches!(operation, Operation::Aggregate(_)) {
            // It is whole in memory before it is written, which lists are not.
            context = context.with_room(self.room());
        }
        let request = Request { endpoint: endpoint.to_owned(), operation };
        let answer = self.state.dispatcher.dispatch(&context, request);
        match tokio::time::timeout(self.state.config.request_timeout, answer).await {
            Ok(reply) => Ok(reply?),
            Err(_) => Err(self.late("the operation took longer than it may")),
        }
    }

    /// Carries out an operation that may change something. It goes on to its end even when the client goes away, so
    /// that a connection to a store is never left in the middle of a transaction.
    pub(crate) async fn write(&self, caller: &Arc<Caller>, operation: Operation) -> Result<Reply, Problem> {
        self.write_at(caller, &self.path.name, operation).await
    }

    /// As [`Self::write`], at a given endpoint.
    pub(crate) async fn write_at(
        &self,
        caller: &Arc<Caller>,
        endpoint: &str,
        operation: Operation,
    ) -> Result<Reply, Problem> {
        let context = self.context_from_here(caller);
        let is_set = is_set(&operation);
        let request = Request { endpoint: endpoint.to_owned(), operation };
        let dispatcher = Arc::clone(&self.state.dispatcher);
        let done = self.to_its_end(async move { dispatcher.dispatch(&context, request).await }).await?;
        done.map_err(|error| {
            let problem = Problem::from(error);
            if is_set { problem } else { problem.without_operation() }
        })
    }

    /// As [`Self::write`], of an operation that takes the body as it comes: its time begins when all of that is there. When the
    /// client goes away before that, the operation finds its stream broken off.
    pub(crate) async fn write_streamed(
        &self,
        caller: &Arc<Caller>,
        operation: Operation,
        incoming: Incoming,
    ) -> Result<Reply, Problem> {
        let context = self.context_from_here(caller);
        let request = Request { endpoint: self.path.name.clone(), operation };
        let dispatcher = Arc::clone(&self.state.dispatcher);
        let kept = self.kept();
        let work = actix_web::rt::spawn(async move {
            let _kept = kept;
            dispatcher.dispatch(&context, request).await
        });
        let broken_off = |failure| Problem::internal(format!("an operation broke off: {failure}"));
        let flow = std::pin::pin!(incoming.flow(self));
        let (halted, work) = match select(flow, work).await {
            Either::Left((Ok(()), work)) => (None, work),
            Either::Left((Err(Halt::Body(problem)), work)) => (Some(problem), work),
            Either::Left((Err(Halt::Storage), work)) => {
                self.give_up(work);
                return Err(Error::unavailable("the storage takes nothing at the moment: try again").into());
            }
            Either::Right((done, _)) => {
                return done.map_err(broken_off)?.map_err(Problem::without_step);
            }
        };
        let done = match tokio::time::timeout(self.state.config.request_timeout, work).await {
            Ok(done) => done.map_err(broken_off)?,
            Err(_) => {
                return Err(self.late("the operation took longer than it may; it may still be carried out"));
            }
        };
        // What went wrong with the body is the reason of whatever came of it.
        match halted {
            Some(problem) => Err(problem),
            None => done.map_err(Problem::without_step),
        }
    }

    /// Ends work whose stream has broken off because nothing is taken of it: what notices that has its time to clear up.
    fn give_up<T: 'static>(&self, mut work: JoinHandle<T>) {
        tracing::warn!(request = &*self.id, "the storage took nothing of an upload, which is given up");
        let time = self.state.config.request_timeout;
        actix_web::rt::spawn(async move {
            if tokio::time::timeout(time, &mut work).await.is_err() {
                work.abort();
            }
        });
    }

    /// Carries out what may change something, to its end even when the client goes away; waits for as long as a request may
    /// take.
    pub(crate) async fn to_its_end<T: 'static>(
        &self,
        work: impl Future<Output = T> + 'static,
    ) -> Result<T, Problem> {
        let kept = self.kept();
        let task = actix_web::rt::spawn(async move {
            let _kept = kept;
            work.await
        });
        match tokio::time::timeout(self.state.config.request_timeout, task).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(failure)) => Err(Problem::internal(format!("an operation broke off: {failure}"))),
            Err(_) => Err(self.late("the operation took longer than it may; it may still be carried out")),
        }
    }

    /// The version of an item that the caller may read.
    pub(crate) async fn version(&self, caller: &Arc<Caller>, id: Uuid) -> Result<Version, Problem> {
        let operation = Operation::Get { id, parameters: ListRequest::default() };
        match self.read(caller, operation).await? {
            Reply::Item(item) => Ok(Version::of(&item.value)),
            _ => Err(Problem::internal("a get did not give an item")),
        }
    }

    fn context(&self, caller: &Arc<Caller>) -> Context {
        Context::new(self.state.dispatcher.services(), Arc::clone(caller), Arc::clone(&self.id))
    }

    /// As [`Self::context`], with where the request came from: for what changes something or is told of later.
    pub(crate) fn context_from_here(&self, caller: &Arc<Caller>) -> Context {
        let origin = self.origin().with_token(caller.token());
        self.context(caller).with_origin(Arc::new(origin)).with_room(self.room())
    }

    /// What the request takes of the memory that all share.
    fn room(&self) -> Arc<Room> {
        let room = self.noted.room.get_or_init(|| Arc::new(self.state.memory.room(self.is_strangers())));
        Arc::clone(room)
    }

    /// Where the request came from.
    pub(crate) fn origin(&self) -> Origin {
        let agent = self.headers().get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        Origin::new("http").with_address(self.client.address).with_agent(agent.as_deref())
    }

    pub(crate) fn late(&self, detail: &str) -> Problem {
        tracing::warn!(request = &*self.id, "an operation ran into the time limit");
        Error::new(ErrorKind::Timeout, detail).into()
    }
}

/// Whether the client gave several operations, so that the index of one means something to it.
fn is_set(operation: &Operation) -> bool {
    match operation {
        Operation::Batch { .. } => true,
        Operation::Create { body, .. } => body.is_array(),
        _ => false,
    }
}
