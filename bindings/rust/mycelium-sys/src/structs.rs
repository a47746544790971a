//! What is passed by pointer. `Default` sets `struct_size` and zeroes the rest, which stands for every default.

use std::mem::{size_of, zeroed};
use std::os::raw::{c_char, c_void};
use std::ptr;

use crate::{
    MyceliumBatchHandler, MyceliumDropHandler, MyceliumHandler, MyceliumLogCallback, MyceliumMessage,
    MyceliumMessageCallback, MyceliumReplyHandler,
};

#[repr(C)]
#[derive(Clone, Copy)]
pub struct MyceliumRuntimeConfig {
    pub struct_size: usize,
    pub name: *const c_char,
    pub threads: u32,
    pub mailbox_capacity: u32,
    pub policy: i32,
    pub verify: i32,
    pub block_timeout_ns: i64,
    pub close_timeout_ns: i64,
    pub max_payload: usize,
    pub strict: u32,
    pub log: MyceliumLogCallback,
    pub log_user_data: *mut c_void,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MyceliumEnvelope {
    pub struct_size: usize,
    pub type_id: u16,
    pub priority: u8,
    pub has_trace: u8,
    pub destination: i32,
    pub destination_key: u64,
    pub correlation_id: u64,
    pub sequence: u64,
    pub publisher_id: u64,
    pub timestamp_ns: i64,
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub trace_flags: u8,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct MyceliumPayload {
    pub type_id: u16,
    pub data: *const u8,
    pub len: usize,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MyceliumDropEvent {
    pub subscription_id: u64,
    pub dropped: u64,
    pub reason: i32,
    pub recovered: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct MyceliumSubscribeOptions {
    pub struct_size: usize,
    pub name: *const c_char,
    pub flags: u32,
    pub policy: i32,
    pub capacity: u32,
    pub history: u32,
    pub batch_max: u32,
    pub block_timeout_ns: i64,
    pub on_payload: MyceliumMessageCallback,
    pub on_message: MyceliumHandler,
    pub on_batch: MyceliumBatchHandler,
    pub queue_id: u64,
    pub on_drop: MyceliumDropHandler,
    pub on_complete: Option<unsafe extern "C" fn(subscription_id: u64, user_data: *mut c_void)>,
    pub user_data: *mut c_void,
    pub user_data_free: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct MyceliumDelivery {
    pub kind: i32,
    pub status: i32,
    pub id: u64,
    pub user_data: *mut c_void,
    pub message: *mut MyceliumMessage,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct MyceliumRequestOptions {
    pub struct_size: usize,
    pub timeout_ns: i64,
    pub on_reply: MyceliumReplyHandler,
    pub queue_id: u64,
    pub user_data: *mut c_void,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MyceliumRuntimeStats {
    pub struct_size: usize,
    pub published: u64,
    pub published_bytes: u64,
    pub refused: u64,
    pub offered: u64,
    pub delivered: u64,
    pub waiting: u64,
    pub callback_errors: u64,
    pub restarts: u64,
    pub subscriptions: u64,
    pub queues: u64,
    pub requests_pending: u64,
    pub threads: u64,
    pub dropped: [u64; 8],
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MyceliumSubscriptionStats {
    pub struct_size: usize,
    pub offered: u64,
    pub delivered: u64,
    pub waiting: u64,
    pub capacity: u64,
    pub high_water: u64,
    pub callback_errors: u64,
    pub dropped: [u64; 8],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct MyceliumBridgeConfig {
    pub struct_size: usize,
    pub name: *const c_char,
    pub token: *const c_char,
    pub max_links: u32,
    pub max_frame: u32,
    pub window: u32,
    pub capacity: u32,
    pub policy: i32,
    pub block_timeout_ns: i64,
    pub hello_timeout_ns: i64,
    pub heartbeat_ns: i64,
    pub silence_ns: i64,
    pub linger_ns: i64,
    pub token_file: *const c_char,
    pub tls_cert: *const c_char,
    pub tls_key: *const c_char,
    pub tls_ca: *const c_char,
    pub permissions_file: *const c_char,
    pub socket_mode: u32,
    pub max_links_per_peer: u32,
    pub max_accepts: u32,
    pub max_nodes: u32,
    pub max_state: u32,
    pub max_types: u32,
    pub max_requests: u32,
    pub max_message_rate: u64,
    pub max_byte_rate: u64,
    pub max_control_rate: u64,
    pub at_least_once: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MyceliumBridgeStats {
    pub struct_size: usize,
    pub node: u64,
    pub neighbours: u64,
    pub reachable: u64,
    pub links_made: u64,
    pub links_cut: u64,
    pub refused: u64,
    pub received: u64,
    pub sent: u64,
    pub sent_again: u64,
    pub acknowledged: u64,
    pub dropped: u64,
    pub lost: u64,
    pub missing: u64,
    pub repeated: u64,
    pub invalid: u64,
    pub not_allowed: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MyceliumOrigin {
    pub struct_size: usize,
    pub node: u64,
    pub way: u64,
    pub hops: u32,
    pub of_mesh: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MyceliumRemoteMessage {
    pub envelope: *const MyceliumEnvelope,
    pub node: u64,
    pub payload: *const u8,
    pub len: usize,
    pub hops: u32,
    pub outcome: i32,
}

macro_rules! sized_default {
    ($($name:ident),*) => {$(
        impl Default for $name {
            fn default() -> Self {
                // Safe: integers, pointers and optional functions, for all of which zero is a value.
                let zero: Self = unsafe { zeroed() };
                $name { struct_size: size_of::<Self>(), ..zero }
            }
        }
    )*};
}
sized_default!(
    MyceliumRuntimeConfig,
    MyceliumEnvelope,
    MyceliumSubscribeOptions,
    MyceliumRequestOptions,
    MyceliumRuntimeStats,
    MyceliumSubscriptionStats,
    MyceliumBridgeConfig,
    MyceliumBridgeStats,
    MyceliumOrigin
);

impl Default for MyceliumDelivery {
    fn default() -> Self {
        MyceliumDelivery { kind: 0, status: 0, id: 0, user_data: ptr::null_mut(), message: ptr::null_mut() }
    }
}
