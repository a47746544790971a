# Run by CPack on the staged files, before they are packed: what Debian wants and an installation elsewhere does not.
# CPACK_TEMPORARY_DIRECTORY is the stage, with a folder for each component.
find_program(PATCHELF patchelf REQUIRED)
find_program(GZIP gzip REQUIRED)

# Programs find the library in the system's own folder.
file(GLOB programs "${CPACK_TEMPORARY_DIRECTORY}/*/usr/bin/*")
foreach(program IN LISTS programs)
  execute_process(COMMAND "${PATCHELF}" --remove-rpath "${program}" COMMAND_ERROR_IS_FATAL ANY)
endforeach()

file(GLOB documents "${CPACK_TEMPORARY_DIRECTORY}/*/usr/share/doc/*/changelog.Debian"
                    "${CPACK_TEMPORARY_DIRECTORY}/*/usr/share/man/man1/*.1")
foreach(document IN LISTS documents)
  execute_process(COMMAND "${GZIP}" --best --no-name --force "${document}" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
