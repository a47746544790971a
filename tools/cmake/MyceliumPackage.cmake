# Debian packages of what is installed, by the target `package` or `cpack -B DIR` in the build folder:
#   libmycelium-ffi1    the library, named after its SONAME as Debian's policy asks
#   libmycelium-dev     headers for C and C++, archive, schemas, pkg-config and CMake package
#   python3-mycelium    mycelium_native, mycelium_client, mycelium_protocol, backfire_kernel and director_ai
#   mycelium-tools      the mycelium program
set(MYCELIUM_MAINTAINER "Mycelium developers <mycelium@example.org>" CACHE STRING "Who maintains the Debian packages")
find_program(DPKG_SHLIBDEPS dpkg-shlibdeps)
if(NOT DPKG_SHLIBDEPS)
  message(STATUS "Debian packages are left out: install dpkg-dev, or run tools/setup")
  return()
endif()
find_package(Python3 QUIET COMPONENTS Interpreter)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME mycelium)
set(CPACK_PACKAGE_CONTACT "${MYCELIUM_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each package has one of its own, the first line of its description
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_SOURCE_DIR}/tools/packaging/finish_debian_tree.cmake")

set(packaging "${PROJECT_SOURCE_DIR}/tools/packaging")
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL library development tools)
if(TARGET mycelium_python_native)
  list(APPEND CPACK_COMPONENTS_ALL python)
endif()
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${PROJECT_BINARY_DIR}/ffi") # where the others find the library
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)                               # the very version of the same build

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libmycelium-ffi${PROJECT_VERSION_MAJOR})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
configure_file("${packaging}/library/shlibs.in" "${PROJECT_BINARY_DIR}/package/shlibs" @ONLY)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA "${packaging}/library/triggers;${PROJECT_BINARY_DIR}/package/shlibs")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libmycelium-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS libflatbuffers-dev) # generated C++ includes its headers
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_RECOMMENDS mycelium-tools)  # the schema compiler
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS "libcaf-dev, libssl-dev") # to link the archive

set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME mycelium-tools)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_TOOLS_PACKAGE_CONTROL_EXTRA "${packaging}/tools/postinst")
set(CPACK_DEBIAN_TOOLS_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME python3-mycelium)
set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS "python3 (>= 3.11)")
set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA "${packaging}/python/postinst;${packaging}/python/prerm")
set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# A synopsis, and what the description ends with; lines of at most 80 columns.
set(about [[
Mycelium is a message bus that lives inside a process: programs in C, C++,
Python and other languages publish typed messages and receive them by type,
through one C library. Mailboxes are bounded, and every loss is counted.
]])
set(synopsis_library "embeddable message bus - shared library")
set(about_library "This package has the library.")
set(synopsis_development "embeddable message bus - headers for C and C++")
set(about_development "This package has what programs in C and C++ are built with, and the
schemas that others include.")
set(synopsis_tools "embeddable message bus - schema compiler and checks")
set(about_tools "This package has the mycelium program, which compiles schemas, checks an
installation and measures it, and a system service of bridges between
processes and machines.")
set(synopsis_python "embeddable message bus - Python 3 modules")
set(about_python "This package has the modules for Python 3: the bus itself, the messages of its
built-in schema, and oversight of token streams.")

# A changelog and a copyright file for each, where Debian wants them.
string(TIMESTAMP MYCELIUM_PACKAGE_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file("${packaging}/changelog.in" "${PROJECT_BINARY_DIR}/package/changelog.Debian" @ONLY)
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${component} upper)
  set(doc "share/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME}")
  install(FILES "${packaging}/copyright" DESTINATION "${doc}" COMPONENT ${component} EXCLUDE_FROM_ALL)
  install(FILES "${PROJECT_BINARY_DIR}/package/changelog.Debian" DESTINATION "${doc}" COMPONENT ${component}
          EXCLUDE_FROM_ALL)
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${synopsis_${component}}\n${about}.\n${about_${component}}")
endforeach()
install(FILES "${packaging}/tools/mycelium.1" DESTINATION share/man/man1 COMPONENT tools EXCLUDE_FROM_ALL)
install(FILES "${PROJECT_BINARY_DIR}/tools/cli/completions/mycelium.zsh" DESTINATION share/zsh/vendor-completions
        RENAME _mycelium COMPONENT tools EXCLUDE_FROM_ALL)

include(CPack)
cpack_add_component(library)
foreach(component development tools python)
  cpack_add_component(${component} DEPENDS library)
endforeach()
