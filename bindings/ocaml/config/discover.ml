(* Asks pkg-config how libmycelium_ffi is used, and writes that down for dune. *)

let fail text =
  prerr_endline ("mycelium_native: " ^ text);
  exit 1

let ask arguments =
  let command = "pkg-config " ^ arguments ^ " mycelium" in
  let pipe = Unix.open_process_in command in
  let answer = try input_line pipe with End_of_file -> "" in
  match Unix.close_process_in pipe with
  | Unix.WEXITED 0 -> List.filter (( <> ) "") (String.split_on_char ' ' answer)
  | _ ->
      fail
        (command
       ^ " failed. Install Mycelium first (cmake --install build/release), and let PKG_CONFIG_PATH name the folder of \
          its mycelium.pc.")

let write name flags =
  let out = open_out name in
  output_string out ("(" ^ String.concat " " (List.map (Printf.sprintf "%S") flags) ^ ")\n");
  close_out out

(* Folders that the loader of programs searches anyway. *)
let is_searched folder = List.mem folder [ "/lib"; "/usr/lib"; "/usr/local/lib"; "/usr/lib/x86_64-linux-gnu" ]

let () =
  let libraries = ask "--libs" in
  let paths =
    match ask "--variable=libdir" with
    | [ folder ] when not (is_searched folder) -> [ "-Wl,-rpath," ^ folder ]
    | _ -> []
  in
  (* dune does not know of files elsewhere: another header is another flag, so that the C parts are compiled again. *)
  let header = String.concat "" (ask "--variable=includedir") ^ "/mycelium.h" in
  let digest = try Digest.to_hex (Digest.file header) with Sys_error text -> fail text in
  write "c_flags.sexp" (ask "--cflags" @ [ "-DMYCELIUM_OCAML_HEADER=" ^ digest ]);
  write "c_library_flags.sexp" (libraries @ paths)
