# backfire_kernel, an extension on backfire.h, and director_ai, plain Python that uses it where it is installed.
add_library(backfire_python_native MODULE
  src_backfire/config.cpp src_backfire/control.cpp src_backfire/doubles.cpp src_backfire/feed.cpp
  src_backfire/geometry.cpp src_backfire/interlock.cpp src_backfire/knowledge.cpp src_backfire/module.cpp
  src_backfire/native.cpp src_backfire/native_scorer.cpp src_backfire/oscillators.cpp src_backfire/scorer.cpp
  src_backfire/stream.cpp src_backfire/verdict.cpp)
mycelium_warnings(backfire_python_native)
target_compile_options(backfire_python_native PRIVATE -fno-exceptions) # src/python.hpp says why
target_include_directories(backfire_python_native PRIVATE "${PROJECT_SOURCE_DIR}")
target_include_directories(backfire_python_native SYSTEM PRIVATE ${Python3_INCLUDE_DIRS})
target_link_libraries(backfire_python_native PRIVATE mycelium::ffi)
set_target_properties(backfire_python_native PROPERTIES
  PREFIX "" OUTPUT_NAME _native SUFFIX .abi3.so LIBRARY_OUTPUT_DIRECTORY "${python_root}/backfire_kernel")

# mycelium_python_modules(FROM TO FILE...): copies of modules in python_root, where tests and wheels find them.
function(mycelium_python_modules from to)
  foreach(module IN LISTS ARGN)
    add_custom_command(OUTPUT "${python_root}/${to}/${module}"
      COMMAND "${CMAKE_COMMAND}" -E copy "${CMAKE_CURRENT_SOURCE_DIR}/${from}/${module}" "${python_root}/${to}/${module}"
      DEPENDS "${from}/${module}" VERBATIM)
    list(APPEND oversight_modules "${python_root}/${to}/${module}")
  endforeach()
  set(oversight_modules ${oversight_modules} PARENT_SCOPE)
endfunction()

# What decides nothing by itself is the same in both packages, on the _backend of each.
set(shared config.py kernels.py kinds.py knowledge.py plot.py scorer.py scoring.py session.py)
mycelium_python_modules(backfire_kernel backfire_kernel
  __init__.py _backend.py _native.pyi arrays.py control.py geometry.py physics.py py.typed ${shared})
mycelium_python_modules(director_ai director_ai
  __init__.py agent.py backend.py py.typed
  pure/__init__.py pure/_backend.py pure/checks.py pure/facts.py pure/limits.py pure/reviews.py pure/statements.py
  pure/stream.py pure/words.py)
mycelium_python_modules(backfire_kernel director_ai/pure ${shared})

add_custom_target(oversight_python ALL DEPENDS ${oversight_modules})
add_dependencies(oversight_python backfire_python_native)
