open Mycelium_native

let runtime = Runtime.create My_messages.schema_digest

let on_msg (msg : My_messages.TextMessage.t) =
  Printf.printf "Rust -> OCaml: %s\n" msg.content

let () =
  Runtime.subscribe runtime My_messages.TextMessage.t on_msg;
  let outbound = My_messages.TextMessage.{ sender = "ocaml"; content = "hello"; timestamp = 123L } in
  Runtime.publish runtime My_messages.TextMessage.t outbound
