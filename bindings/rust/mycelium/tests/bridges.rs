//! Runtimes that are joined over sockets, here within one process.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use mycelium::examples::{TextMessage, WordCountReply, WordCountRequest};
use mycelium::{Policy, Runtime, Status};

const PATIENCE: Duration = Duration::from_secs(20);

/// A folder for sockets, with a path that is short enough for them.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("myc-rust-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn address(&self) -> String {
        format!("unix:{}/bus", self.0.display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn messages_and_requests_reach_the_other_runtime() {
    let folder = Folder::new();
    let (here, there) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    let texts = there.stream::<TextMessage>().unwrap();
    let count = |request: WordCountRequest| WordCountReply { words: 0, bytes: request.text.len() as u64 };
    let _server = there.serve(count).unwrap();
    assert_eq!(there.bridge_listen(&folder.address()), Ok(folder.address()));
    here.bridge_dial(&folder.address()).unwrap();
    here.bridge_wait_for_links(1, PATIENCE).unwrap();
    here.wait_for_subscribers::<TextMessage>(1, PATIENCE).unwrap();
    here.wait_for_subscribers::<WordCountRequest>(1, PATIENCE).unwrap();

    let sent: Vec<_> = (0..1000).map(|number| format!("number {number}")).collect();
    for content in &sent {
        here.publish(&TextMessage { content: content.clone(), ..Default::default() }).unwrap();
    }
    let question = WordCountRequest { text: "four".into() };
    let reply: WordCountReply = here.request(&question, PATIENCE).unwrap();
    assert_eq!(reply.bytes, 4);
    let got: Vec<_> = texts.take(1000).map(|text| text.unwrap().content).collect();
    assert_eq!(got, sent);
    assert_eq!(there.bridge_stats().unwrap().received, 1001);
    here.close(PATIENCE).unwrap(); // waits for what is not acknowledged
}

#[test]
fn a_bridge_counts_and_names_its_neighbours() {
    let folder = Folder::new();
    let (here, there) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    there.bridge().name("the hub").open().unwrap();
    there.bridge_listen(&folder.address()).unwrap();
    let options = here.bridge().name("a spoke").policy(Policy::Block).capacity(16).window(1 << 16).max_frame(1 << 20);
    let options = options.heartbeat(Duration::from_millis(100)).silence(PATIENCE).linger(PATIENCE).max_links(1);
    let options = options.max_links_per_peer(1).max_accepts(10).max_nodes(8).max_state(1 << 14).max_types(16);
    let options = options.max_requests(16).max_message_rate(1 << 20).max_byte_rate(1 << 30).max_control_rate(1 << 20);
    options.hello_timeout(PATIENCE).block_timeout(PATIENCE).open().unwrap();
    here.bridge_dial(&folder.address()).unwrap();
    there.bridge_wait_for_links(1, PATIENCE).unwrap();
    let stats = there.bridge_stats().unwrap();
    assert_eq!((stats.neighbours, stats.links_made, stats.links_cut), (1, 1, 0));
    assert_ne!(stats.node, here.bridge_stats().unwrap().node);
    assert!(there.bridge_json().unwrap().contains("\"a spoke\""));
}

#[test]
fn only_who_knows_the_token_is_let_in() {
    let [hub, friend, stranger] = [(); 3].map(|()| Runtime::new().unwrap());
    hub.bridge().token("mellon").open().unwrap();
    let address = hub.bridge_listen("tcp:127.0.0.1:0").unwrap();
    assert!(address.starts_with("tcp:127.0.0.1:") && !address.ends_with(":0"), "{address}");
    for (bus, token) in [(&stranger, "friend"), (&friend, "mellon")] {
        bus.bridge().token(token).open().unwrap();
        bus.bridge_dial(&address).unwrap();
    }
    friend.bridge_wait_for_links(1, PATIENCE).unwrap();
    assert_eq!(friend.bridge_stats().unwrap().neighbours, 1);
    assert_eq!(stranger.bridge_stats().unwrap().neighbours, 0);
    assert!(!format!("{:?}", hub.bridge().token("mellon")).contains("mellon"));
}

#[test]
fn a_token_is_read_from_its_file_and_read_again() {
    let folder = Folder::new();
    let file = folder.0.join("token");
    fs::write(&file, "mellon\n").unwrap();
    let (hub, guest) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    hub.bridge().token_file(&file).socket_mode(0o660).open().unwrap();
    let address = hub.bridge_listen(&folder.address()).unwrap();
    let mode = fs::metadata(folder.0.join("bus")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    guest.bridge().token("friend").open().unwrap();
    fs::write(&file, "friend\n").unwrap();
    hub.bridge_reload().unwrap();
    guest.bridge_dial(&address).unwrap();
    guest.bridge_wait_for_links(1, PATIENCE).unwrap();
    fs::remove_file(&file).unwrap();
    assert_eq!(hub.bridge_reload().unwrap_err().status(), Status::InvalidArgument);
    assert_eq!(guest.bridge_stats().unwrap().neighbours, 1);
    assert_eq!(hub.bridge_stats().unwrap().not_allowed, 0);
}

#[test]
fn files_that_are_not_there_are_named() {
    let folder = Folder::new();
    let bus = Runtime::new().unwrap();
    let gone = folder.0.join("nothing");
    let with = [
        bus.bridge().token_file(&gone),
        bus.bridge().tls_cert(&gone).tls_key(&gone),
        bus.bridge().tls_ca(&gone),
        bus.bridge().permissions_file(&gone),
    ];
    for options in with {
        let why = options.open().unwrap_err();
        assert_eq!(why.status(), Status::InvalidArgument, "{why}");
        assert!(why.to_string().contains("nothing"), "{why}");
    }
}

#[test]
fn a_type_that_is_delivered_at_least_once_is_confirmed_when_its_closure_has_returned() {
    let folder = Folder::new();
    let (here, there) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    let (open, gate) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    let gate = std::sync::Mutex::new(gate);
    let _hearing = there
        .subscribe(move |text: TextMessage| {
            let _ = gate.lock().unwrap().recv_timeout(PATIENCE);
            tell.send(text.content).unwrap();
        })
        .unwrap();
    here.bridge().at_least_once("20001, examples").open().unwrap();
    there.bridge_listen(&folder.address()).unwrap();
    here.bridge_dial(&folder.address()).unwrap();
    here.wait_for_subscribers::<TextMessage>(1, PATIENCE).unwrap();
    here.publish(&TextMessage { content: "once at least".into(), ..Default::default() }).unwrap();
    let until = |unconfirmed: bool| {
        let begun = Instant::now();
        while here.bridge_json().unwrap().contains("\"unconfirmed\": 1") != unconfirmed {
            assert!(begun.elapsed() < PATIENCE, "unconfirmed is not {unconfirmed}");
            thread::yield_now();
        }
    };
    until(true);
    assert!(told.try_recv().is_err());
    open.send(()).unwrap();
    until(false);
    assert_eq!(told.try_recv().unwrap(), "once at least");
}

#[test]
fn what_is_no_list_of_types_is_named() {
    let bus = Runtime::new().unwrap();
    let wrong = [
        ("0", "ids in 1 to 65535"),
        ("5-3", "write \"1000-1999\""),
        ("", "holds nothing where a type should be"),
        ("a\0b", "the list of types holds a zero byte"),
    ];
    for (types, words) in wrong {
        let why = bus.bridge().at_least_once(types).open().unwrap_err();
        assert_eq!(why.status(), Status::InvalidArgument, "{why}");
        assert!(why.to_string().contains(words), "{why}");
    }
}

#[test]
fn failures_say_what_is_wrong() {
    let folder = Folder::new();
    let bus = Runtime::new().unwrap();
    let status = |outcome: mycelium::Result<()>| outcome.unwrap_err().status();
    assert_eq!(status(bus.bridge_stats().map(drop)), Status::InvalidArgument);
    assert_eq!(status(bus.bridge_json().map(drop)), Status::InvalidArgument);
    assert_eq!(status(bus.bridge_listen("carrier pigeon").map(drop)), Status::InvalidArgument);
    assert_eq!(status(bus.bridge_dial("unix:")), Status::InvalidArgument);
    assert_eq!(status(bus.bridge_dial("unix:/tmp/\0")), Status::InvalidArgument);
    assert_eq!(status(bus.bridge().token("a\0b").open()), Status::InvalidArgument);
    let deaf = bus.bridge().heartbeat(Duration::from_secs(2)).silence(Duration::from_secs(1));
    assert_eq!(status(deaf.open()), Status::InvalidArgument);
    bus.bridge().open().unwrap();
    assert_eq!(status(bus.bridge().open()), Status::InvalidArgument); // it has one
    assert_eq!(status(bus.bridge_wait_for_links(1, Duration::from_millis(1))), Status::Timeout);
    bus.close(PATIENCE).unwrap();
    assert_eq!(status(bus.bridge_listen(&folder.address()).map(drop)), Status::Closed);
}

#[test]
fn a_closure_cannot_wait_for_a_bridge() {
    let bus = Runtime::new().unwrap();
    let (tell, told) = mpsc::channel();
    let handle = bus.bus();
    let _subscription = bus
        .subscribe(move |_: TextMessage| {
            tell.send(handle.bridge_dial("tcp:127.0.0.1:1").unwrap_err().status()).unwrap()
        })
        .unwrap();
    bus.publish(&TextMessage::default()).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE), Ok(Status::Unsupported));
}
