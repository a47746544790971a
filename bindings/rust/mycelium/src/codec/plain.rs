//! Values that stand in a payload as they are: numbers, enums, structs, arrays of them.

use std::array;

/// A value of fixed size, in little endian. Implemented for numbers here and for enums and structs by generated code.
pub trait Plain: Copy + PartialEq {
    /// Bytes, with the gaps in a struct.
    const SIZE: usize;
    /// The address of a value is a multiple of this, counted from the start of the payload.
    const ALIGNMENT: usize;

    /// Reads the first `SIZE` bytes; there are that many.
    fn load(from: &[u8]) -> Self;

    /// Writes the first `SIZE` bytes, gaps too; there are that many.
    fn store(&self, to: &mut [u8]);

    /// All values that stand in `from`, whose length is a multiple of `SIZE`.
    fn load_all(from: &[u8]) -> Vec<Self> {
        from.chunks_exact(Self::SIZE).map(Self::load).collect()
    }

    /// Fills `to`, which is as long as all the values.
    fn store_all(values: &[Self], to: &mut [u8]) {
        for (value, place) in values.iter().zip(to.chunks_exact_mut(Self::SIZE)) {
            value.store(place);
        }
    }
}

macro_rules! plain_number {
    ($($number:ty),*) => {$(
        impl Plain for $number {
            const SIZE: usize = std::mem::size_of::<$number>();
            const ALIGNMENT: usize = Self::SIZE;

            #[inline]
            fn load(from: &[u8]) -> Self {
                let mut bytes = [0; Self::SIZE];
                bytes.copy_from_slice(&from[..Self::SIZE]);
                Self::from_le_bytes(bytes)
            }

            #[inline]
            fn store(&self, to: &mut [u8]) {
                to[..Self::SIZE].copy_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}
plain_number!(i8, i16, u16, i32, u32, i64, u64, f32, f64);

impl Plain for u8 {
    const SIZE: usize = 1;
    const ALIGNMENT: usize = 1;

    #[inline]
    fn load(from: &[u8]) -> Self {
        from[0]
    }

    #[inline]
    fn store(&self, to: &mut [u8]) {
        to[0] = *self;
    }

    fn load_all(from: &[u8]) -> Vec<Self> {
        from.to_vec()
    }

    fn store_all(values: &[Self], to: &mut [u8]) {
        to.copy_from_slice(values);
    }
}

impl Plain for bool {
    const SIZE: usize = 1;
    const ALIGNMENT: usize = 1;

    #[inline]
    fn load(from: &[u8]) -> Self {
        from[0] != 0
    }

    #[inline]
    fn store(&self, to: &mut [u8]) {
        to[0] = u8::from(*self);
    }
}

impl<T: Plain, const N: usize> Plain for [T; N] {
    const SIZE: usize = T::SIZE * N;
    const ALIGNMENT: usize = T::ALIGNMENT;

    #[inline]
    fn load(from: &[u8]) -> Self {
        let from = &from[..Self::SIZE];
        array::from_fn(|i| T::load(&from[i * T::SIZE..]))
    }

    #[inline]
    fn store(&self, to: &mut [u8]) {
        T::store_all(self, &mut to[..Self::SIZE]);
    }
}
