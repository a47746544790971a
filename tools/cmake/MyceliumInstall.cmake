# What `cmake --install` copies: headers, libraries, the mycelium program, and what lets other builds find them (pkg-config
# and a CMake package). Everything is found relative to where it lies, so the installed tree may be moved.
#
# Components are the Debian packages of MyceliumPackage.cmake: library, development, tools, python. The last is installed
# only if it is asked for by name: elsewhere Python takes the wheels.
include(CMakePackageConfigHelpers)

install(TARGETS mycelium_ffi
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT library NAMELINK_COMPONENT development)
install(TARGETS mycelium_ffi_static ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
install(FILES "${PROJECT_SOURCE_DIR}/ffi/include/mycelium.h" "${PROJECT_SOURCE_DIR}/ffi/include/backfire.h"
              "${PROJECT_SOURCE_DIR}/ffi/include/backfire_physics.h" "${PROJECT_SOURCE_DIR}/ffi/include/mycelium_bridge.h"
              "${PROJECT_SOURCE_DIR}/ffi/include/mycelium_oversight.h"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/bindings/cpp/include/mycelium"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development)
if(TARGET mycelium)
  cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY "${CMAKE_INSTALL_FULL_BINDIR}"
             OUTPUT_VARIABLE bin_to_lib)
  set_target_properties(mycelium PROPERTIES INSTALL_RPATH "$ORIGIN/${bin_to_lib}")
  install(TARGETS mycelium RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT tools)
  set(completions "${PROJECT_BINARY_DIR}/tools/cli/completions/mycelium")
  install(FILES "${completions}.bash" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME mycelium
          COMPONENT tools)
  install(FILES "${completions}.fish" DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d" COMPONENT tools)
  # Debian's packages have another folder for zsh than everybody else: MyceliumPackage.cmake.
  install(FILES "${completions}.zsh" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" RENAME _mycelium
          COMPONENT zsh)
  # systemd wants the program's whole path, which is known when it is installed.
  set(service_in "${PROJECT_SOURCE_DIR}/tools/packaging/tools/mycelium-bridge@.service.in")
  install(CODE "
    set(MYCELIUM_PROGRAM \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/mycelium\")
    configure_file(\"${service_in}\" \"${PROJECT_BINARY_DIR}/package/mycelium-bridge@.service\" @ONLY)
    file(INSTALL \"${PROJECT_BINARY_DIR}/package/mycelium-bridge@.service\"
         DESTINATION \"\${CMAKE_INSTALL_PREFIX}/lib/systemd/system\")" COMPONENT tools)
  install(FILES "${PROJECT_SOURCE_DIR}/tools/packaging/tools/mycelium.sysusers" DESTINATION lib/sysusers.d
          RENAME mycelium.conf COMPONENT tools)
endif()
# The .fbs files: a schema of one's own includes mycelium's for the attributes type_id and topic.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/schema/" DESTINATION "${CMAKE_INSTALL_DATADIR}/mycelium/schema"
        COMPONENT development FILES_MATCHING PATTERN "*.fbs" PATTERN "golden*" EXCLUDE)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT license)

if(TARGET mycelium_python_native)
  set(python_packages "lib/python3/dist-packages") # where Debian's Python looks, below /usr
  install(TARGETS mycelium_python_native LIBRARY DESTINATION "${python_packages}/mycelium_native"
          COMPONENT python EXCLUDE_FROM_ALL)
  install(TARGETS backfire_python_native LIBRARY DESTINATION "${python_packages}/backfire_kernel"
          COMPONENT python EXCLUDE_FROM_ALL)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/bindings/python/mycelium_native" "${PROJECT_BINARY_DIR}/python/mycelium_protocol"
                    "${PROJECT_BINARY_DIR}/python/backfire_kernel" "${PROJECT_BINARY_DIR}/python/director_ai"
                    "${PROJECT_BINARY_DIR}/python/mycelium_client"
          DESTINATION "${python_packages}" COMPONENT python EXCLUDE_FROM_ALL
          PATTERN "__pycache__" EXCLUDE PATTERN "*.so" EXCLUDE)
endif()

# pkg-config
set(pkgconfig_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}/${pkgconfig_dir}"
           OUTPUT_VARIABLE pkgconfig_to_prefix)
configure_file("${CMAKE_CURRENT_LIST_DIR}/mycelium.pc.in" "${PROJECT_BINARY_DIR}/package/mycelium.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/package/mycelium.pc" DESTINATION "${pkgconfig_dir}" COMPONENT development)

# CMake package
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/mycelium")
configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/myceliumConfig.cmake.in" "${PROJECT_BINARY_DIR}/package/myceliumConfig.cmake"
  INSTALL_DESTINATION "${package_dir}" PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_DATADIR)
# The names of the library files are only known when the build files are written.
file(GENERATE OUTPUT "${PROJECT_BINARY_DIR}/package/generated/myceliumConfig.cmake"
     INPUT "${PROJECT_BINARY_DIR}/package/myceliumConfig.cmake")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/package/myceliumConfigVersion.cmake"
                                 COMPATIBILITY SameMajorVersion)
install(FILES "${PROJECT_BINARY_DIR}/package/generated/myceliumConfig.cmake"
              "${PROJECT_BINARY_DIR}/package/myceliumConfigVersion.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/FindCAF.cmake"
        DESTINATION "${package_dir}" COMPONENT development)
