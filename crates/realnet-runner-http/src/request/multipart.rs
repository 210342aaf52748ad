//! Bodies of several parts, RFC 7578: read one part after the other, in bounded memory, however large a part is.

use std::sync::Arc;

use bytes::{Buf as _, Bytes, BytesMut};
use futures::lock::Mutex;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use memchr::memmem::Finder;
use realnet_core::limit::Room;
use realnet_core::provider::{DataStream, Expectation};
use realnet_core::resource::{FilePart, Part};
use realnet_core::{Error, ErrorKind, Result};

use super::disposition::{self, Disposition};

/// The longest head of a part, in bytes.
const MAX_HEAD: usize = 16 * 1024;
/// The most spaces behind a boundary.
const MAX_PADDING: usize = 128;
/// The most bytes of all parts that are no files, names and values together.
pub(crate) const MAX_TEXTS: usize = 256 * 1024;
/// The most parts.
const MAX_PARTS: usize = 1000;
/// The longest boundary, by RFC 2046.
const MAX_BOUNDARY: usize = 70;

/// What is said beside the files: it stays in memory until all of them are there, and so it is counted.
pub(crate) struct Texts {
    most: usize,
    taken: usize,
    room: Arc<Room>,
}

impl Texts {
    /// At most so many bytes, in this room.
    pub(crate) fn new(most: usize, room: Arc<Room>) -> Self {
        Self { most, taken: 0, room }
    }

    fn take(&mut self, bytes: usize) -> Result<()> {
        if bytes > self.most - self.taken {
            let message = format!("the parts that are no files have at most {} bytes together", self.most);
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        self.room.add(bytes)?;
        self.taken += bytes;
        Ok(())
    }
}

/// The parts of a body. Each is read to its end, or passed over, before the next one comes.
pub(crate) fn parts(data: DataStream, boundary: &str, texts: Texts) -> BoxStream<'static, Result<Part>> {
    let reader = Arc::new(Mutex::new(Reader::new(data, boundary, texts)));
    stream::try_unfold(reader, |reader| async move {
        let part = next(&reader).await?;
        Ok(part.map(|part| (part, reader)))
    })
    .boxed()
}

/// The boundary that a `Content-Type` names.
pub(crate) fn boundary(content_type: &str) -> Result<String> {
    let refused = || Error::malformed_at("Content-Type", "expected multipart/form-data with a boundary");
    let found = disposition::parameters(content_type).find(|(name, _)| name == "boundary");
    let (_, boundary) = found.ok_or_else(refused)?;
    let is_fit = (1..=MAX_BOUNDARY).contains(&boundary.len())
        && boundary.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if is_fit && !boundary.ends_with(' ') { Ok(boundary) } else { Err(refused()) }
}

async fn next(shared: &Arc<Mutex<Reader>>) -> Result<Option<Part>> {
    let mut reader = shared.lock().await;
    if !reader.skip_to_part().await? {
        return Ok(None);
    }
    let Head { disposition, content_type } = reader.head().await?;
    let number = reader.number;
    let is_file = disposition.file_name.is_some();
    if !is_file {
        reader.texts.take(disposition.name.len())?;
    }
    drop(reader);
    let data = bytes_of(Arc::clone(shared), number);
    if is_file {
        let expected = Expectation::default();
        return Ok(Some(Part::File(FilePart { name: disposition.file_name, content_type, expected, data })));
    }
    let mut text = Vec::new();
    let mut data = data;
    while let Some(bytes) = data.try_next().await? {
        shared.lock().await.texts.take(bytes.len())?;
        text.extend_from_slice(&bytes);
    }
    let value =
        String::from_utf8(text).map_err(|_| Error::malformed_at(&*disposition.name, "is not UTF-8"))?;
    Ok(Some(Part::Text { name: disposition.name, value }))
}

/// The bytes of a part, as long as no other has been asked for.
fn bytes_of(shared: Arc<Mutex<Reader>>, number: usize) -> DataStream {
    stream::try_unfold(shared, move |shared| async move {
        let mut reader = shared.lock().await;
        if reader.number != number {
            return Err(Error::internal("a part of a body was read behind its end"));
        }
        let bytes = reader.piece().await?;
        drop(reader);
        Ok(bytes.map(|bytes| (bytes, shared)))
    })
    .boxed()
}

/// The head of a part.
struct Head {
    disposition: Disposition,
    content_type: Option<String>,
}

/// What has come of the body, and what is looked for in it.
struct Reader {
    data: DataStream,
    buffer: BytesMut,
    /// What stands between two parts: a new line, two hyphens and the boundary.
    delimiter: Finder<'static>,
    /// Whether all of the body has come.
    is_whole: bool,
    /// Whether a part is being read.
    is_inside: bool,
    /// The number of the part, from 1.
    number: usize,
    texts: Texts,
}

impl Reader {
    fn new(data: DataStream, boundary: &str, texts: Texts) -> Self {
        let delimiter = Finder::new(&format!("\r\n--{boundary}")).into_owned();
        // The first boundary stands at the beginning of a line as well.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        Self { data, buffer, delimiter, is_whole: false, is_inside: true, number: 0, texts }
    }

    /// Takes in more; `false` at the end of the body.
    async fn fill(&mut self) -> Result<bool> {
        match self.data.try_next().await? {
            Some(bytes) => self.buffer.extend_from_slice(&bytes),
            None => self.is_whole = true,
        }
        Ok(!self.is_whole)
    }

    /// The next bytes of a part; `None` at its end, which is passed.
    async fn piece(&mut self) -> Result<Option<Bytes>> {
        let length = self.delimiter.needle().len();
        while self.is_inside {
            if let Some(end) = self.delimiter.find(&self.buffer) {
                let bytes = self.buffer.split_to(end).freeze();
                self.buffer.advance(length);
                self.is_inside = false;
                return Ok(Some(bytes).filter(|bytes| !bytes.is_empty()));
            }
            // What may be the beginning of the delimiter waits for the rest.
            let sure = self.buffer.len().saturating_sub(length - 1);
            if sure > 0 {
                return Ok(Some(self.buffer.split_to(sure).freeze()));
            }
            if !self.fill().await? {
                return Err(Error::malformed("the body ends within one of its parts"));
            }
        }
        Ok(None)
    }

    /// Passes over the rest of a part, and to the head of the next; `false` when there is none.
    async fn skip_to_part(&mut self) -> Result<bool> {
        while self.piece().await?.is_some() {}
        if self.number == MAX_PARTS {
            return Err(Error::new(ErrorKind::TooLarge, format!("a body has at most {MAX_PARTS} parts")));
        }
        loop {
            let padding = self.buffer.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            let behind = self.buffer.get(padding..padding + 2).map(|bytes| [bytes[0], bytes[1]]);
            match behind {
                Some([b'-', b'-']) if padding == 0 => return Ok(false),
                Some([b'\r', b'\n']) if padding <= MAX_PADDING => {
                    self.buffer.advance(padding + 2);
                    (self.is_inside, self.number) = (true, self.number + 1);
                    return Ok(true);
                }
                None if padding <= MAX_PADDING && self.fill().await? => {}
                _ => {
                    let detail = "a boundary of the body is followed by neither a part nor the end";
                    return Err(Error::malformed(detail));
                }
            }
        }
    }

    async fn head(&mut self) -> Result<Head> {
        const END: &[u8] = b"\r\n\r\n";
        // However small the pieces are, each byte is looked at once.
        let mut searched = 0;
        let end = loop {
            if let Some(end) = memchr::memmem::find(&self.buffer[searched..], END) {
                break searched + end + END.len();
            }
            searched = self.buffer.len().saturating_sub(END.len() - 1);
            if self.buffer.len() > MAX_HEAD || !self.fill().await? {
                return Err(Error::malformed("the head of a part is too long, or has no end"));
            }
        };
        let bytes = self.buffer.split_to(end);
        let text =
            std::str::from_utf8(&bytes).map_err(|_| Error::malformed("the head of a part is not UTF-8"))?;
        let header = |wanted: &str| {
            text.split("\r\n")
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))
                .map(|(_, value)| value.trim())
        };
        let disposition = header("content-disposition").and_then(Disposition::of_part);
        let disposition = disposition.ok_or_else(|| {
            Error::malformed("a part says nothing of itself: Content-Disposition: form-data; name=…")
        })?;
        if header("content-transfer-encoding")
            .is_some_and(|coding| !matches!(&*coding.to_ascii_lowercase(), "binary" | "8bit" | "7bit"))
        {
            let detail = "parts are taken as they are, without a Content-Transfer-Encoding";
            return Err(Error::new(ErrorKind::UnsupportedMediaType, detail));
        }
        let content_type = header("content-type").map(str::to_owned);
        Ok(Head { disposition, content_type })
    }
}

#[cfg(test)]
mod tests {
    use realnet_core::limit::Memory;

    use super::*;

    fn texts() -> Texts {
        Texts::new(MAX_TEXTS, Arc::new(Memory::new(MAX_TEXTS * 2).room(false)))
    }

    fn wait_for<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
    }

    /// Name, name of the file, bytes.
    type Found = (String, Option<String>, Vec<u8>);

    /// What a body holds, read in pieces of so many bytes: name, file name, bytes.
    fn read(body: &[u8], piece: usize) -> Result<Vec<Found>> {
        let pieces: Vec<Result<Bytes>> =
            body.chunks(piece).map(|bytes| Ok(Bytes::copy_from_slice(bytes))).collect();
        let mut parts = parts(stream::iter(pieces).boxed(), "xyz", texts());
        wait_for(async {
            let mut found = Vec::new();
            while let Some(part) = parts.try_next().await? {
                found.push(match part {
                    Part::Text { name, value } => (name, None, value.into_bytes()),
                    Part::File(file) => {
                        let bytes: Vec<Bytes> = file.data.try_collect().await?;
                        (String::new(), file.name, bytes.concat())
                    }
                });
            }
            Ok(found)
        })
    }

    const FORM: &str = "preamble\r\n--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--xyz \t\r\n\
        content-disposition: form-data; name=f; filename=\"x.bin\"\r\nContent-Type: image/png\r\n\r\n\
        \r\n--xy\r\n--xyZ\r\r\n\r\n--xyz\r\nContent-Disposition: form-data; name=\"e\"; filename=\"\"\r\n\r\n\r\n--xyz--\r\nend";

    #[test]
    fn parts_are_found_however_they_come() {
        for piece in 1..FORM.len() {
            let found = read(FORM.as_bytes(), piece).unwrap();
            let expected = [
                ("a".to_owned(), None, b"one".to_vec()),
                (String::new(), Some("x.bin".to_owned()), b"\r\n--xy\r\n--xyZ\r\r\n".to_vec()),
                (String::new(), Some(String::new()), Vec::new()),
            ];
            assert_eq!(found, expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_part_that_is_passed_over_is_not_read() {
        let pieces = FORM.as_bytes().chunks(3).map(|bytes| Ok(Bytes::copy_from_slice(bytes)));
        let pieces: Vec<Result<Bytes>> = pieces.collect();
        let parts = parts(stream::iter(pieces).boxed(), "xyz", texts());
        let found: Vec<Part> = wait_for(parts.try_collect()).unwrap();
        assert_eq!(found.len(), 3);
        let Some(Part::File(late)) = found.into_iter().nth(1) else { panic!("a file") };
        assert!(wait_for(late.data.try_collect::<Vec<_>>()).is_err(), "its bytes are gone");
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for end in (12..FORM.len() - 6).step_by(5) {
            assert!(read(&FORM.as_bytes()[..end], 7).is_err(), "cut off at {end}");
        }
        let long_head = format!("--xyz\r\nX: {}", "x".repeat(MAX_HEAD * 2));
        let padded = |spaces: usize| {
            format!(
                "--xyz{}\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--xyz--",
                " ".repeat(spaces)
            )
        };
        assert_eq!(read(padded(MAX_PADDING).as_bytes(), 1).unwrap().len(), 1);
        let long_padding = padded(MAX_PADDING + 1);
        let long_text = format!(
            "--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\n{}\r\n--xyz--",
            "x".repeat(MAX_TEXTS + 1)
        );
        for bad in [
            "",
            "nothing",
            "--xyz",
            "--xyzzy\r\n\r\n",
            "--xyz\r\n\r\nno head\r\n--xyz--",
            "--xyz\r\nContent-Type: text/plain\r\n\r\nx\r\n--xyz--",
            "--xyz\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--xyz--",
            &long_head,
            &long_padding,
            &long_text,
        ] {
            assert!(read(bad.as_bytes(), 1000).is_err(), "{}", &bad[..bad.len().min(80)]);
        }
        let many = "\r\n--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\nx".repeat(MAX_PARTS + 1);
        let error = read(format!("{many}\r\n--xyz--").as_bytes(), 1000).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }

    #[test]
    fn texts_have_a_bound_together() {
        let text = "x".repeat(MAX_TEXTS / 4);
        let part = format!("\r\n--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\n{text}");
        let body = |count: usize| format!("{}\r\n--xyz--", part.repeat(count));
        assert_eq!(read(body(3).as_bytes(), 1000).unwrap().len(), 3);
        // The names count as well.
        assert_eq!(read(body(4).as_bytes(), 1000).unwrap_err().kind(), ErrorKind::TooLarge);
    }

    #[test]
    fn boundaries_are_those_of_rfc_2046() {
        assert_eq!(boundary("multipart/form-data; boundary=abc").unwrap(), "abc");
        assert_eq!(boundary("multipart/form-data; charset=utf-8; Boundary=\"a b\"").unwrap(), "a b");
        let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
        for bad in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"a \"",
            &long,
        ] {
            assert!(boundary(bad).is_err(), "{bad}");
        }
    }
}
