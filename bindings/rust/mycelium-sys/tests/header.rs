//! The declarations against `mycelium.h` and `mycelium_bridge.h`: every function with its types, every struct with its
//! fields, sizes and places as the C compiler sees them, every constant with its value. Whatever is on one side only is
//! found.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mycelium_sys::*;

fn header_path() -> PathBuf {
    match env::var_os("MYCELIUM_HEADER") {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../ffi/include/mycelium.h"),
    }
}

/// `mycelium.h`, and `mycelium_bridge.h` beside it.
fn headers() -> String {
    let read =
        |path: &Path| fs::read_to_string(path).expect("the headers can be read; MYCELIUM_HEADER names mycelium.h");
    read(&header_path()) + &read(&header_path().with_file_name("mycelium_bridge.h"))
}

/// Without comments and preprocessor, with single spaces.
fn c_text() -> String {
    let mut text = headers();
    while let Some(begin) = text.find("/*") {
        let end = begin + text[begin..].find("*/").expect("comments end") + 2;
        text.replace_range(begin..end, " ");
    }
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    squeeze(&lines.collect::<Vec<_>>().join(" "))
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// "const MyceliumMessage* message" -> ("message", "*const MyceliumMessage").
fn rust_variable(c: &str) -> (String, String) {
    if let Some(begin) = c.find("(*") {
        let (name, parameters) = c[begin + 2..].split_once(")(").expect("a function pointer");
        let parameters = rust_variables(parameters.trim_end_matches(')'));
        let result = rust_result(&c[..begin]);
        return (name.to_owned(), format!("Option<unsafe extern \"C\" fn({parameters}){result}>"));
    }
    let (c, array) = match c.split_once('[') {
        Some((c, length)) => (c, Some(length.trim_end_matches(']').replace("MYCELIUM_DIGEST_SIZE", "32"))),
        None => (c, None),
    };
    let name_begins = c.rfind([' ', '*']).expect("a type and a name") + 1;
    let (c_type, name) = (&c[..name_begins], &c[name_begins..]);
    let mut rust = rust_type(c_type);
    if let Some(length) = array {
        rust = format!("[{rust}; {length}]");
    }
    (name.to_owned(), rust)
}

fn rust_type(c: &str) -> String {
    let c = c.trim();
    if let Some(target) = c.strip_suffix("* const*") {
        return format!("*const {}", rust_type(&format!("{target}*")));
    }
    if let Some(target) = c.strip_suffix('*') {
        return match target.strip_prefix("const ") {
            Some(target) if !target.contains('*') => format!("*const {}", rust_type(target)),
            _ => format!("*mut {}", rust_type(target)),
        };
    }
    let known = [
        ("int32_t", "i32"),
        ("uint32_t", "u32"),
        ("int64_t", "i64"),
        ("uint64_t", "u64"),
        ("uint16_t", "u16"),
        ("uint8_t", "u8"),
        ("size_t", "usize"),
        ("char", "c_char"),
        ("int", "c_int"),
        ("void", "c_void"),
    ];
    known.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| to).to_owned()
}

/// " -> i32", or nothing.
fn rust_result(c: &str) -> String {
    match rust_type(c).as_str() {
        "c_void" => String::new(),
        result => format!(" -> {result}"),
    }
}

fn rust_variables(c: &str) -> String {
    // Commas within parentheses are those of a function pointer.
    let mut depth = 0;
    let outside = |letter: char| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        letter == ',' && depth == 0
    };
    let each = c.split(outside).map(str::trim).filter(|each| *each != "void").map(|each| {
        let (name, rust) = rust_variable(each);
        // An array parameter is a pointer.
        let rust = rust.strip_prefix('[').map_or(rust.clone(), |array| format!("*mut {}", &array[..2]));
        format!("{name}: {rust}")
    });
    each.collect::<Vec<_>>().join(", ")
}

/// What `text` has between `begin` and `end`, each time.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    let parts = text.split(begin).skip(1);
    parts.map(|part| part.split_once(end).expect("begins and ends").0).collect()
}

fn rust_text(source: &str) -> String {
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    squeeze(&lines.collect::<Vec<_>>().join(" ")).replace("( ", "(").replace(", )", ")").replace(", }", " }")
}

#[test]
fn every_function_is_declared_as_in_the_header() {
    let header = c_text();
    let mut expected: Vec<_> = between(&header, "MYCELIUM_API ", ";")
        .into_iter()
        .filter(|c| c.contains('('))
        .map(|c| {
            let (head, parameters) = c.split_once('(').unwrap();
            let (result, name) = head.split_at(head.rfind([' ', '*']).unwrap() + 1);
            let parameters = parameters.strip_suffix(')').unwrap();
            format!("{name}({}){}", rust_variables(parameters), rust_result(result))
        })
        .collect();
    let source = rust_text(include_str!("../src/lib.rs"));
    let mut declared: Vec<_> = between(&source, "pub fn ", ";").into_iter().map(str::to_owned).collect();
    expected.sort();
    declared.sort();
    assert!(expected.len() >= 61, "{} functions", expected.len());
    assert_eq!(declared, expected);
}

#[test]
fn every_callback_is_declared_as_in_the_header() {
    let header = c_text();
    let mut expected: Vec<_> = between(&header, "typedef void (*", ";")
        .into_iter()
        .map(|c| {
            let (name, parameters) = c.split_once(")(").unwrap();
            let parameters = rust_variables(parameters.trim_end_matches(')'));
            format!("{name} = Option<unsafe extern \"C\" fn({parameters})>")
        })
        .collect();
    let source = rust_text(include_str!("../src/lib.rs")).replace("Option< ", "Option<").replace(", >", ">");
    let mut declared: Vec<_> = between(&source, "pub type ", ";").into_iter().map(str::to_owned).collect();
    expected.sort();
    declared.sort();
    assert_eq!(declared, expected);
}

/// Each struct's fields: name -> ["name: type"].
fn structs_of_header() -> BTreeMap<String, Vec<String>> {
    let header = c_text();
    let mut structs = BTreeMap::new();
    for c in header.split("typedef struct ").skip(1) {
        let (name, rest) = match c.split_once(" { ") {
            Some((name, rest)) if !name.contains(' ') => (name, rest),
            _ => continue, // an opaque one
        };
        let fields = rest.split_once('}').expect("a struct ends").0;
        let fields = fields.split(';').map(str::trim).filter(|field| !field.is_empty());
        let fields = fields.map(|field| {
            let (name, rust) = rust_variable(field);
            format!("{name}: {rust}")
        });
        structs.insert(name.to_owned(), fields.collect());
    }
    structs
}

#[test]
fn every_struct_has_the_fields_of_the_header() {
    let source = rust_text(include_str!("../src/structs.rs"));
    let mut declared = BTreeMap::new();
    for text in between(&source, "pub struct ", " }") {
        let (name, fields) = text.split_once(" { ").unwrap();
        let fields = fields.split("pub ").skip(1).map(|field| field.trim_end_matches([' ', ',']).to_owned());
        declared.insert(name.to_owned(), fields.collect());
    }
    let expected = structs_of_header();
    assert!(expected.len() >= 13, "{expected:?}");
    assert_eq!(declared, expected);
}

macro_rules! layouts {
    ($($name:ident { $($field:ident),* $(,)? })*) => {{
        let mut all = BTreeMap::new();
        $(
            let place = std::mem::MaybeUninit::<$name>::uninit();
            let begin = place.as_ptr();
            all.insert(stringify!($name).to_owned(), std::mem::size_of::<$name>());
            $(
                // Safe: only addresses are taken.
                let field = unsafe { std::ptr::addr_of!((*begin).$field) };
                all.insert(concat!(stringify!($name), ".", stringify!($field)).to_owned(),
                           field as usize - begin as usize);
            )*
        )*
        all
    }};
}

/// Runs a C program that includes the header, and returns the lines "name number" that it prints.
fn ask_c(name: &str, prints: &str) -> BTreeMap<String, i128> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (source, program) = (folder.join(format!("{name}.c")), folder.join(name));
    let text = format!("#include <mycelium_bridge.h>\n#include <stdio.h>\nint main(void) {{\n{prints}return 0;\n}}\n");
    fs::write(&source, text).unwrap();
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let include = header_path().parent().unwrap().to_owned();
    let done = Command::new(compiler).arg("-I").arg(include).arg(&source).arg("-o").arg(&program).status();
    assert!(done.expect("the C compiler can be started").success());
    let printed = String::from_utf8(Command::new(&program).output().unwrap().stdout).unwrap();
    let line = |line: &str| {
        let (name, number) = line.split_once(' ').unwrap();
        (name.to_owned(), number.parse().unwrap())
    };
    printed.lines().map(line).collect()
}

#[test]
fn sizes_and_places_are_those_of_the_c_compiler() {
    let mut prints = String::new();
    for (name, fields) in structs_of_header() {
        prints += &format!("printf(\"{name} %zu\\n\", sizeof({name}));\n");
        for field in fields {
            let field = field.split(':').next().unwrap();
            prints += &format!("printf(\"{name}.{field} %zu\\n\", offsetof({name}, {field}));\n");
        }
    }
    let here = layouts! {
        MyceliumRuntimeConfig {
            struct_size, name, threads, mailbox_capacity, policy, verify, block_timeout_ns, close_timeout_ns,
            max_payload, strict, log, log_user_data,
        }
        MyceliumEnvelope {
            struct_size, type_id, priority, has_trace, destination, destination_key, correlation_id, sequence,
            publisher_id, timestamp_ns, trace_id, span_id, trace_flags,
        }
        MyceliumPayload { type_id, data, len }
        MyceliumDropEvent { subscription_id, dropped, reason, recovered }
        MyceliumSubscribeOptions {
            struct_size, name, flags, policy, capacity, history, batch_max, block_timeout_ns, on_payload, on_message,
            on_batch, queue_id, on_drop, on_complete, user_data, user_data_free,
        }
        MyceliumDelivery { kind, status, id, user_data, message }
        MyceliumRequestOptions { struct_size, timeout_ns, on_reply, queue_id, user_data }
        MyceliumRuntimeStats {
            struct_size, published, published_bytes, refused, offered, delivered, waiting, callback_errors, restarts,
            subscriptions, queues, requests_pending, threads, dropped,
        }
        MyceliumSubscriptionStats {
            struct_size, offered, delivered, waiting, capacity, high_water, callback_errors, dropped,
        }
        MyceliumBridgeConfig {
            struct_size, name, token, max_links, max_frame, window, capacity, policy, block_timeout_ns,
            hello_timeout_ns, heartbeat_ns, silence_ns, linger_ns, token_file, tls_cert, tls_key, tls_ca,
            permissions_file, socket_mode, max_links_per_peer, max_accepts, max_nodes, max_state, max_types,
            max_requests, max_message_rate, max_byte_rate, max_control_rate, at_least_once,
        }
        MyceliumBridgeStats {
            struct_size, node, neighbours, reachable, links_made, links_cut, refused, received, sent, sent_again,
            acknowledged, dropped, lost, missing, repeated, invalid, not_allowed,
        }
        MyceliumOrigin { struct_size, node, way, hops, of_mesh }
        MyceliumRemoteMessage { envelope, node, payload, len, hops, outcome }
    };
    let here: BTreeMap<String, i128> = here.into_iter().map(|(name, number)| (name, number as i128)).collect();
    assert_eq!(here, ask_c("layouts", &prints));
}

#[test]
fn constants_have_the_values_of_the_header() {
    let mut names = Vec::new();
    let header = c_text();
    for body in header.split("typedef enum ").skip(1) {
        let body = body.split_once('{').unwrap().1.split_once('}').unwrap().0;
        names.extend(body.split(',').filter_map(|each| each.split_once('=')).map(|(name, _)| name.trim().to_owned()));
    }
    for line in headers().lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        if words.len() >= 3 && words[0] == "#define" && words[1] != "MYCELIUM_API" {
            names.push(words[1].to_owned());
        }
    }
    let prints: String = names.iter().map(|name| format!("printf(\"{name} %lld\\n\", (long long){name});\n")).collect();
    let source = rust_text(include_str!("../src/constants.rs"));
    let mut declared = BTreeMap::new();
    for text in between(&source, "pub const ", ";") {
        let (name, rest) = text.split_once(':').unwrap();
        let value = rest.split_once("= ").unwrap().1;
        let number = if value == "i64::MAX" { i128::from(i64::MAX) } else { value.parse().unwrap() };
        declared.insert(name.to_owned(), number);
    }
    assert!(declared.len() >= 50, "{} constants", declared.len());
    assert_eq!(declared, ask_c("constants", &prints));
    assert_eq!(MYCELIUM_FOREVER, i64::MAX);
}

#[test]
fn the_loaded_library_has_the_version_that_is_declared() {
    let version = unsafe { mycelium_abi_version() };
    assert_eq!(version, MYCELIUM_ABI_MAJOR << 16 | MYCELIUM_ABI_MINOR);
}

#[test]
fn defaults_are_those_of_the_init_functions() {
    let mut options = MyceliumSubscribeOptions { capacity: 1, ..Default::default() };
    unsafe { mycelium_subscribe_options_init(&mut options) };
    assert_eq!((options.struct_size, options.capacity), (MyceliumSubscribeOptions::default().struct_size, 0));
    let mut config = MyceliumRuntimeConfig { threads: 1, ..Default::default() };
    unsafe { mycelium_runtime_config_init(&mut config) };
    assert_eq!((config.struct_size, config.threads), (MyceliumRuntimeConfig::default().struct_size, 0));
    let mut config = MyceliumBridgeConfig { window: 1, ..Default::default() };
    unsafe { mycelium_bridge_config_init(&mut config) };
    assert_eq!((config.struct_size, config.window), (MyceliumBridgeConfig::default().struct_size, 0));
}
