//! The examples print what every language's print.

use std::path::PathBuf;
use std::process::Command;
use std::{env, str};

fn run(example: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    // This test is in target/PROFILE/deps, the examples beside that.
    let own = env::current_exe().unwrap();
    let program: PathBuf = own.parent().unwrap().parent().unwrap().join("examples").join(example);
    let done = Command::new(program).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| str::from_utf8(bytes).unwrap().to_owned();
    (done.status.code(), text(&done.stdout), text(&done.stderr))
}

#[test]
fn examples_print_what_they_should() {
    let expected = [
        ("publish_subscribe", "example: hi (123)\n"),
        ("request_reply", "4 words, 19 bytes\n"),
        ("stream", "1000 updates, the last value is 1000\n"),
    ];
    for (example, printed) in expected {
        assert_eq!(run(example, &[]), (Some(0), printed.to_owned(), String::new()), "{example}");
    }
}

#[test]
fn a_host_without_a_plugin_says_so() {
    let (code, printed, said) = run("host_plugin", &["/no/such/plugin.so"]);
    assert_eq!((code, printed.as_str()), (Some(1), ""));
    assert!(said.starts_with("host_plugin: /no/such/plugin.so: "), "{said}");
    assert_eq!(run("host_plugin", &[]).0, Some(2));
}

#[test]
fn a_process_without_a_role_or_an_address_says_so() {
    assert_eq!(run("two_processes", &["listen", "unix:/nowhere/bus"]).0, Some(2));
    let (code, printed, said) = run("two_processes", &["serve", "unix:/nowhere/bus"]);
    assert_eq!((code, printed.as_str()), (Some(1), ""));
    assert!(said.starts_with("two_processes: ") && said.contains("/nowhere/bus"), "{said}");
}

#[test]
fn the_benchmark_prints_a_row_for_each() {
    let (code, printed, said) = run("mycelium_rust_bench", &["--quick"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    for what in ["publish", "callback", "callback_batched", "encode", "decode"] {
        let begin = format!("{{\"language\": \"rust\", \"what\": \"{what}\", \"rate\": ");
        assert_eq!(printed.lines().filter(|line| line.starts_with(&begin)).count(), 1, "{printed}");
    }
    assert_eq!(run("mycelium_rust_bench", &["--nonsense"]).0, Some(2));
}
