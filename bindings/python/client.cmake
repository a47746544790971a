# mycelium_client, the bus over a socket in plain Python. Its codec for control frames is the one that every generated package
# carries.
set(client_folder "${CMAKE_CURRENT_SOURCE_DIR}/mycelium_client")
set(codec_folder "${PROJECT_SOURCE_DIR}/tools/schema_compiler/python")
file(GLOB_RECURSE client_modules CONFIGURE_DEPENDS RELATIVE "${client_folder}" "${client_folder}/*.py" "${client_folder}/py.typed")

# client_copy(FROM TO): one file of the package.
function(client_copy from to)
  set(target "${python_root}/mycelium_client/${to}")
  add_custom_command(OUTPUT "${target}" COMMAND "${CMAKE_COMMAND}" -E copy "${from}" "${target}" DEPENDS "${from}" VERBATIM)
  set(client_copies ${client_copies} "${target}" PARENT_SCOPE)
endfunction()
foreach(module IN LISTS client_modules)
  client_copy("${client_folder}/${module}" "${module}")
endforeach()
foreach(module _layout _encode _decode)
  client_copy("${codec_folder}/${module}.py" "_wire/${module}.py")
endforeach()
add_custom_target(mycelium_python_client ALL DEPENDS ${client_copies})
