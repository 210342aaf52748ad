//! The document in place of a bare refusal of the HTTP library.

use actix_web::http::StatusCode;

use crate::problem::Problem;

/// A refusal on its way out.
pub(super) struct Refusal {
    /// What it says, for metrics and the log.
    pub(super) status: StatusCode,
    /// Head and body.
    pub(super) bytes: Vec<u8>,
}

impl Refusal {
    /// In place of a head that the library wrote.
    pub(super) fn instead_of(head: &[u8], id: &str) -> Self {
        let status = head.get(9..12).and_then(|digits| StatusCode::from_bytes(digits).ok());
        Self::new(status.unwrap_or(StatusCode::BAD_REQUEST), id)
    }

    /// For a head that did not arrive in time.
    pub(super) fn late(id: &str) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, id)
    }

    fn new(status: StatusCode, id: &str) -> Self {
        let document = problem(status).document(id).to_string();
        let head = format!(
            "HTTP/1.1 {} {}\r\ncontent-length: {}\r\nconnection: close\r\ncontent-type: application/problem+json\r\n\
             cache-control: no-store\r\nx-content-type-options: nosniff\r\nx-request-id: {id}\r\n\r\n",
            status.as_u16(),
            status.canonical_reason().unwrap_or("Error"),
            document.len(),
        );
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(document.as_bytes());
        Self { status, bytes }
    }
}

fn problem(status: StatusCode) -> Problem {
    let (name, detail) = match status {
        StatusCode::REQUEST_TIMEOUT => ("request-timeout", "the head of the request did not arrive in time"),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            ("head-too-large", "the head of the request is too large: line and headers have at most 128 KiB")
        }
        status if status.is_client_error() => {
            ("malformed", "this is no HTTP/1.1 request: its head or the framing of its body can not be read")
        }
        _ => ("internal", "the request could not be answered"),
    };
    Problem::new(status, name, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_whole_answers() {
        let refusal = Refusal::instead_of(b"HTTP/1.1 431 Whatever\r\ncontent-length: 0\r\n\r\n", "r1");
        assert_eq!(refusal.status, 431);
        let text = String::from_utf8(refusal.bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "{head}");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
        let document: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&document["status"], &document["instance"]), (&431.into(), &"r1".into()));
    }
}
