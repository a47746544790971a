type t = Error | Warning | Info
