//! Finds the route of a request: segments compared in order of the table, without regular expressions.

use std::borrow::Cow;
use std::future::Future;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::HeaderValue;
use futures::future::LocalBoxFuture;
use realnet_core::Uuid;

use crate::call::Call;
use crate::metrics::{Meter, Metrics};
use crate::problem::Problem;
use crate::who::Who;

/// What a handler gives.
pub(crate) type Outcome = Result<HttpResponse, Problem>;

/// A handler behind its extraction of the caller.
pub(crate) type Handler = Box<dyn Fn(Call) -> LocalBoxFuture<'static, Outcome> + Send + Sync>;

/// A handler that does not ask who is calling.
pub(crate) fn open<F, R>(handler: F) -> Handler
where
    F: Fn(Call) -> R + Send + Sync + 'static,
    R: Future<Output = Outcome> + 'static,
{
    Box::new(move |call| Box::pin(handler(call)))
}

/// A handler that gets the caller in the form its signature names.
pub(crate) fn by<W, F, R>(handler: F) -> Handler
where
    W: Who,
    F: Fn(Call, W) -> R + Send + Sync + Clone + 'static,
    R: Future<Output = Outcome> + 'static,
{
    Box::new(move |call| {
        let handler = handler.clone();
        Box::pin(async move {
            let who = W::of(&call).await?;
            handler(call, who).await
        })
    })
}

/// A row of the table: a pattern and what each method does there.
pub(crate) struct Route {
    pattern: &'static str,
    methods: Vec<(Method, Handler)>,
}

/// Begins a row.
pub(crate) fn at(pattern: &'static str) -> Route {
    Route { pattern, methods: Vec::new() }
}

impl Route {
    fn with(mut self, method: Method, handler: Handler) -> Self {
        self.methods.push((method, handler));
        self
    }

    /// Its methods, each with the pattern.
    pub(crate) fn offers(&self) -> impl Iterator<Item = (String, &'static str)> {
        self.methods.iter().map(|(method, _)| (method.to_string(), self.pattern))
    }

    pub(crate) fn get(self, handler: Handler) -> Self {
        self.with(Method::GET, handler)
    }

    pub(crate) fn post(self, handler: Handler) -> Self {
        self.with(Method::POST, handler)
    }

    pub(crate) fn put(self, handler: Handler) -> Self {
        self.with(Method::PUT, handler)
    }

    pub(crate) fn patch(self, handler: Handler) -> Self {
        self.with(Method::PATCH, handler)
    }

    pub(crate) fn options(self, handler: Handler) -> Self {
        self.with(Method::OPTIONS, handler)
    }

    pub(crate) fn delete(self, handler: Handler) -> Self {
        self.with(Method::DELETE, handler)
    }
}

/// Routes without limits.
const UNLIMITED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

enum Segment {
    Fixed(&'static str),
    Text,
    Id,
    Rest,
}

/// What the variable segments of a path hold.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Captures {
    /// `{resource}` or `{name}`.
    pub(crate) name: String,
    /// `{id}`; nil where the pattern has none.
    pub(crate) id: Uuid,
    /// `{*rest}`.
    pub(crate) rest: Vec<String>,
}

/// One method of a route, with its counters.
pub(crate) struct Endpoint {
    method: Method,
    pub(crate) handler: Handler,
    pub(crate) meter: Meter,
}

/// A route ready to be matched.
pub(crate) struct Place {
    #[cfg(test)]
    pattern: &'static str,
    segments: Vec<Segment>,
    endpoints: Vec<Endpoint>,
    pub(crate) allow: HeaderValue,
    /// Whether it may be asked as often as anybody likes: what watches over the server must get through.
    pub(crate) is_unlimited: bool,
    /// Counts what is answered here without a handler: OPTIONS and methods that are not offered.
    pub(crate) other: Meter,
}

impl Place {
    /// The endpoint of a method; HEAD is served by GET.
    pub(crate) fn endpoint(&self, method: &Method) -> Option<&Endpoint> {
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        self.endpoints.iter().find(|endpoint| endpoint.method == *method)
    }

    fn captures(&self, path: &[Cow<'_, str>]) -> Option<Captures> {
        let mut captures = Captures::default();
        for (index, segment) in self.segments.iter().enumerate() {
            let text = path.get(index).filter(|text| !text.is_empty())?;
            match segment {
                Segment::Fixed(fixed) if text.eq_ignore_ascii_case(fixed) => {}
                Segment::Fixed(_) => return None,
                Segment::Text => text.as_ref().clone_into(&mut captures.name),
                Segment::Id => captures.id = uuid(text)?,
                Segment::Rest => {
                    captures.rest = path[index..].iter().map(|text| text.as_ref().to_owned()).collect();
                    return Some(captures);
                }
            }
        }
        (path.len() == self.segments.len()).then_some(captures)
    }
}

/// Only the hyphenated form is an id: everything else is a name.
fn uuid(text: &str) -> Option<Uuid> {
    if text.len() == 36 { Uuid::try_parse(text).ok() } else { None }
}

/// The table, ready to be asked.
pub(crate) struct Router {
    places: Vec<Place>,
    /// Counts requests that no route fits.
    pub(crate) unknown: Meter,
}

impl Router {
    pub(crate) fn new(table: Vec<Route>, metrics: &Metrics) -> Self {
        let places = table.into_iter().map(|route| place(route, metrics)).collect();
        Self { places, unknown: metrics.meter("unknown", "") }
    }

    /// The first route that fits, with the values of its variable segments.
    pub(crate) fn find(&self, path: &[Cow<'_, str>]) -> Option<(&Place, Captures)> {
        self.places.iter().find_map(|place| Some((place, place.captures(path)?)))
    }
}

fn place(route: Route, metrics: &Metrics) -> Place {
    let Route { pattern, methods } = route;
    let segments = pattern.split('/').skip(1).filter(|text| !text.is_empty()).map(|text| match text {
        "{id}" => Segment::Id,
        "{*rest}" => Segment::Rest,
        text if text.starts_with('{') => Segment::Text,
        text => Segment::Fixed(text),
    });
    let mut allowed: Vec<&str> = methods.iter().map(|(method, _)| method.as_str()).collect();
    if allowed.contains(&"GET") {
        allowed.insert(1, "HEAD");
    }
    if !allowed.contains(&"OPTIONS") {
        allowed.push("OPTIONS");
    }
    let allow = HeaderValue::from_str(&allowed.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"));
    Place {
        #[cfg(test)]
        pattern,
        segments: segments.collect(),
        is_unlimited: UNLIMITED.contains(&pattern),
        allow,
        other: metrics.meter(pattern, "other"),
        endpoints: methods
            .into_iter()
            .map(|(method, handler)| {
                let meter = metrics.meter(pattern, method.as_str());
                Endpoint { method, handler, meter }
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes;

    fn find(path: &str) -> Option<(&'static str, Captures)> {
        let metrics = Metrics::new().unwrap();
        let router = Router::new(routes::table(), &metrics);
        let segments: Vec<Cow<'_, str>> = match path {
            "/" => Vec::new(),
            path => path.split('/').skip(1).map(Cow::Borrowed).collect(),
        };
        router.find(&segments).map(|(place, captures)| (place.pattern, captures))
    }

    #[test]
    fn fixed_names_come_before_endpoints_and_ids_before_names() {
        let id = "018f0000-0000-7000-8000-000000000001";
        for (path, pattern) in [
            ("/", "/"),
            ("/api/auth", "/api/auth"),
            ("/API/Auth", "/api/auth"),
            ("/api/types", "/api/types"),
            ("/api/customer", "/api/{resource}"),
            (&format!("/api/types/{id}"), "/api/{resource}/{id}"),
            ("/api/types/Customer", "/api/types/{name}"),
            ("/api/types/Customer/acl", "/api/types/{name}/acl"),
            (&format!("/api/customer/{id}/acl"), "/api/{resource}/{id}/acl"),
            (&format!("/api/customer/{id}/data"), "/api/{resource}/{id}/data"),
            (&format!("/api/customer/{id}/other"), "/api/{resource}/{*rest}"),
            ("/api/types/Customer/data", "/api/{resource}/{*rest}"),
            ("/api/customer/aggregate", "/api/{resource}/aggregate"),
            ("/api/types/aggregate", "/api/types/{name}"),
            ("/api/customer/aggregate/x", "/api/{resource}/{*rest}"),
        ] {
            assert_eq!(find(path).map(|(pattern, _)| pattern), Some(pattern), "{path}");
        }
        for path in ["/api", "/api/", "/nothing", "/api//x", "/docs/a/b"] {
            assert_eq!(find(path), None, "{path}");
        }
    }

    #[test]
    fn variable_segments_are_captured() {
        let (_, captures) = find("/api/accounts/password-reset/confirm").unwrap();
        assert_eq!(captures.name, "accounts");
        assert_eq!(captures.rest, ["password-reset", "confirm"]);
        let (_, captures) = find("/api/x/018f0000-0000-7000-8000-000000000001").unwrap();
        assert_eq!(captures.id, Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_0001));
    }
}
