//! What generated code needs to read and write messages. Programs use [`Message`], [`DecodeError`] and
//! [`EncodeError`]; the rest is for the code that `mycelium schema compile --rust` writes.
//!
//! Nothing here uses the native library, or anything but the standard library.

mod builder;
mod error;
mod plain;
mod reader;
mod text;

use std::cell::Cell;

pub use builder::{Builder, Fields, Offset};
pub use error::{DecodeError, EncodeError, Flaw};
pub use plain::Plain;
pub use reader::{Reader, View};

/// FlatBuffers' offsets are signed 32-bit numbers.
pub const MAX_PAYLOAD: usize = 0x7fff_ffff;

/// A value that travels on the bus under a number. Generated code implements it for each table with a `type_id`; a
/// type with an encoding of its own may do so by hand.
pub trait Message: Sized {
    /// The number of its type, from 1 to 65535.
    const TYPE_ID: u16;
    /// What groups messages; may be empty.
    const TOPIC: &'static str = "";

    /// The canonical bytes: the same value is the same bytes in every language.
    fn encode(&self) -> Result<Vec<u8>, EncodeError>;

    /// Reads bytes that may come from anywhere; they may stand at any address.
    fn decode(payload: &[u8]) -> Result<Self, DecodeError>;

    /// Hands the encoded bytes to `take`, without an allocation where that is possible.
    fn with_encoded<R>(&self, take: impl FnOnce(&[u8]) -> R) -> Result<R, EncodeError> {
        Ok(take(&self.encode()?))
    }
}

/// A table of a schema.
pub trait Table: Sized {
    /// Reads the table at `start`.
    fn read(from: &mut Reader<'_>, start: usize) -> Result<Self, DecodeError>;
    /// Writes what it refers to, then itself.
    fn write(&self, to: &mut Builder) -> Result<Offset, EncodeError>;
}

/// A union of a schema.
pub trait Union: Sized {
    /// The number of the member that it holds.
    fn kind(&self) -> u8;
    /// Reads the member at `target`; none if the schema does not know it.
    fn read(from: &mut Reader<'_>, kind: u8, target: usize) -> Result<Option<Self>, DecodeError>;
    /// Writes the member.
    fn write(&self, to: &mut Builder) -> Result<Offset, EncodeError>;
}

/// A table that may hold its own kind stands in a box.
impl<T: Table> Table for Box<T> {
    fn read(from: &mut Reader<'_>, start: usize) -> Result<Self, DecodeError> {
        T::read(from, start).map(Box::new)
    }

    fn write(&self, to: &mut Builder) -> Result<Offset, EncodeError> {
        T::write(self, to)
    }
}

/// The canonical bytes of a table.
pub fn encode<T: Table>(message: &T) -> Result<Vec<u8>, EncodeError> {
    with_encoded(message, <[u8]>::to_vec)
}

/// Hands the canonical bytes of a table to `take`. They stand in memory that this thread uses again.
pub fn with_encoded<T: Table, R>(message: &T, take: impl FnOnce(&[u8]) -> R) -> Result<R, EncodeError> {
    const KEPT: usize = 1 << 20;
    thread_local! {
        // Empty while it is in use, as it is again if `take` runs code that encodes.
        static SPARE: Cell<Option<Box<Builder>>> = const { Cell::new(None) };
    }
    let spare = SPARE.try_with(Cell::take).ok().flatten();
    let mut builder = spare.unwrap_or_default();
    let taken = builder.encode(message).map(take);
    if builder.capacity() <= KEPT {
        // Fails while the thread ends: the builder is dropped then.
        let _ = SPARE.try_with(|spare| spare.set(Some(builder)));
    }
    taken
}

/// Reads a table from a payload.
#[inline] // so that the value is made where the caller wants it: to move what was just written is to wait for it
pub fn decode<T: Table>(payload: &[u8]) -> Result<T, DecodeError> {
    let mut reader = Reader::new(payload);
    let start = reader.root()?;
    T::read(&mut reader, start)
}
