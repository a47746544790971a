//! Text that owns its bytes. A module that needs no crate carries a version without `unsafe` in the place of this one
//! (`tools/schema_compiler/rust.cpp`).

use std::str;

/// The bytes as text; nothing if they are not UTF-8.
#[inline]
pub(super) fn own(bytes: &[u8]) -> Option<Box<str>> {
    if is_ascii(bytes) {
        // SAFETY: ASCII is UTF-8. The standard library's check would look at most of the bytes one by one.
        return Some(unsafe { str::from_utf8_unchecked(bytes) }.into());
    }
    str::from_utf8(bytes).ok().map(Box::from)
}

// Most text is. The last eight bytes are looked at as a whole, whether or not some of them were seen before.
#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    let word = |eight: &[u8]| eight.try_into().map_or(u64::MAX, u64::from_le_bytes);
    let seen = if bytes.len() >= 8 {
        let last = word(&bytes[bytes.len() - 8..]);
        bytes.chunks_exact(8).fold(last, |seen, eight| seen | word(eight))
    } else {
        bytes.iter().fold(0, |seen, byte| seen | u64::from(*byte))
    };
    seen & 0x8080_8080_8080_8080 == 0
}

#[cfg(test)]
mod tests {
    use super::{is_ascii, own};

    #[test]
    fn text_of_any_length_is_ascii_until_one_byte_is_not() {
        for length in 0..40 {
            let mut bytes = vec![b'~'; length];
            assert!(is_ascii(&bytes), "{length}");
            for at in 0..length {
                bytes[at] = 0x80;
                assert!(!is_ascii(&bytes), "{at} of {length}");
                assert_eq!(own(&bytes), None, "{at} of {length}");
                bytes[at] = b'~';
            }
        }
    }

    #[test]
    fn other_text_is_owned_too() {
        for text in ["", "a", "\0", "é", "eight by", "seven é", "ascii and then more, 𝄞"] {
            assert_eq!(own(text.as_bytes()).as_deref(), Some(text));
        }
    }
}
