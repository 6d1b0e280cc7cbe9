//! Fields of our own kinds, as they are written.

/// Whether a field is as it would be anyway: then it is not written.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
