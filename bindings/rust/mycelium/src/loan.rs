//! Memory of the bus to build a payload in, published without a copy.

use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::slice;

use crate::bus::Bus;
use crate::error::{check, Result};
use crate::sys;

/// A block of the runtime's memory, 16-byte aligned. It is filled from its start, like a `Vec` that cannot grow, and
/// published without a copy; dropping it gives it back.
///
/// ```
/// use std::io::Write;
///
/// let bus = mycelium::Runtime::new()?;
/// let mut loan = bus.loan(64)?;
/// write!(loan, "{} bytes of room", loan.room()).unwrap();
/// loan.publish(20001)?;
/// # Ok::<(), mycelium::Error>(())
/// ```
///
/// What was published is the bus's:
///
/// ```compile_fail,E0382
/// let mut loan = mycelium::Runtime::new().unwrap().loan(64).unwrap();
/// loan.publish(20001);
/// loan.push(b"too late");
/// ```
pub struct Loan {
    bus: Bus,
    loan: NonNull<sys::MyceliumLoan>,
    data: NonNull<u8>,
    capacity: usize,
    len: usize, // bytes that are initialized
}

// Safe: it owns its memory, which may be filled on any thread.
unsafe impl Send for Loan {}
unsafe impl Sync for Loan {}

impl Bus {
    /// Borrows memory for a payload of at most `capacity` bytes.
    pub fn loan(self, capacity: usize) -> Result<Loan> {
        let (mut loan, mut data) = (ptr::null_mut(), ptr::null_mut());
        check(unsafe { sys::mycelium_loan(self.handle(), capacity, &mut loan, &mut data) })?;
        match (NonNull::new(loan), NonNull::new(data)) {
            (Some(loan), Some(data)) => Ok(Loan { bus: self, loan, data, capacity, len: 0 }),
            _ => unreachable!("a loan that was granted has memory"),
        }
    }
}

impl Loan {
    /// How many bytes fit.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many bytes still fit.
    pub fn room(&self) -> usize {
        self.capacity - self.len
    }

    /// What was written so far.
    pub fn filled(&self) -> &[u8] {
        // Safe: as many bytes are initialized.
        unsafe { slice::from_raw_parts(self.data.as_ptr(), self.len) }
    }

    /// The same, to be changed.
    pub fn filled_mut(&mut self) -> &mut [u8] {
        // Safe: as many bytes are initialized, and the block is ours alone.
        unsafe { slice::from_raw_parts_mut(self.data.as_ptr(), self.len) }
    }

    /// Adds bytes. Panics if they do not fit.
    pub fn push(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= self.room(), "{} bytes do not fit into {}", bytes.len(), self.room());
        // Safe: they fit, and the block is not the caller's.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.data.as_ptr().add(self.len), bytes.len()) };
        self.len += bytes.len();
    }

    /// Fills the rest with zero bytes and hands out the whole block.
    pub fn zeroed(&mut self) -> &mut [u8] {
        // Safe: the rest of the block.
        unsafe { ptr::write_bytes(self.data.as_ptr().add(self.len), 0, self.room()) };
        self.len = self.capacity;
        self.filled_mut()
    }

    /// The rest of the block, whose bytes have no value yet; [`set_len`](Self::set_len) when some have.
    pub fn uninit(&mut self) -> &mut [MaybeUninit<u8>] {
        // Safe: the rest of the block, which is ours alone.
        unsafe { slice::from_raw_parts_mut(self.data.as_ptr().add(self.len).cast(), self.room()) }
    }

    /// Says how many bytes at the start of the block have a value.
    ///
    /// # Safety
    /// They have, and `len` is at most the capacity.
    pub unsafe fn set_len(&mut self, len: usize) {
        debug_assert!(len <= self.capacity);
        self.len = len;
    }

    /// Publishes what was written, without a copy. If nobody can get it, the memory goes back to the bus.
    pub fn publish(self, type_id: u16) -> Result<()> {
        let status = unsafe { sys::mycelium_publish_loan(self.bus.handle(), type_id, self.loan.as_ptr(), 0, self.len) };
        // These say that nobody got it, and that it is still ours.
        let refused = matches!(
            status,
            sys::MYCELIUM_ERROR_TOO_LARGE
                | sys::MYCELIUM_ERROR_UNKNOWN_TYPE
                | sys::MYCELIUM_ERROR_INVALID_PAYLOAD
                | sys::MYCELIUM_ERROR_CLOSED
                | sys::MYCELIUM_ERROR_INVALID_ARGUMENT
                | sys::MYCELIUM_ERROR_NULL
                | sys::MYCELIUM_ERROR_FORKED
        );
        let outcome = check(status);
        if !refused {
            std::mem::forget(self);
        }
        outcome
    }
}

impl io::Write for Loan {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fitting = bytes.len().min(self.room());
        self.push(&bytes[..fitting]);
        Ok(fitting)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Loan {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Loan").field("capacity", &self.capacity).field("len", &self.len).finish()
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        unsafe { sys::mycelium_loan_discard(self.loan.as_ptr()) };
    }
}
