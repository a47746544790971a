//! Why a value could not be read or written.

use std::error::Error;
use std::fmt;

/// What is wrong with a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flaw {
    /// It is shorter than any table.
    TooShort,
    /// It is over 2 GiB.
    TooLong,
    /// An offset is misaligned, or outside the payload.
    Offset,
    /// An offset leads out of the payload.
    Target,
    /// A table is misaligned, outside the payload, or runs past its end.
    Table,
    /// A table has no vtable inside the payload, or one that runs past the end.
    Vtable,
    /// Tables are nested deeper than 64.
    TooDeep,
    /// A field is misaligned, or outside its table.
    Field,
    /// A required field is missing.
    Missing,
    /// A union has a type without a value, or a value without a type.
    Union,
    /// A vector or string is misaligned, or runs past the end.
    Vector,
    /// A string does not end with a zero byte.
    Unterminated,
    /// A string is not UTF-8.
    NotUtf8,
    /// Parts are shared so many times over that reading them would take too long.
    Overused,
    /// Something else, found by a [`Message`](super::Message) that was written by hand.
    Other,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Flaw::TooShort => "payload is shorter than any table",
            Flaw::TooLong => "payload is over 2 GiB",
            Flaw::Offset => "offset is misaligned or outside the payload",
            Flaw::Target => "offset leads out of the payload",
            Flaw::Table => "table is misaligned or runs past the end",
            Flaw::Vtable => "table has no vtable inside the payload",
            Flaw::TooDeep => "tables are nested too deep",
            Flaw::Field => "field is misaligned or outside its table",
            Flaw::Missing => "required field is missing",
            Flaw::Union => "union has a type without a value or a value without a type",
            Flaw::Vector => "vector or string is misaligned or runs past the end",
            Flaw::Unterminated => "string is not terminated",
            Flaw::NotUtf8 => "string is not UTF-8",
            Flaw::Overused => "parts are shared too many times over",
            Flaw::Other => "payload is not a valid message",
        })
    }
}

/// A payload is no message of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DecodeError {
    flaw: Flaw,
    offset: u32,
}

impl DecodeError {
    /// For messages that are decoded by hand; `offset` is the byte where the flaw was seen.
    pub fn new(flaw: Flaw, offset: usize) -> Self {
        DecodeError { flaw, offset: offset.min(u32::MAX as usize) as u32 }
    }

    /// What is wrong.
    pub fn flaw(&self) -> Flaw {
        self.flaw
    }

    /// The byte of the payload where that was seen.
    pub fn offset(&self) -> usize {
        self.offset as usize
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (seen at byte {})", self.flaw, self.offset)
    }
}

impl Error for DecodeError {}

/// A value cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncodeError {
    /// This field is required: set it before you encode.
    Missing(&'static str),
    /// The payload would be over 2 GiB.
    TooLarge,
    /// Something else, found by a [`Message`](super::Message) that was written by hand.
    Other(&'static str),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EncodeError::Missing(field) => {
                write!(f, "{field} is required; set it before you encode")
            }
            EncodeError::TooLarge => f.write_str("the message is over 2 GiB; send it in several parts"),
            EncodeError::Other(what) => f.write_str(what),
        }
    }
}

impl Error for EncodeError {}
