//! The C interface of Mycelium: declarations, nothing more. `mycelium.h` and `mycelium_bridge.h` say what each function
//! does, who owns what, and which thread may call it; the crate `mycelium` is the safe interface.
//!
//! The build finds `libmycelium_ffi` in the folder that `MYCELIUM_LIB_DIR` names, or else through pkg-config.
//! `MYCELIUM_STATIC=1` links the archive instead of the shared library.

use std::os::raw::{c_char, c_int, c_void};

mod constants;
mod structs;

pub use constants::*;
pub use structs::*;

/// A runtime; a handle, checked on each call, never followed.
#[repr(C)]
pub struct MyceliumRuntime {
    opaque: [u8; 0],
}

/// A received message, immutable and counted.
#[repr(C)]
pub struct MyceliumMessage {
    opaque: [u8; 0],
}

/// Memory of a runtime to build a payload in.
#[repr(C)]
pub struct MyceliumLoan {
    opaque: [u8; 0],
}

pub type MyceliumLogCallback =
    Option<unsafe extern "C" fn(level: MyceliumLogLevel, text: *const c_char, user_data: *mut c_void)>;
pub type MyceliumMessageCallback =
    Option<unsafe extern "C" fn(type_id: u16, payload: *const u8, len: usize, user_data: *mut c_void)>;
pub type MyceliumHandler = Option<unsafe extern "C" fn(message: *const MyceliumMessage, user_data: *mut c_void)>;
pub type MyceliumBatchHandler =
    Option<unsafe extern "C" fn(messages: *const *const MyceliumMessage, count: usize, user_data: *mut c_void)>;
pub type MyceliumDropHandler = Option<unsafe extern "C" fn(event: *const MyceliumDropEvent, user_data: *mut c_void)>;
pub type MyceliumReplyHandler =
    Option<unsafe extern "C" fn(request_id: u64, status: i32, reply: *const MyceliumMessage, user_data: *mut c_void)>;

extern "C" {
    pub fn mycelium_abi_version() -> u32;
    pub fn mycelium_version() -> *const c_char;
    pub fn mycelium_status_name(status: i32) -> *const c_char;
    pub fn mycelium_last_error() -> *const c_char;
    pub fn mycelium_info_json(buffer: *mut c_char, cap: usize, out_len: *mut usize) -> i32;

    pub fn mycelium_runtime_config_init(config: *mut MyceliumRuntimeConfig);
    pub fn mycelium_runtime_create() -> *mut MyceliumRuntime;
    pub fn mycelium_runtime_create_with_config(config: *const MyceliumRuntimeConfig) -> *mut MyceliumRuntime;
    pub fn mycelium_runtime_create_from_topology(
        topology_path: *const c_char,
        service_name: *const c_char,
    ) -> *mut MyceliumRuntime;
    pub fn mycelium_last_status() -> i32;
    pub fn mycelium_runtime_destroy(rt: *mut MyceliumRuntime);
    pub fn mycelium_runtime_destroy_later(rt: *mut MyceliumRuntime) -> i32;
    pub fn mycelium_runtime_close(rt: *mut MyceliumRuntime, timeout_ns: i64) -> i32;

    pub fn mycelium_verify_schema_digest(rt: *mut MyceliumRuntime, digest: *const u8, len: usize) -> i32;
    pub fn mycelium_register_schema(rt: *mut MyceliumRuntime, bfbs: *const u8, len: usize, out_digest: *mut u8) -> i32;
    pub fn mycelium_schema_digest(out_digest: *mut u8) -> i32;
    pub fn mycelium_type_digest(rt: *mut MyceliumRuntime, type_id: u16, out_digest: *mut u8) -> i32;
    pub fn mycelium_verify_payload(rt: *mut MyceliumRuntime, type_id: u16, payload: *const u8, len: usize) -> i32;

    pub fn mycelium_message_payload(message: *const MyceliumMessage, len: *mut usize) -> *const u8;
    pub fn mycelium_message_type_id(message: *const MyceliumMessage) -> u16;
    pub fn mycelium_message_envelope(message: *const MyceliumMessage, out: *mut MyceliumEnvelope) -> i32;
    pub fn mycelium_message_is_request(message: *const MyceliumMessage) -> i32;
    pub fn mycelium_message_retain(message: *const MyceliumMessage) -> *mut MyceliumMessage;
    pub fn mycelium_message_release(message: *mut MyceliumMessage);
    pub fn mycelium_message_current() -> *const MyceliumMessage;

    pub fn mycelium_publish(rt: *mut MyceliumRuntime, type_id: u16, payload: *const u8, len: usize) -> i32;
    pub fn mycelium_publish_envelope(
        rt: *mut MyceliumRuntime,
        envelope: *const MyceliumEnvelope,
        payload: *const u8,
        len: usize,
    ) -> i32;
    pub fn mycelium_thread_interrupt_check(
        interrupted: Option<unsafe extern "C" fn(user_data: *mut c_void) -> i32>,
        user_data: *mut c_void,
    ) -> i32;
    pub fn mycelium_publish_batch(
        rt: *mut MyceliumRuntime,
        payloads: *const MyceliumPayload,
        count: usize,
        out_accepted: *mut usize,
    ) -> i32;
    pub fn mycelium_loan(
        rt: *mut MyceliumRuntime,
        capacity: usize,
        out_loan: *mut *mut MyceliumLoan,
        out_data: *mut *mut u8,
    ) -> i32;
    pub fn mycelium_publish_loan(
        rt: *mut MyceliumRuntime,
        type_id: u16,
        loan: *mut MyceliumLoan,
        offset: usize,
        len: usize,
    ) -> i32;
    pub fn mycelium_loan_discard(loan: *mut MyceliumLoan);

    pub fn mycelium_subscribe_options_init(options: *mut MyceliumSubscribeOptions);
    pub fn mycelium_subscribe(
        rt: *mut MyceliumRuntime,
        type_id: u16,
        cb: MyceliumMessageCallback,
        user_data: *mut c_void,
        out_subscription_id: *mut u64,
    ) -> i32;
    pub fn mycelium_subscribe_with_options(
        rt: *mut MyceliumRuntime,
        type_id: u16,
        options: *const MyceliumSubscribeOptions,
        out_subscription_id: *mut u64,
    ) -> i32;
    pub fn mycelium_unsubscribe(rt: *mut MyceliumRuntime, subscription_id: u64) -> i32;
    pub fn mycelium_wait_for_subscribers(rt: *mut MyceliumRuntime, type_id: u16, count: usize, timeout_ns: i64) -> i32;
    pub fn mycelium_flush(rt: *mut MyceliumRuntime, timeout_ns: i64) -> i32;
    pub fn mycelium_keep_history(rt: *mut MyceliumRuntime, type_id: u16, depth: u32) -> i32;

    pub fn mycelium_queue_open(rt: *mut MyceliumRuntime, out_queue_id: *mut u64) -> i32;
    pub fn mycelium_queue_receive(
        rt: *mut MyceliumRuntime,
        queue_id: u64,
        out: *mut MyceliumDelivery,
        max: usize,
        timeout_ns: i64,
        out_count: *mut usize,
    ) -> i32;
    pub fn mycelium_queue_fd(rt: *mut MyceliumRuntime, queue_id: u64, out_fd: *mut c_int) -> i32;
    pub fn mycelium_queue_wake(rt: *mut MyceliumRuntime, queue_id: u64) -> i32;
    pub fn mycelium_queue_close(rt: *mut MyceliumRuntime, queue_id: u64) -> i32;

    pub fn mycelium_request(
        rt: *mut MyceliumRuntime,
        type_id: u16,
        payload: *const u8,
        len: usize,
        timeout_ns: i64,
        out_reply: *mut *mut MyceliumMessage,
    ) -> i32;
    pub fn mycelium_request_async(
        rt: *mut MyceliumRuntime,
        type_id: u16,
        payload: *const u8,
        len: usize,
        options: *const MyceliumRequestOptions,
        out_request_id: *mut u64,
    ) -> i32;
    pub fn mycelium_request_cancel(rt: *mut MyceliumRuntime, request_id: u64) -> i32;
    pub fn mycelium_reply(
        rt: *mut MyceliumRuntime,
        request: *const MyceliumMessage,
        type_id: u16,
        payload: *const u8,
        len: usize,
    ) -> i32;

    pub fn mycelium_runtime_stats(rt: *mut MyceliumRuntime, out: *mut MyceliumRuntimeStats) -> i32;
    pub fn mycelium_subscription_stats(
        rt: *mut MyceliumRuntime,
        subscription_id: u64,
        out: *mut MyceliumSubscriptionStats,
    ) -> i32;
    pub fn mycelium_metrics_text(rt: *mut MyceliumRuntime, buffer: *mut c_char, cap: usize, out_len: *mut usize)
        -> i32;

    pub fn mycelium_bridge_config_init(config: *mut MyceliumBridgeConfig);
    pub fn mycelium_bridge_open(rt: *mut MyceliumRuntime, config: *const MyceliumBridgeConfig) -> i32;
    pub fn mycelium_bridge_listen(
        rt: *mut MyceliumRuntime,
        address: *const c_char,
        buffer: *mut c_char,
        cap: usize,
        out_len: *mut usize,
    ) -> i32;
    pub fn mycelium_bridge_dial(rt: *mut MyceliumRuntime, address: *const c_char) -> i32;
    pub fn mycelium_bridge_wait_for_links(rt: *mut MyceliumRuntime, count: usize, timeout_ns: i64) -> i32;
    pub fn mycelium_bridge_reload(rt: *mut MyceliumRuntime) -> i32;
    pub fn mycelium_bridge_stats(rt: *mut MyceliumRuntime, out: *mut MyceliumBridgeStats) -> i32;
    pub fn mycelium_bridge_json(rt: *mut MyceliumRuntime, buffer: *mut c_char, cap: usize, out_len: *mut usize) -> i32;

    pub fn mycelium_bridge_open_gateway(rt: *mut MyceliumRuntime, out_gateway: *mut u64) -> i32;
    pub fn mycelium_bridge_origin(
        rt: *mut MyceliumRuntime,
        message: *const MyceliumMessage,
        out: *mut MyceliumOrigin,
    ) -> i32;
    pub fn mycelium_bridge_wanted_types(
        rt: *mut MyceliumRuntime,
        version: *mut u64,
        timeout_ns: i64,
        types: *mut u16,
        cap: usize,
        out_count: *mut usize,
    ) -> i32;
    pub fn mycelium_bridge_publish(
        rt: *mut MyceliumRuntime,
        gateway: u64,
        messages: *mut MyceliumRemoteMessage,
        count: usize,
    ) -> i32;
    pub fn mycelium_bridge_flush(rt: *mut MyceliumRuntime, timeout_ns: i64) -> i32;
    pub fn mycelium_bridge_request(
        rt: *mut MyceliumRuntime,
        gateway: u64,
        message: *mut MyceliumRemoteMessage,
        options: *const MyceliumRequestOptions,
        out_request_id: *mut u64,
    ) -> i32;
}
