open Mycelium_native
open Lwt.Syntax

let () =
  let bus = Runtime.create (schema_digest ()) in
  Lwt_main.run
    (let messages = Mycelium_native_lwt.messages bus 60000 in
     Runtime.publish_string bus 60000 "hello, Lwt";
     let* message = Lwt_stream.next messages in
     Lwt_io.printl (Message.to_string message));
  Runtime.close bus
