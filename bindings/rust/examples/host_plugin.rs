//! Hosts a plug-in that is written in C: both publish, subscribe, serve and ask on one bus.
//!
//!     host_plugin PATH

use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;
use std::{env, mem, process};

use mycelium::examples::{CounterUpdate, TextMessage, WordCountReply, WordCountRequest};
use mycelium::{sys, Runtime};

const LINES: u64 = 1000;
const PATIENCE: Duration = Duration::from_secs(20);

type Failure = Box<dyn std::error::Error>;

extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn dlerror() -> *const c_char;
}

/// The functions of the plug-in.
struct Plugin {
    start: unsafe extern "C" fn(*mut sys::MyceliumRuntime) -> i32,
    ask: unsafe extern "C" fn(*const c_char, *mut u64) -> i32,
    stop: unsafe extern "C" fn() -> i32,
}

impl Plugin {
    fn load(path: &str) -> Result<Self, Failure> {
        const RTLD_NOW: c_int = 2;
        let path = CString::new(path)?;
        // Safe: the functions have the types that the plug-in's contract says, and it stays loaded.
        unsafe {
            let library = not_null(dlopen(path.as_ptr(), RTLD_NOW))?;
            let find = |name: &CStr| not_null(dlsym(library, name.as_ptr()));
            Ok(Plugin {
                start: mem::transmute(find(CStr::from_bytes_with_nul(b"plugin_start\0")?)?),
                ask: mem::transmute(find(CStr::from_bytes_with_nul(b"plugin_ask\0")?)?),
                stop: mem::transmute(find(CStr::from_bytes_with_nul(b"plugin_stop\0")?)?),
            })
        }
    }
}

fn not_null(found: *mut c_void) -> Result<*mut c_void, Failure> {
    if found.is_null() {
        // Safe: after a failure there is a text.
        return Err(unsafe { CStr::from_ptr(dlerror()) }.to_string_lossy().into());
    }
    Ok(found)
}

fn succeeded(what: &str, status: i32) -> Result<(), Failure> {
    if status == 0 {
        Ok(())
    } else {
        Err(format!("{what} returned {status}").into())
    }
}

fn count_words(request: WordCountRequest) -> WordCountReply {
    let words = request.text.split([' ', '\t', '\n', '\r']).filter(|word| !word.is_empty());
    WordCountReply { words: words.count() as u64, bytes: request.text.len() as u64 }
}

fn run(path: &str) -> Result<(), Failure> {
    let plugin = Plugin::load(path)?;
    let bus = Runtime::new()?;
    let _server = bus.serve(count_words)?;
    let (own, others) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (heard_own, heard_others) = (own.clone(), others.clone());
    let _own = bus.subscribe(move |_: TextMessage| {
        heard_own.fetch_add(1, Ordering::Relaxed);
    })?;
    let _others = bus.subscribe(move |update: CounterUpdate| {
        heard_others.fetch_add(u64::from(update.counter_id == 7), Ordering::Relaxed);
    })?;

    succeeded("plugin_start", unsafe { (plugin.start)(bus.handle()) })?;
    for i in 1..=LINES {
        bus.publish(&TextMessage { sender: "host".into(), content: format!("line {i}"), timestamp: i })?;
    }
    bus.flush(PATIENCE)?; // the plug-in has published all that it will
    bus.flush(PATIENCE)?; // and we have received it
    println!("heard {} of its own, {} from the plug-in", own.load(Ordering::Relaxed), others.load(Ordering::Relaxed));

    let reply: WordCountReply = bus.request(&WordCountRequest { text: "one two three".into() }, PATIENCE)?;
    println!("its own request: {} words", reply.words);
    let mut words = 0;
    succeeded("plugin_ask", unsafe { (plugin.ask)(CString::new("a b c d")?.as_ptr(), &mut words) })?;
    println!("the plug-in's request: {words} words");
    succeeded("plugin_stop", unsafe { (plugin.stop)() })
}

fn main() {
    let path = env::args().nth(1).unwrap_or_else(|| {
        eprintln!("usage: host_plugin PATH");
        process::exit(2);
    });
    if let Err(why) = run(&path) {
        eprintln!("host_plugin: {why}");
        process::exit(1);
    }
}
