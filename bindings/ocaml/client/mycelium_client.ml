module Status = Status

exception Bus_error = Status.Bus_error

module Level = Level
module Message = Message

type 'a message = 'a Message.descriptor

module Stats = Stats
module Subscription = Subscription
module Request = Request
module Runtime = Runtime
module Bridge = Bridge
