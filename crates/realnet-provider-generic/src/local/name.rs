//! The names of files of contents: `ID-SIZE-CHECKSUM`, so that one rename publishes a content with all that is known of it,
//! and a file that was cut or altered shows.

use realnet_core::provider::{Checksum, Content, ContentId};

/// The length of an id as text.
const ID: usize = 36;

/// The name of a content's file.
pub(super) fn format(content: &Content) -> String {
    format!("{}-{}-{}", content.id, content.size, content.checksum)
}

/// The inverse of [`format`]; other names are not ours.
pub(super) fn parse(name: &str) -> Option<Content> {
    let (id, rest) = name.split_at_checked(ID)?;
    let (size, checksum) = rest.strip_prefix('-')?.split_once('-')?;
    let content =
        Content { id: ContentId::parse(id)?, size: size.parse().ok()?, checksum: Checksum::parse(checksum)? };
    // Numbers have other forms too, such as `+1`.
    (format(&content) == name).then_some(content)
}

/// The two folders that a content is in, one below the other. By the end of its id, which is random: the beginning is the time.
pub(super) fn folders(id: ContentId) -> [u8; 2] {
    let bytes = id.as_uuid().into_bytes();
    [bytes[15], bytes[14]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use realnet_core::Uuid;

    #[test]
    fn names_are_read_back() {
        let id = ContentId::new(Uuid::from_u128(0x0123_4567_89ab_7def_8123_4567_89ab_cdef));
        let content = Content { id, size: 42, checksum: Checksum::new([0xab; 32]) };
        let name = format(&content);
        assert_eq!(parse(&name), Some(content));
        assert_eq!(folders(id), [0xef, 0xcd]);
        let others = [
            name.replace("-42-", "-042-"),
            name.replace("-42-", "-+42-"),
            name.replace("-42-", "-"),
            name.to_uppercase(),
            format!("{name}~"),
            id.to_string(),
            ".DS_Store".to_owned(),
            "ä".repeat(40),
        ];
        for other in others {
            assert_eq!(parse(&other), None, "{other}");
        }
    }
}
