//! What a browser does with a content: shows it, if it can do nothing by itself, or saves it under its name.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands as it is in `filename*`, RFC 8187.
const VALUE: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The longest file name, in characters.
const LONGEST: usize = 200;

/// What is told of a content that is not shown or run as what it is.
const BYTES: &str = "application/octet-stream";

/// The media type that is told: its essence, and of a text the charset. Nothing else of what was said stands there, since
/// browsers take the last of several types for the one that holds. What is none, and what a page of this origin could
/// run or take its looks from, is told as bytes.
pub(super) fn shown_type(content_type: &str) -> String {
    let mut parts = content_type.split(';');
    let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_type = essence.split_once('/').is_some_and(|(kind, sub)| is_token(kind) && is_token(sub));
    if !is_type || is_code(&essence) {
        return BYTES.to_owned();
    }
    let mut charsets = parts
        .filter_map(|part| part.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .map(|(_, value)| value.trim().trim_matches('"'));
    match (charsets.next(), charsets.next()) {
        (Some(charset), None) if essence.starts_with("text/") && is_token(charset) => {
            format!("{essence}; charset={charset}")
        }
        _ => essence,
    }
}

fn is_token(text: &str) -> bool {
    let is_of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte);
    !text.is_empty() && text.bytes().all(is_of_token)
}

/// Scripts, under all of the names that browsers know, and style sheets.
fn is_code(essence: &str) -> bool {
    let scripts = ["javascript", "ecmascript", "jscript", "livescript"];
    essence == "text/css" || scripts.into_iter().any(|name| essence.contains(name))
}

/// Whether a browser that shows it runs nothing of it. All else is saved: HTML, SVG, XML and PDF among them.
pub(super) fn is_inert(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.split_once('/') {
        Some(("image", kind)) => matches!(kind, "png" | "jpeg" | "gif" | "webp" | "avif" | "bmp"),
        Some(("audio" | "video", kind)) => !kind.ends_with("xml"),
        Some(("text", kind)) => kind == "plain",
        _ => false,
    }
}

/// The header, with the name in ASCII for old programs and in full.
pub(super) fn header(name: &str, is_shown: bool) -> String {
    let name = file_name(name);
    let plain: String = name
        .chars()
        .map(|letter| match letter {
            '"' | '\\' | '%' => '_',
            letter if letter.is_ascii_graphic() || letter == ' ' => letter,
            _ => '_',
        })
        .collect();
    let mut header = String::from(if is_shown { "inline" } else { "attachment" });
    // Writing to a text does not fail.
    let _ = write!(header, "; filename=\"{plain}\"");
    if plain != name {
        let _ = write!(header, "; filename*=UTF-8\'\'{}", utf8_percent_encode(&name, &VALUE));
    }
    header
}

/// A name that leads nowhere: no folders, no control characters, nothing that turns the direction of writing or is not seen, and no end
/// that some systems drop.
fn file_name(name: &str) -> String {
    let is_mark = |letter: char| matches!(letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_bad = |letter: char| matches!(letter, '/' | '\\' | ':') || letter.is_control() || is_mark(letter);
    let safe: String =
        name.trim().chars().take(LONGEST).map(|letter| if is_bad(letter) { '_' } else { letter }).collect();
    let safe = safe.trim_start_matches('.').trim_end_matches(['.', ' ']);
    if safe.is_empty() { "file".to_owned() } else { safe.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_run_is_saved() {
        for shown in ["image/png", "IMAGE/JPEG", "text/plain; charset=utf-8", "audio/mpeg", "video/mp4"] {
            assert!(is_inert(shown), "{shown}");
        }
        for saved in [
            "text/html",
            "image/svg+xml",
            "application/xhtml+xml",
            "text/xml",
            "application/javascript",
            "application/pdf",
            "text/css",
            "",
            "image",
            "application/octet-stream",
            "text/html; a=text/plain",
            "x/y",
            "video/x+xml",
        ] {
            assert!(!is_inert(saved), "{saved}");
        }
    }

    #[test]
    fn one_type_is_told() {
        for (said, told) in [
            ("text/plain; charset=utf-8", "text/plain; charset=utf-8"),
            ("TEXT/Plain;Charset=\"utf-8\"; format=flowed", "text/plain; charset=utf-8"),
            ("text/plain; a=b, text/html", "text/plain"),
            ("text/plain;charset=utf-8,text/html", "text/plain"),
            ("text/plain; charset=utf-8; charset=utf-7", "text/plain"),
            ("image/png; charset=utf-8", "image/png"),
            ("text/plain, text/html", BYTES),
            ("text/plain\r\nX: y", BYTES),
            ("nothing", BYTES),
            ("", BYTES),
            ("text/javascript; charset=utf-8", BYTES),
            ("application/x-ECMAScript", BYTES),
            ("text/jscript", BYTES),
            ("text/css", BYTES),
        ] {
            assert_eq!(shown_type(said), told, "{said}");
        }
    }

    #[test]
    fn names_lead_nowhere() {
        assert_eq!(header("a b.txt", true), "inline; filename=\"a b.txt\"");
        assert_eq!(
            header("Übersicht €.pdf", false),
            "attachment; filename=\"_bersicht _.pdf\"; filename*=UTF-8\'\'%C3%9Cbersicht%20%E2%82%AC.pdf"
        );
        assert_eq!(header("../../etc/passwd", false), "attachment; filename=\"_.._etc_passwd\"");
        assert_eq!(
            header("a\"; x=\"b\r\nSet-Cookie: c", false),
            "attachment; filename=\"a_; x=_b__Set-Cookie_ c\"; filename*=UTF-8\'\'a%22%3B%20x%3D%22b__Set-Cookie_%20c"
        );
        assert_eq!(header("evil\u{202e}gnp.exe", false), "attachment; filename=\"evil_gnp.exe\"");
        assert_eq!(header("a\u{200b}b.exe. .", false), "attachment; filename=\"a_b.exe\"");
        for empty in ["", "  ", "..."] {
            assert_eq!(header(empty, false), "attachment; filename=\"file\"");
        }
        assert!(header(&"ä".repeat(5000), false).len() < 2000);
    }
}
