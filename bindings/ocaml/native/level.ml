type t = Error | Warning | Info

let of_int = function 0 -> Error | 1 -> Warning | _ -> Info
