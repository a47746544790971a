# What every language's CMakeLists.txt calls, so that the languages are compared with each other.

# mycelium_language_examples(LANGUAGE PUBLISH_SUBSCRIBE REQUEST_REPLY STREAM HOST_PLUGIN [NAME=VALUE...]): the commands (a
# list each) of the examples that are one process, and what their environment needs. tests/hosts runs them, the last with
# tests/hosts/plugin.c as its plug-in, and compares what they print.
function(mycelium_language_examples language publish_subscribe request_reply stream host_plugin)
  if(NOT MYCELIUM_TESTS)
    return()
  endif()
  set(run "${PROJECT_SOURCE_DIR}/tests/hosts/run_example.py")
  foreach(example publish_subscribe request_reply stream host_plugin)
    set(command ${${example}})
    if("${example}" STREQUAL "host_plugin") # quoted: host_plugin is a variable, too
      list(APPEND command $<TARGET_FILE:mycelium_host_plugin>)
    endif()
    add_test(NAME hosts.${language}.${example} COMMAND "${run}" ${example} ${command})
    set_tests_properties(hosts.${language}.${example} PROPERTIES
      LABELS "hosts;${language}" TIMEOUT 60 ENVIRONMENT "${MYCELIUM_TEST_ENVIRONMENT};${ARGN}")
  endforeach()
endfunction()

# mycelium_language_pair(LANGUAGE COMMAND [NAME=VALUE...]): the command (a list) of a language's example two_processes, and
# what its environment needs. tests/hosts runs its halves with those of every language.
function(mycelium_language_pair language command)
  set_property(GLOBAL APPEND_STRING PROPERTY mycelium_language_pairs "${language}|${command}|${ARGN}\n")
  set_property(GLOBAL APPEND PROPERTY mycelium_paired_languages ${language})
endfunction()

# One test for each server and each publisher: hosts.two_processes.SERVER_PUBLISHER.
function(mycelium_test_language_pairs)
  get_property(languages GLOBAL PROPERTY mycelium_paired_languages)
  foreach(server IN LISTS languages)
    foreach(publisher IN LISTS languages)
      add_test(NAME hosts.two_processes.${server}_${publisher}
        COMMAND "${PROJECT_SOURCE_DIR}/tests/hosts/two_processes.py" "${PROJECT_BINARY_DIR}/language-pairs.txt"
                ${server} ${publisher})
      set_tests_properties(hosts.two_processes.${server}_${publisher} PROPERTIES
        LABELS "hosts;bridge;${server};${publisher}" TIMEOUT 60 ENVIRONMENT "${MYCELIUM_TEST_ENVIRONMENT}")
    endforeach()
  endforeach()
endfunction()

# mycelium_language_benchmark(LANGUAGE COMMAND [NAME=VALUE...]): the command (a list) of a language's benchmark, and what
# its environment needs. tools/bench adapters runs it; `COMMAND --quick` is a short run.
function(mycelium_language_benchmark language command)
  set_property(GLOBAL APPEND_STRING PROPERTY mycelium_language_benchmarks "${language}|${command}|${ARGN}\n")
endfunction()

# mycelium_language_recoder(LANGUAGE COMMAND [NAME=VALUE...]): the command (a list) that decodes and encodes payloads, for
# tests/golden/agree.py.
function(mycelium_language_recoder language command)
  set_property(GLOBAL APPEND_STRING PROPERTY mycelium_language_recoders "${language}|${command}|${ARGN}\n")
endfunction()

# mycelium_language_bridge_adapter(LANGUAGE COMMAND [NAME=VALUE...]): the command (a list) of an adapter around what speaks
# the bridge protocol in a language: tests/conformance/README.md. The suite drives it in each role and over each transport.
function(mycelium_language_bridge_adapter language command)
  if(NOT MYCELIUM_TESTS)
    return()
  endif()
  set(folder "${PROJECT_SOURCE_DIR}/tests/conformance")
  # The library in each role over each transport; a client, whose code above the sockets is one, in each once.
  set(ways dial.unix listen.tcp)
  if(language STREQUAL native)
    list(APPEND ways dial.tcp listen.unix)
  endif()
  foreach(way IN LISTS ways)
    string(REPLACE "." ";" parts ${way})
    list(GET parts 0 role)
    list(GET parts 1 transport)
    add_test(NAME conformance.${language}.${role}.${transport}
      COMMAND "${folder}/conformance.py" --role ${role} --transport ${transport}
              --table "${PROJECT_BINARY_DIR}/conformance/${language}-${role}-${transport}.tsv" -- ${command})
    set_tests_properties(conformance.${language}.${role}.${transport} PROPERTIES
      LABELS "conformance;${language}" TIMEOUT 1200 ENVIRONMENT "${MYCELIUM_TEST_ENVIRONMENT};${ARGN}")
  endforeach()
endfunction()

# Where they are read: language-benchmarks.txt, language-pairs.txt and language-recoders.txt in the build folder, a line
# each, LANGUAGE|COMMAND|ENVIRONMENT, the last two lists.
function(mycelium_write_language_programs)
  foreach(kind benchmarks pairs recoders)
    get_property(programs GLOBAL PROPERTY mycelium_language_${kind})
    file(GENERATE OUTPUT "${PROJECT_BINARY_DIR}/language-${kind}.txt" CONTENT "${programs}")
  endforeach()
endfunction()
