type ('a, 'b) t = { bus : Bus.t; data : ('a, 'b) Native.bigarray }

let create (bus : Bus.t) kind count =
  if count < 0 then invalid_arg "Mycelium_native.Loan: a size is 0 or more";
  { bus; data = Native.loan bus.native kind count (Bigarray.kind_size_in_bytes kind) }

let data { data; _ } = data
let is_live { data; _ } = Native.loan_is_live data

let publish ?length { bus; data } type_id =
  let count = Bigarray.Array1.dim data in
  let length = Option.value length ~default:count in
  if length < 0 || length > count then invalid_arg "Mycelium_native.Loan: the length is not inside the loan";
  Native.publish_loan bus.native type_id data (length * Bigarray.kind_size_in_bytes (Bigarray.Array1.kind data))
