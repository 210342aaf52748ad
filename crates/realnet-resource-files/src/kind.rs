//! What kind of file it is: its media type by its first bytes, and the type of item by that.
//!
//! What the bytes say counts before what the sender says. Text has no marks, so that there the sender is believed, except that what
//! looks like a page or a script is called one, whatever it is said to be: nothing that a browser would run goes by another name.

/// What the media type is when nothing is known.
pub(crate) const BYTES: &str = "application/octet-stream";

/// Archives in the form of which other documents are kept, too.
const CONTAINERS: [&str; 2] = ["application/zip", "application/x-ole-storage"];

/// The media type of a file that begins with these bytes, by what it is said to be and by its name.
pub(crate) fn media_type(first: &[u8], said: Option<&str>, name: &str) -> String {
    let said = said.map(str::trim).filter(|said| is_media_type(said));
    let essence = said.map(essence).unwrap_or_default();
    if let Some(text) = text(first) {
        return of_text(text, said, &essence, name);
    }
    if first.is_empty() {
        // There is nothing in it that could be something else.
        return said.filter(|_| !is_active(&essence)).unwrap_or(BYTES).to_owned();
    }
    let found = infer::get(first).map(|kind| kind.mime_type()).filter(|kind| !kind.starts_with("text/"));
    match found {
        // Of documents in archives, the sender knows more than the first bytes show.
        Some(found) if CONTAINERS.contains(&found) && is_document(&essence) => essence,
        Some(found) => found.to_owned(),
        // Marks of these would have been found.
        None if is_known(&essence) || is_active(&essence) || essence.starts_with("text/") => BYTES.to_owned(),
        None => said.map_or_else(|| BYTES.to_owned(), str::to_owned),
    }
}

/// The type of item for a media type; `None`: whatever the endpoint is for.
pub(crate) fn type_name(media_type: &str) -> Option<&'static str> {
    let essence = essence(media_type);
    match essence.split_once('/')? {
        ("image", "svg+xml") => Some("Drawing"),
        ("image", _) => Some("Image"),
        ("video", _) => Some("Video"),
        ("audio", _) => Some("Media"),
        ("model", _) => Some("Scene"),
        ("text", kind) if !matches!(kind, "css" | "javascript" | "x-shellscript") => Some("Document"),
        ("application", kind) if kind == "pdf" || kind == "rtf" || is_document(&essence) => Some("Document"),
        _ => None,
    }
}

fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_media_type(text: &str) -> bool {
    let is_of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte);
    let is_token = |text: &str| !text.is_empty() && text.bytes().all(is_of_token);
    let is_visible = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    text.len() <= 255
        && is_visible
        && essence(text).split_once('/').is_some_and(|(kind, sub)| is_token(kind) && is_token(sub))
}

/// Word processors, sheets, slides, books.
fn is_document(essence: &str) -> bool {
    [
        "application/vnd.openxmlformats-",
        "application/vnd.oasis.",
        "application/vnd.ms-",
        "application/vnd.apple.",
    ]
    .iter()
    .any(|start| essence.starts_with(start))
        || matches!(essence, "application/msword" | "application/epub+zip")
}

/// Kinds of files that always begin with a mark.
fn is_known(essence: &str) -> bool {
    const KNOWN: [&str; 18] = [
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "image/bmp",
        "image/avif",
        "image/heif",
        "image/tiff",
        "video/mp4",
        "video/webm",
        "video/x-matroska",
        "audio/ogg",
        "audio/x-flac",
        "audio/x-wav",
        "application/pdf",
        "application/zip",
        "application/gzip",
        "application/wasm",
    ];
    KNOWN.contains(&essence)
}

/// Kinds of files that a browser runs.
fn is_active(essence: &str) -> bool {
    essence.ends_with("xml")
        || essence.ends_with("html")
        || essence.contains("script")
        || essence.contains("flash")
}

/// The first bytes as text, if they are: UTF-8 without control characters, but for a letter that is cut off at their end.
fn text(first: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(first) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&first[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let is_text =
        |letter: char| !letter.is_control() || matches!(letter, '\t' | '\n' | '\r' | '\u{c}' | '\u{1b}');
    (!first.is_empty() && text.chars().all(is_text)).then_some(text)
}

fn of_text(text: &str, said: Option<&str>, essence: &str, name: &str) -> String {
    let text = text.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '\u{feff}');
    let begins = |start: &str| text.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start));
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    // PDF begins as text does.
    if begins("%PDF-") {
        return "application/pdf".to_owned();
    }
    if begins("#!") {
        return "text/x-shellscript".to_owned();
    }
    if text.starts_with('<') {
        let head = text[..text.floor_char_boundary(1024)].to_ascii_lowercase();
        let is_page = ["<!doctype html", "<html", "<head", "<body", "<script", "<iframe", "<style", "<!--"];
        return if head.contains("<svg") {
            "image/svg+xml".to_owned()
        } else if is_page.iter().any(|mark| head.contains(mark))
            || essence.ends_with("html")
            || ending.starts_with("htm")
        {
            "text/html".to_owned()
        } else if begins("<?xml") || essence.ends_with("xml") {
            if is_active(essence) { essence.to_owned() } else { "text/xml".to_owned() }
        } else {
            // A tag of any other name is a page to a browser as well.
            "text/html".to_owned()
        };
    }
    let by_name = match ending.as_str() {
        "json" => "application/json",
        "csv" => "text/csv",
        "md" | "markdown" => "text/markdown",
        "yaml" | "yml" => "application/yaml",
        "css" => "text/css",
        "js" | "mjs" => "text/javascript",
        "html" | "htm" => "text/html",
        "rtf" => "application/rtf",
        _ => "text/plain; charset=utf-8",
    };
    match said {
        Some(said)
            if said != BYTES
                && !is_known(essence)
                && !matches!(essence.split('/').next(), Some("image" | "audio" | "video")) =>
        {
            said.to_owned()
        }
        _ => by_name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

    #[test]
    fn bytes_count_before_words() {
        for (first, said, name, expected) in [
            (PNG, None, "x", "image/png"),
            (PNG, Some("text/html"), "x.html", "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", Some("image/png"), "x", "image/jpeg"),
            (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", None, "x", "application/pdf"),
            (b"%PDF-1.7\nplain", None, "x", "application/pdf"),
            (b"GIF89a<script>alert(1)</script>\0\x80\xff", Some("text/html"), "x.html", "image/gif"),
            (b"PK\x03\x04\x14\0\0\0", None, "x", "application/zip"),
            (
                b"PK\x03\x04\x14\0\0\0",
                Some("application/vnd.oasis.opendocument.text"),
                "x.odt",
                "application/vnd.oasis.opendocument.text",
            ),
            (b"PK\x03\x04\x14\0\0\0", Some("text/html"), "x", "application/zip"),
            (b"\0\x01\x02\xff", Some("image/png"), "x.png", BYTES),
            (b"\0\x01\x02\xff", Some("text/html"), "x.html", BYTES),
            (b"\0\x01\x02\xff", Some("image/svg+xml"), "x.svg", BYTES),
            (b"\0\x01\x02\xff", Some("application/x-own"), "x", "application/x-own"),
            (b"\0\x01\x02\xff", Some("nonsense"), "x", BYTES),
            (b"\0\x01\x02\xff", None, "x", BYTES),
            (b"", None, "x", BYTES),
        ] as [(&[u8], Option<&str>, &str, &str); 16]
        {
            assert_eq!(media_type(first, said, name), expected, "{said:?} {name}");
        }
    }

    #[test]
    fn pages_go_by_no_other_name() {
        for (text, said, name, expected) in [
            ("<!DOCTYPE html><title>x", Some("text/plain"), "x.txt", "text/html"),
            ("  \n\u{feff}<HTML>", None, "x", "text/html"),
            ("<b>x", Some("image/png"), "x.png", "text/html"),
            ("<svg xmlns='x'/>", Some("image/png"), "x.png", "image/svg+xml"),
            ("<?xml version='1.0'?><svg/>", None, "x", "image/svg+xml"),
            ("<?xml version='1.0'?><a/>", Some("text/plain"), "x", "text/xml"),
            ("<?xml version='1.0'?><a/>", Some("application/gpx+xml"), "x", "application/gpx+xml"),
            ("#!/bin/sh", Some("text/plain"), "x", "text/x-shellscript"),
            ("plain words", None, "x", "text/plain; charset=utf-8"),
            ("plain words", Some("image/png"), "x.png", "text/plain; charset=utf-8"),
            ("plain words", Some("application/octet-stream"), "x.md", "text/markdown"),
            ("{\"a\":1}", None, "a.json", "application/json"),
            ("{\"a\":1}", Some("application/geo+json"), "a", "application/geo+json"),
            ("gr\u{fc}n", Some("text/plain; charset=latin1"), "a", "text/plain; charset=latin1"),
        ] {
            assert_eq!(media_type(text.as_bytes(), said, name), expected, "{text} {said:?}");
        }
        let cut = &"ä".as_bytes()[..1];
        assert_eq!(media_type(&[b"words ", cut].concat(), None, "x"), "text/plain; charset=utf-8");
        assert_eq!(media_type(b"words \xff\xfe words", None, "x"), BYTES);
    }

    #[test]
    fn media_types_have_their_types() {
        for (media_type, name) in [
            ("image/png", Some("Image")),
            ("image/svg+xml", Some("Drawing")),
            ("video/mp4", Some("Video")),
            ("audio/mpeg", Some("Media")),
            ("text/plain; charset=utf-8", Some("Document")),
            ("application/pdf", Some("Document")),
            ("application/vnd.oasis.opendocument.text", Some("Document")),
            ("application/zip", None),
            (BYTES, None),
            ("nonsense", None),
        ] {
            assert_eq!(type_name(media_type), name, "{media_type}");
        }
    }
}
