//! Lists: parameters that go in, pages that come out.

use serde_json::Value;

/// Parameters of a list, as the API's query grammar has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    pub(crate) parameters: Vec<(String, String)>,
}

impl ListQuery {
    /// Adds a parameter: a filter such as `("tier", "eq.pro")`, or `limit`, `order`, `search`, …
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// The value of a parameter, the first one if there are several.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A page of items.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListPage {
    /// The items as documents.
    pub items: Vec<Value>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
    /// The total, when `count` was asked for.
    pub total: Option<u64>,
    /// What the server finds odd about the query, in sentences: a name that looks mistyped, for example.
    pub notices: Vec<String>,
}

/// The parameter `name` in `Link: <…?cursor=X>; rel="next"`.
pub(crate) fn next_of(link: &str, name: &str) -> Option<String> {
    let target = link.split(',').find(|part| part.contains("rel=\"next\""))?;
    let address = target.split('<').nth(1)?.split('>').next()?;
    // The link may be relative: any base serves to read its query.
    let base = url::Url::parse("http://localhost").ok()?;
    let url = base.join(address).ok()?;
    url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

/// The total in `Content-Range: items 0-49/1234`.
pub(crate) fn total(content_range: &str) -> Option<u64> {
    content_range.rsplit('/').next()?.parse().ok()
}

/// The sentences of `RealNet-Notice: "…", "…"`; none of them has a quotation mark inside.
pub(crate) fn notices(header: &str) -> Vec<String> {
    header.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_headers_of_a_page() {
        let link = "</api/note?limit=2&cursor=abc_-1>; rel=\"next\"";
        assert_eq!(next_of(link, "cursor").as_deref(), Some("abc_-1"));
        assert_eq!(next_of(link, "before"), None);
        assert_eq!(next_of("</api/note>; rel=\"prev\"", "cursor"), None);
        assert_eq!(notices("\"a, b\", \"c\""), ["a, b", "c"]);
        assert!(notices("").is_empty() && notices("nonsense").is_empty());
        assert_eq!(total("items 0-49/1234"), Some(1234));
        assert_eq!(total("items 0-49/*"), None);
    }
}
