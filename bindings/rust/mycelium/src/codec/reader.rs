//! Reads a FlatBuffer from bytes that nobody has checked. It accepts what `schema/flat_reader.hpp` accepts.
//! The payload may stand at any address.

use super::error::{DecodeError, Flaw};
use super::plain::Plain;
use super::{text, Table, Union, MAX_PAYLOAD};

const MAX_DEPTH: u32 = 64;

/// A table and its vtable.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    start: usize,
    table: &'a [u8], // the part that stands inline
    vtable: &'a [u8],
}

/// Goes through a payload; every step checks what it touches.
#[derive(Debug)]
pub struct Reader<'a> {
    payload: &'a [u8],
    // Tables and elements visited, and bytes seen. Parts may be shared; the bounds are far above what an honest payload
    // of that size needs, and keep the work linear in its size.
    steps_left: u64,
    reach_left: u64,
    depth: u32,
}

type Read<T> = Result<T, DecodeError>;

#[cold]
fn fail<T>(flaw: Flaw, offset: usize) -> Read<T> {
    Err(DecodeError::new(flaw, offset))
}

impl<'a> Reader<'a> {
    /// Reads `payload` from its root.
    #[inline]
    pub fn new(payload: &'a [u8]) -> Self {
        let size = payload.len() as u64;
        Reader { payload, steps_left: 1024 + 4 * size, reach_left: (16 << 20) + 8 * size, depth: 0 }
    }

    /// Where the message's table stands.
    #[inline]
    pub fn root(&self) -> Read<usize> {
        if self.payload.len() < 8 {
            return fail(Flaw::TooShort, 0);
        }
        if self.payload.len() > MAX_PAYLOAD {
            return fail(Flaw::TooLong, 0);
        }
        self.follow(0)
    }

    /// Enters the table at `start`; [`leave`](Self::leave) it after its fields.
    #[inline(always)] // so that the view stays in registers
    pub fn enter(&mut self, start: usize) -> Read<View<'a>> {
        let distance: i32 = self.number(start, Flaw::Table)?;
        // A negative place is far out of range, too.
        let place = (start as i64).wrapping_sub(i64::from(distance)) as usize;
        let vtable_size = usize::from(self.number::<u16>(place, Flaw::Vtable)?);
        let size = usize::from(self.number::<u16>(place.wrapping_add(2), Flaw::Vtable)?);
        let vtable = match self.payload.get(place..place + vtable_size) {
            Some(vtable) if vtable_size >= 4 && vtable_size % 2 == 0 => vtable,
            _ => return fail(Flaw::Vtable, place),
        };
        let table = match self.payload.get(start..start + size) {
            Some(table) if size >= 4 => table,
            _ => return fail(Flaw::Table, start),
        };
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return fail(Flaw::TooDeep, start);
        }
        self.spend(1, size, start)?;
        Ok(View { start, table, vtable })
    }

    /// Ends what [`enter`](Self::enter) began.
    #[inline]
    pub fn leave(&mut self) {
        self.depth -= 1;
    }

    /// A scalar with a default.
    #[inline]
    pub fn value<T: Plain>(&self, table: &View<'a>, id: usize, default: T) -> Read<T> {
        Ok(self.optional(table, id)?.unwrap_or(default))
    }

    /// A scalar without a default, or a struct.
    #[inline]
    pub fn optional<T: Plain>(&self, table: &View<'a>, id: usize) -> Read<Option<T>> {
        Ok(self.locate(table, id, T::SIZE, T::ALIGNMENT)?.map(|(_, bytes)| T::load(bytes)))
    }

    /// A struct that has to be there.
    #[inline]
    pub fn required<T: Plain>(&self, table: &View<'a>, id: usize) -> Read<T> {
        match self.optional(table, id)? {
            Some(value) => Ok(value),
            None => fail(Flaw::Missing, table.start),
        }
    }

    /// A string; absent it is empty.
    #[inline(always)]
    pub fn string(&mut self, table: &View<'a>, id: usize, required: bool) -> Read<String> {
        match self.locate_target(table, id, required)? {
            0 => Ok(String::new()),
            target => self.own_text(target),
        }
    }

    /// A vector of strings.
    pub fn strings(&mut self, table: &View<'a>, id: usize, required: bool) -> Read<Vec<String>> {
        self.targets(table, id, required, Self::own_text)
    }

    /// A vector of numbers, enums or structs.
    #[inline]
    pub fn values<T: Plain>(&mut self, table: &View<'a>, id: usize, required: bool) -> Read<Vec<T>> {
        match self.locate_target(table, id, required)? {
            0 => Ok(Vec::new()),
            target => Ok(T::load_all(self.elements(target, T::SIZE, T::ALIGNMENT)?)),
        }
    }

    /// A table, or nothing.
    #[inline]
    pub fn table<T: Table>(&mut self, table: &View<'a>, id: usize, required: bool) -> Read<Option<T>> {
        match self.locate_target(table, id, required)? {
            0 => Ok(None),
            target => T::read(self, target).map(Some),
        }
    }

    /// A table that has to be there.
    #[inline]
    pub fn required_table<T: Table>(&mut self, table: &View<'a>, id: usize) -> Read<T> {
        let target = self.locate_target(table, id, true)?;
        T::read(self, target)
    }

    /// A vector of tables.
    pub fn tables<T: Table>(&mut self, table: &View<'a>, id: usize, required: bool) -> Read<Vec<T>> {
        self.targets(table, id, required, T::read)
    }

    /// A union: its value has this id, its type the one before. A member that the schema does not know reads as none.
    pub fn union<T: Union>(&mut self, table: &View<'a>, id: usize, required: bool) -> Read<Option<T>> {
        let kind = self.value(table, id - 1, 0u8)?;
        let target = self.locate_target(table, id, required)?;
        match (kind, target) {
            (0, 0) => Ok(None),
            (0, _) | (_, 0) => fail(Flaw::Union, table.start),
            _ => T::read(self, kind, target),
        }
    }

    #[inline]
    fn number<T: Plain>(&self, offset: usize, flaw: Flaw) -> Read<T> {
        match self.payload.get(offset..offset.wrapping_add(T::SIZE)) {
            Some(bytes) if offset % T::ALIGNMENT == 0 => Ok(T::load(bytes)),
            _ => fail(flaw, offset),
        }
    }

    #[inline]
    fn spend(&mut self, steps: u64, reach: usize, offset: usize) -> Read<()> {
        let reach = reach as u64;
        if steps > self.steps_left || reach > self.reach_left {
            return fail(Flaw::Overused, offset);
        }
        self.steps_left -= steps;
        self.reach_left -= reach;
        Ok(())
    }

    // Where the field with this id stands, and its bytes; nothing if it is absent.
    #[inline(always)]
    fn locate(&self, table: &View<'a>, id: usize, size: usize, alignment: usize) -> Read<Option<(usize, &'a [u8])>> {
        let slot = 4 + 2 * id;
        let distance = match table.vtable.get(slot..slot + 2) {
            Some(entry) => usize::from(u16::load(entry)),
            None => 0,
        };
        if distance == 0 {
            return Ok(None);
        }
        let place = table.start + distance;
        match table.table.get(distance..distance + size) {
            Some(bytes) if distance >= 4 && place % alignment == 0 => Ok(Some((place, bytes))),
            _ => fail(Flaw::Field, place),
        }
    }

    // The same for what stands elsewhere; 0 if it is absent.
    #[inline(always)]
    fn locate_target(&self, table: &View<'a>, id: usize, required: bool) -> Read<usize> {
        match self.locate(table, id, 4, 4)? {
            Some((place, bytes)) => self.target(place, u32::load(bytes)),
            None if required => fail(Flaw::Missing, table.start),
            None => Ok(0),
        }
    }

    #[inline]
    fn follow(&self, offset: usize) -> Read<usize> {
        let distance = self.number(offset, Flaw::Offset)?;
        self.target(offset, distance)
    }

    #[inline(always)]
    fn target(&self, offset: usize, distance: u32) -> Read<usize> {
        let target = offset + distance as usize;
        if distance == 0 || target >= self.payload.len() {
            return fail(Flaw::Target, offset);
        }
        Ok(target)
    }

    // The elements of a vector.
    #[inline]
    fn elements(&mut self, start: usize, size: usize, alignment: usize) -> Read<&'a [u8]> {
        let count = self.number::<u32>(start, Flaw::Vector)? as usize;
        let first = start + 4;
        let elements = match self.payload.get(first..first.saturating_add(count.saturating_mul(size))) {
            Some(elements) if count == 0 || first % alignment == 0 => elements,
            _ => return fail(Flaw::Vector, start),
        };
        self.spend(0, 4 + elements.len(), start)?;
        Ok(elements)
    }

    // Reads every element of a vector of offsets. It grows as they are read: its length is only a claim.
    fn targets<T>(
        &mut self,
        table: &View<'a>,
        id: usize,
        required: bool,
        mut read: impl FnMut(&mut Self, usize) -> Read<T>,
    ) -> Read<Vec<T>> {
        let start = self.locate_target(table, id, required)?;
        if start == 0 {
            return Ok(Vec::new());
        }
        let count = self.elements(start, 4, 4)?.len() / 4;
        self.spend(count as u64, 0, start)?;
        let mut all = Vec::new();
        for i in 0..count {
            let target = self.follow(start + 4 + 4 * i)?;
            all.push(read(self, target)?);
        }
        Ok(all)
    }

    #[inline(always)]
    fn own_text(&mut self, start: usize) -> Read<String> {
        match text_at(self.payload, start) {
            Some(text) => {
                self.spend(0, 4 + text.len(), start)?;
                Ok(text.into_string())
            }
            None => Err(self.flaw_of_text(start)),
        }
    }

    #[cold]
    fn flaw_of_text(&self, start: usize) -> DecodeError {
        let count = match self.number::<u32>(start, Flaw::Vector) {
            Ok(count) => count as usize,
            Err(why) => return why,
        };
        let flaw = match self.payload.get(start.saturating_add(4).saturating_add(count)) {
            None => Flaw::Vector,
            Some(0) => Flaw::NotUtf8,
            Some(_) => Flaw::Unterminated,
        };
        DecodeError::new(flaw, start)
    }
}

// Not a method: the reader stays in registers. So does a box, which is two words.
#[inline(never)]
fn text_at(payload: &[u8], start: usize) -> Option<Box<str>> {
    let (count, rest) = match payload.get(start..) {
        Some([a, b, c, d, rest @ ..]) if start % 4 == 0 => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return None,
    };
    match rest.get(count) {
        Some(0) => text::own(&rest[..count]),
        _ => None,
    }
}
