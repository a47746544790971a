module Status = Status
module Level = Level
module Message = Message
module Loan = Loan
module Receiver = Receiver
module Stats = Stats
module Subscription = Subscription
module Runtime = Runtime
module Bridge = Bridge

exception Bus_error = Status.Bus_error

type 'a message = 'a Message.descriptor

let version = Native.version
let abi_version = Native.abi_version
let schema_digest = Native.schema_digest
let info_json = Native.info

module For_event_loops = struct
  let open_queue (bus : Runtime.t) =
    Bus.check_open bus;
    Native.queue_open bus.native

  let close_queue (bus : Runtime.t) queue = ignore (Native.queue_close bus.native queue)
  let queue_fd (bus : Runtime.t) queue = Native.queue_fd bus.native queue

  let send (bus : Runtime.t) (descriptor : 'a Message.descriptor) ~queue ~timeout value =
    Native.request_queued bus.native descriptor#type_id (descriptor#encode value) queue (Wait.nanoseconds timeout)

  let forget (bus : Runtime.t) id = ignore (Native.request_forget bus.native id)

  let replies (bus : Runtime.t) ~queue =
    let batch = Native.batch_create () in
    let count = Native.receive bus.native queue batch 0 in
    List.init (max 0 count) (fun i ->
        let status = Native.batch_status batch i in
        ( Native.batch_id batch i,
          if status < 0 then Error (Status.of_int status) else Ok (Native.batch_take batch i : Message.t) ))
end
