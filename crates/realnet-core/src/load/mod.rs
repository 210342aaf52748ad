//! Loading documents of types and items, and planning what they change.
