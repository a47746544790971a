//! What is known of runtimes beside their handles: where their log goes, and how often closures failed. The library's
//! callbacks carry the number of an entry, never a pointer, so that they may come after the entry has gone.

use std::any::Any;
use std::ffi::CStr;
use std::fmt;
use std::os::raw::{c_char, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::sys;

/// How grave a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// Something was lost or is broken.
    Error,
    /// Something may be.
    Warning,
    /// Good to know.
    Info,
}

pub(crate) type Log = Box<dyn Fn(LogLevel, &str) + Send + Sync>;

pub(crate) struct Entry {
    number: usize,
    handle: AtomicUsize, // 0 until the runtime is created
    errors: AtomicU64,
    log: Option<Log>,
}

static ENTRIES: Mutex<Vec<Arc<Entry>>> = Mutex::new(Vec::new());
static LAST: AtomicUsize = AtomicUsize::new(0);

fn find(wanted: impl Fn(&Entry) -> bool) -> Option<Arc<Entry>> {
    let entries = ENTRIES.lock().unwrap_or_else(PoisonError::into_inner);
    entries.iter().find(|entry| wanted(entry)).cloned()
}

pub(crate) fn add(log: Option<Log>) -> Arc<Entry> {
    let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    let entry = Arc::new(Entry { number, handle: AtomicUsize::new(0), errors: AtomicU64::new(0), log });
    ENTRIES.lock().unwrap_or_else(PoisonError::into_inner).push(entry.clone());
    entry
}

pub(crate) fn remove(entry: &Arc<Entry>) {
    let mut entries = ENTRIES.lock().unwrap_or_else(PoisonError::into_inner);
    let place = entries.iter().position(|each| Arc::ptr_eq(each, entry));
    // The closure in it is the user's: it is dropped without the lock.
    let removed = place.map(|place| entries.swap_remove(place));
    drop(entries);
    drop(removed);
}

pub(crate) fn errors_of(handle: *mut sys::MyceliumRuntime) -> u64 {
    let known = find(|entry| entry.handle.load(Ordering::Relaxed) == handle as usize);
    known.map_or(0, |entry| entry.errors.load(Ordering::Relaxed))
}

impl fmt::Debug for Entry {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Entry").field("errors", &self.errors).finish_non_exhaustive()
    }
}

impl Entry {
    pub(crate) fn belongs_to(&self, handle: *mut sys::MyceliumRuntime) {
        self.handle.store(handle as usize, Ordering::Relaxed);
    }

    pub(crate) fn has_log(&self) -> bool {
        self.log.is_some()
    }

    // What the library is given for its log.
    pub(crate) fn user_data(&self) -> *mut c_void {
        self.number as *mut c_void
    }

    fn write(&self, level: LogLevel, text: &str) {
        if let Some(log) = &self.log {
            guard(|| log(level, text), forget);
        }
    }
}

pub(crate) unsafe extern "C" fn on_log(level: sys::MyceliumLogLevel, text: *const c_char, user_data: *mut c_void) {
    let level = match level {
        sys::MYCELIUM_LOG_ERROR => LogLevel::Error,
        sys::MYCELIUM_LOG_WARNING => LogLevel::Warning,
        _ => LogLevel::Info,
    };
    if let Some(entry) = find(|entry| entry.number == user_data as usize) {
        entry.write(level, &CStr::from_ptr(text).to_string_lossy());
    }
}

/// Counts what failed in the closures of one subscription, and tells the runtime's log.
#[derive(Debug)]
pub(crate) struct Failures {
    handle: usize,
    whose: String,
    count: AtomicU64,
}

impl Failures {
    pub(crate) fn new(handle: *mut sys::MyceliumRuntime, whose: String) -> Arc<Self> {
        Arc::new(Failures { handle: handle as usize, whose, count: AtomicU64::new(0) })
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, what: &str) {
        self.count.fetch_add(1, Ordering::Relaxed);
        if let Some(entry) = find(|entry| entry.handle.load(Ordering::Relaxed) == self.handle) {
            entry.errors.fetch_add(1, Ordering::Relaxed);
            entry.write(LogLevel::Error, &format!("{}: {what}", self.whose));
        }
    }

    // Runs a closure of the user: a panic ends here.
    #[inline]
    pub(crate) fn guard(&self, run: impl FnOnce()) {
        guard(run, |panic| self.panicked(panic));
    }

    #[cold]
    pub(crate) fn panicked(&self, panic: Box<dyn Any + Send>) {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text");
        self.add(&format!("a callback panicked: {text}"));
        forget(panic);
    }
}

#[inline]
pub(crate) fn guard(run: impl FnOnce(), panicked: impl FnOnce(Box<dyn Any + Send>)) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
        panicked(panic);
    }
}

// What a panic carries may itself panic when it is dropped.
fn forget(panic: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(second);
    }
}
