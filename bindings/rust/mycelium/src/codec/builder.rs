//! Writes FlatBuffers in the canonical order of `docs/schema.md`, from the end of the buffer to its start. A position
//! counts bytes from the end.

use super::error::EncodeError;
use super::plain::Plain;
use super::{Table, Union, MAX_PAYLOAD};

// More than any alignment asks for, and than what follows it.
const SLACK: usize = 64;

/// The position of something that was written; 0 for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offset(u32);

impl Offset {
    /// Stands for a field that is absent.
    pub const NONE: Offset = Offset(0);
}

/// A table whose fields are being written; `SLOTS` is the number of ids that its schema knows.
#[derive(Debug)]
pub struct Fields<const SLOTS: usize> {
    begin: usize,
    used: usize, // the highest id that is present, and one more
    places: [u32; SLOTS],
}

/// Memory to encode into, used again and again.
#[derive(Debug, Default)]
pub struct Builder {
    bytes: Vec<u8>,
    head: usize, // what is written stands from here to the end
    alignment: usize,
    vtables: Vec<usize>, // positions
}

type Written<T> = Result<T, EncodeError>;

impl Builder {
    /// A builder without memory; it gets some when it is used.
    pub fn new() -> Self {
        Self::default()
    }

    /// The canonical bytes of a message, valid until the next use of the builder.
    pub fn encode<T: Table>(&mut self, message: &T) -> Written<&[u8]> {
        self.head = self.bytes.len();
        self.alignment = 4;
        self.vtables.clear();
        let root = message.write(self)?;
        self.reserve(self.alignment)?;
        self.align(self.alignment, 4);
        self.push_offset(root);
        Ok(&self.bytes[self.head..])
    }

    /// How much memory it holds.
    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// A string. An empty one is written only if it is required.
    #[inline]
    pub fn string(&mut self, text: &str, required: bool) -> Written<Offset> {
        if text.is_empty() && !required {
            return Ok(Offset::NONE);
        }
        let size = text.len();
        self.reserve(size)?;
        self.align(4, size + 1);
        self.push([0]);
        self.head -= size;
        self.bytes[self.head..self.head + size].copy_from_slice(text.as_bytes());
        self.push((size as u32).to_le_bytes());
        Ok(self.here())
    }

    /// A vector of strings.
    pub fn strings(&mut self, all: &[String], required: bool) -> Written<Offset> {
        self.offsets(all, required, |to, text| to.string(text, true))
    }

    /// A vector of numbers, enums or structs.
    pub fn values<T: Plain>(&mut self, all: &[T], required: bool) -> Written<Offset> {
        if all.is_empty() && !required {
            return Ok(Offset::NONE);
        }
        let size = all.len().checked_mul(T::SIZE).ok_or(EncodeError::TooLarge)?;
        self.reserve(size.saturating_add(T::ALIGNMENT))?;
        if size != 0 {
            self.align(4, size);
            self.align(T::ALIGNMENT, size);
            self.head -= size;
            T::store_all(all, &mut self.bytes[self.head..self.head + size]);
        }
        self.align(4, 4);
        self.push((all.len() as u32).to_le_bytes());
        Ok(self.here())
    }

    /// A table that may be absent.
    #[inline]
    pub fn table<T: Table>(&mut self, value: &Option<T>) -> Written<Offset> {
        match value {
            Some(table) => table.write(self),
            None => Ok(Offset::NONE),
        }
    }

    /// A table that has to be there; `field` is its name.
    pub fn required_table<T: Table>(&mut self, value: &Option<T>, field: &'static str) -> Written<Offset> {
        match value {
            Some(table) => table.write(self),
            None => Err(EncodeError::Missing(field)),
        }
    }

    /// A vector of tables.
    pub fn tables<T: Table>(&mut self, all: &[T], required: bool) -> Written<Offset> {
        self.offsets(all, required, |to, table| table.write(to))
    }

    /// A union that may be absent.
    pub fn union<T: Union>(&mut self, value: &Option<T>) -> Written<Offset> {
        match value {
            Some(member) => member.write(self),
            None => Ok(Offset::NONE),
        }
    }

    /// A union that has to be there; `field` is its name.
    pub fn required_union<T: Union>(&mut self, value: &Option<T>, field: &'static str) -> Written<Offset> {
        match value {
            Some(member) => member.write(self),
            None => Err(EncodeError::Missing(field)),
        }
    }

    /// Begins a table, whose children are written; `size` is the most that its fields and vtable can take.
    #[inline]
    pub fn begin<const SLOTS: usize>(&mut self, size: usize) -> Written<Fields<SLOTS>> {
        self.reserve(size)?;
        Ok(Fields { begin: self.position(), used: 0, places: [0; SLOTS] })
    }

    /// A scalar, unless it is the default.
    #[inline]
    pub fn add<T: Plain, const SLOTS: usize>(&mut self, to: &mut Fields<SLOTS>, id: usize, value: T, default: T) {
        if value != default {
            self.put(to, id, &value);
        }
    }

    /// A scalar without a default or a struct, if it is there.
    #[inline]
    pub fn add_optional<T: Plain, const SLOTS: usize>(&mut self, to: &mut Fields<SLOTS>, id: usize, value: &Option<T>) {
        if let Some(value) = value {
            self.put(to, id, value);
        }
    }

    /// A struct.
    #[inline]
    pub fn put<T: Plain, const SLOTS: usize>(&mut self, to: &mut Fields<SLOTS>, id: usize, value: &T) {
        self.align(T::ALIGNMENT, T::SIZE);
        self.head -= T::SIZE;
        value.store(&mut self.bytes[self.head..self.head + T::SIZE]);
        self.note(to, id);
    }

    /// A union's type.
    pub fn add_kind<T: Union, const SLOTS: usize>(&mut self, to: &mut Fields<SLOTS>, id: usize, value: &Option<T>) {
        self.add(to, id, value.as_ref().map_or(0, Union::kind), 0u8);
    }

    /// What stands elsewhere, if anything does.
    #[inline]
    pub fn add_offset<const SLOTS: usize>(&mut self, to: &mut Fields<SLOTS>, id: usize, target: Offset) {
        if target != Offset::NONE {
            self.align(4, 4);
            self.push_offset(target);
            self.note(to, id);
        }
    }

    /// Ends a table: its vtable, unless the same was written before.
    #[inline]
    pub fn end<const SLOTS: usize>(&mut self, fields: Fields<SLOTS>) -> Offset {
        self.align(4, 4);
        self.head -= 4;
        let start = self.position();
        let place = self.head;
        let size = 4 + 2 * fields.used;
        self.head -= size;
        let vtable = &mut self.bytes[self.head..self.head + size];
        vtable[..2].copy_from_slice(&(size as u16).to_le_bytes());
        vtable[2..4].copy_from_slice(&((start - fields.begin) as u16).to_le_bytes());
        for (entry, field) in vtable[4..].chunks_exact_mut(2).zip(&fields.places) {
            let distance = if *field == 0 { 0 } else { (start as u32 - field) as u16 };
            entry.copy_from_slice(&distance.to_le_bytes());
        }
        let vtable = self.settle_vtable(size);
        let distance = (vtable as i64 - start as i64) as i32;
        self.bytes[place..place + 4].copy_from_slice(&distance.to_le_bytes());
        Offset(start as u32)
    }

    #[inline]
    fn position(&self) -> usize {
        self.bytes.len() - self.head
    }

    #[inline]
    fn here(&self) -> Offset {
        Offset(self.position() as u32)
    }

    #[inline]
    fn note<const SLOTS: usize>(&self, to: &mut Fields<SLOTS>, id: usize) {
        to.places[id] = self.position() as u32;
        to.used = to.used.max(id + 1);
    }

    // The position of the oldest vtable that equals the one just written, which then is taken back.
    #[inline]
    fn settle_vtable(&mut self, size: usize) -> usize {
        let (end, head) = (self.bytes.len(), self.head);
        let (older, newest) = (&self.bytes[head + size..], &self.bytes[head..head + size]);
        for &position in &self.vtables {
            // The size is the first thing in a vtable, so that a longer one differs.
            let from = end - position - (head + size);
            if older.get(from..from + size) == Some(newest) {
                self.head += size;
                return position;
            }
        }
        let position = end - head;
        self.vtables.push(position);
        position
    }

    #[inline]
    fn push<const SIZE: usize>(&mut self, bytes: [u8; SIZE]) {
        self.head -= SIZE;
        self.bytes[self.head..self.head + SIZE].copy_from_slice(&bytes);
    }

    #[inline]
    fn push_offset(&mut self, target: Offset) {
        let distance = self.position() as u32 + 4 - target.0;
        self.push(distance.to_le_bytes());
    }

    // Zero bytes, so that the position is a multiple of `alignment` once `size` more bytes are written.
    #[inline]
    fn align(&mut self, alignment: usize, size: usize) {
        self.alignment = self.alignment.max(alignment);
        let pad = (self.position() + size).wrapping_neg() & (alignment - 1);
        if pad <= 8 {
            // One store of a fixed size: what stands below the head is nobody's.
            self.bytes[self.head - 8..self.head].copy_from_slice(&[0; 8]);
        } else {
            self.bytes[self.head - pad..self.head].fill(0);
        }
        self.head -= pad;
    }

    // Room for `size` bytes and what aligns them.
    #[inline]
    fn reserve(&mut self, size: usize) -> Written<()> {
        if self.head >= size.saturating_add(SLACK) {
            return Ok(());
        }
        self.grow(size)
    }

    #[cold]
    fn grow(&mut self, size: usize) -> Written<()> {
        let used = self.position();
        let needed = size.saturating_add(used).saturating_add(SLACK);
        if needed > MAX_PAYLOAD {
            return Err(EncodeError::TooLarge);
        }
        let length = needed.max(2 * self.bytes.len()).clamp(512, MAX_PAYLOAD);
        let mut bytes = vec![0; length];
        bytes[length - used..].copy_from_slice(&self.bytes[self.head..]);
        self.bytes = bytes;
        self.head = length - used;
        Ok(())
    }

    fn offsets<T>(
        &mut self,
        all: &[T],
        required: bool,
        mut write: impl FnMut(&mut Self, &T) -> Written<Offset>,
    ) -> Written<Offset> {
        if all.is_empty() && !required {
            return Ok(Offset::NONE);
        }
        let mut written = Vec::with_capacity(all.len());
        for each in all {
            written.push(write(self, each)?);
        }
        let size = all.len().checked_mul(4).ok_or(EncodeError::TooLarge)?;
        self.reserve(size)?;
        if size != 0 {
            self.align(4, size);
        }
        for target in written.iter().rev() {
            self.push_offset(*target);
        }
        self.align(4, 4);
        self.push((all.len() as u32).to_le_bytes());
        Ok(self.here())
    }
}
