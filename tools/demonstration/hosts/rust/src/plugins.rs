//! The demo's plug-ins, loaded as shared objects: `text_publisher.cpp` and `bindings/c/examples/text_subscriber.c`.

use std::error::Error;
use std::ffi::{CStr, CString};
use std::mem;
use std::os::raw::{c_char, c_int, c_void};
use std::path::Path;

use mycelium::Bus;

pub type Failure = Box<dyn Error>;

extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn dlerror() -> *const c_char;
}

/// A shared object that stays loaded until the process ends.
#[derive(Clone, Copy)]
struct Library(*mut c_void);

impl Library {
    fn load(path: &str) -> Result<Self, Failure> {
        const RTLD_NOW: c_int = 2;
        let path = CString::new(path)?;
        let library = unsafe { dlopen(path.as_ptr(), RTLD_NOW) };
        if library.is_null() {
            return Err(last_error());
        }
        Ok(Library(library))
    }

    /// # Safety
    /// `Function` is the type that the plug-in's header gives the function.
    unsafe fn find<Function: Copy>(self, name: &str) -> Result<Function, Failure> {
        let name = CString::new(name)?;
        let found = dlsym(self.0, name.as_ptr());
        if found.is_null() {
            return Err(last_error());
        }
        Ok(mem::transmute_copy(&found))
    }
}

fn last_error() -> Failure {
    unsafe { CStr::from_ptr(dlerror()) }.to_string_lossy().into()
}

/// `TextPublisherWords` of `text_publisher.hpp`.
#[repr(C)]
#[derive(Default)]
pub struct Words {
    pub requests: u64,
    pub words: u64,
    pub expected: u64,
    p50_ns: u64,
    p99_ns: u64,
}

/// `TextReport` of `text_subscriber.h`.
#[repr(C)]
#[derive(Default)]
pub struct Report {
    pub messages: u64,
    pub bytes: u64,
    pub invalid: u64,
    p50_ns: u64,
    p99_ns: u64,
    max_ns: u64,
}

/// The publisher in C++.
pub struct Publisher {
    library: Library,
    this: *mut c_void,
}

impl Publisher {
    pub fn open(library: &str, bus: Bus, file: &str) -> Result<Self, Failure> {
        type Open = unsafe extern "C" fn(*mut c_void, *const c_char, *mut [u64; 2]) -> *mut c_void;
        let library = Library::load(library)?;
        let file = CString::new(file)?;
        let mut size = [0; 2]; // lines and bytes
        let this =
            unsafe { library.find::<Open>("text_publisher_open")?(bus.handle().cast(), file.as_ptr(), &mut size) };
        let publisher = Publisher { library, this };
        if this.is_null() {
            return Err(publisher.error());
        }
        Ok(publisher)
    }

    /// Publishes so many lines, as fast as the subscribers take them.
    pub fn stream(&self, count: u64) -> Result<(), Failure> {
        type Stream = unsafe extern "C" fn(*mut c_void, u64, u32) -> i32;
        let status = unsafe { self.library.find::<Stream>("text_publisher_stream")?(self.this, count, 0) };
        self.check(status)
    }

    /// Asks on the bus how many words the lines have.
    pub fn count_words(&self, lines_per_request: u32) -> Result<Words, Failure> {
        type CountWords = unsafe extern "C" fn(*mut c_void, u32, *mut Words) -> i32;
        let mut words = Words::default();
        let count = unsafe { self.library.find::<CountWords>("text_publisher_count_words")? };
        self.check(unsafe { count(self.this, lines_per_request, &mut words) })?;
        Ok(words)
    }

    pub fn close(self) -> Result<(), Failure> {
        type Close = unsafe extern "C" fn(*mut c_void);
        unsafe { self.library.find::<Close>("text_publisher_close")?(self.this) };
        Ok(())
    }

    fn check(&self, status: i32) -> Result<(), Failure> {
        if status < 0 {
            return Err(self.error());
        }
        Ok(())
    }

    fn error(&self) -> Failure {
        type Tell = unsafe extern "C" fn() -> *const c_char;
        match unsafe { self.library.find::<Tell>("text_publisher_error") } {
            Ok(tell) => unsafe { CStr::from_ptr(tell()) }.to_string_lossy().into(),
            Err(missing) => missing,
        }
    }
}

/// The subscriber in C.
pub struct Subscriber {
    library: Library,
    this: *mut c_void,
}

impl Subscriber {
    pub fn open(library: &str, bus: Bus, file: &Path) -> Result<Self, Failure> {
        type Open = unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void;
        let library = Library::load(library)?;
        let file = CString::new(file.to_string_lossy().into_owned())?;
        let this = unsafe { library.find::<Open>("text_subscriber_open")?(bus.handle().cast(), file.as_ptr()) };
        if this.is_null() {
            return Err("the C subscriber did not start: see above".into());
        }
        Ok(Subscriber { library, this })
    }

    /// What it received; when nothing is being published.
    pub fn report(&self) -> Result<Report, Failure> {
        type Tell = unsafe extern "C" fn(*mut c_void, *mut Report);
        let mut report = Report::default();
        unsafe { self.library.find::<Tell>("text_subscriber_report")?(self.this, &mut report) };
        Ok(report)
    }

    pub fn close(self) -> Result<(), Failure> {
        type Close = unsafe extern "C" fn(*mut c_void) -> i32;
        if unsafe { self.library.find::<Close>("text_subscriber_close")?(self.this) } < 0 {
            return Err("the C subscriber could not complete its file: is the disk full?".into());
        }
        Ok(())
    }
}
