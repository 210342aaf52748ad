//! Where a sealed value belongs: what it is for and whose it is. It is bound to that, and opens nowhere else.

/// A purpose and the ids that belong to it. The same parts give the same bytes, and no others do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(Vec<u8>);

impl Place {
    /// A place for one purpose.
    pub fn new(purpose: &str) -> Self {
        Self(Vec::new()).with(purpose)
    }

    /// A narrower one: an id or a name more.
    pub fn with(mut self, part: impl AsRef<[u8]>) -> Self {
        let part = part.as_ref();
        // With its length in front, so that parts can not run into each other.
        self.0.extend_from_slice(&(part.len() as u64).to_be_bytes());
        self.0.extend_from_slice(part);
        self
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let places = [
            Place::new("field").with("ab").with("c"),
            Place::new("field").with("a").with("bc"),
            Place::new("field").with("abc"),
            Place::new("fieldabc"),
            Place::new("field").with("ab").with("c").with(""),
        ];
        for (index, place) in places.iter().enumerate() {
            assert!(!places[..index].contains(place), "{index}");
        }
    }
}
